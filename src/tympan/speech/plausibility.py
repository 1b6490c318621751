"""Telling what was said from what the decoder made up."""

from __future__ import annotations

import math
import re
import zlib

_MAX_COMPRESSION = 2.4
"""Source: Whisper's ``compression_ratio_threshold``."""
_MIN_COMPRESSED_CHARACTERS = 60

# Six times the same in a row, of two characters or more; people count and stutter less.
_LOOP = re.compile(
    r"(?P<unit>\S.{1,60}?)(?:[\s,.;:!?-]*(?P=unit)){5,}",
    re.IGNORECASE | re.DOTALL,
)

_NO_SPEECH = 0.6
_NO_SPEECH_CONFIDENCE = math.exp(-1.0)
"""Source: Whisper's ``no_speech_threshold`` and ``logprob_threshold``."""

_FAINT_VOICE = 0.6
# What Whisper writes over near-silence: the ends of the videos it learned from.
_STOCK_PHRASES = frozenset(
    """
you | thank you | thanks | thank you very much | thanks for watching | thank you for watching | bye | bye bye
thank you so much for watching | please subscribe | like and subscribe | subscribe | the end | so | oh | um
hmm | uh | i'm sorry | okay | subtitles by the amara.org community | www.mooji.org | vielen dank | danke
untertitel der amara.org-community | untertitel im auftrag des zdf für funk 2017 | copyright wdr 2021
sous-titres réalisés para la communauté d'amara.org | sous-titrage société radio-canada | merci
subtítulos realizados por la comunidad de amara.org | gracias | ¡gracias | obrigado | bedankt | grazie
ondertiteld door de amara.org-gemeenschap | sottotitoli creati dalla comunità amara.org
napisy stworzone przez społeczność amara.org | продолжение следует | субтитры сделал dimatorzok
спасибо за просмотр | ご視聴ありがとうございました | ご清聴ありがとうございました | 시청해주셔서 감사합니다
mbc 뉴스 이덕영입니다 | 谢谢大家 | 谢谢 | 字幕by索兰娅 | altyazı m.k | tak for at se med | tack till alla
請不吝點贊 訂閱 轉發 打賞支持明鏡與點點欄目 | undertekster av ai-media
""".strip()
    .replace("\n", " | ")
    .split(" | ")
)


def is_loop(text: str) -> bool:
    """Whether a text repeats itself as speech does not.

    >>> is_loop("no, no, no, I said three"), is_loop("we are, we are, we are, we are, we are, we are.")
    (False, True)
    """
    raw = text.encode()
    if len(raw) >= _MIN_COMPRESSED_CHARACTERS and len(raw) / len(zlib.compress(raw)) > _MAX_COMPRESSION:
        return True
    found = _LOOP.search(text)
    return found is not None and len(found.group()) > len(text) / 2


def without_loop(text: str) -> str:
    """The text with each loop cut down to one turn: better than nothing when every decoding loops.

    >>> without_loop("I said we are, we are, we are, we are, we are, we are")
    'I said we are'
    """
    return _LOOP.sub(lambda found: found["unit"], text).strip()


def is_invented(text: str, *, confidence: float, no_speech: float, voice: float) -> bool:
    """Whether a text is more likely the decoder's habit than anybody's words.

    Args:
        text: What was decoded.
        confidence: Geometric mean of the token probabilities.
        no_speech: Whisper's own probability that nobody speaks.
        voice: Mean probability of speech that the detector gave the piece's speech; 1 when
            it was not asked.
    """
    if no_speech > _NO_SPEECH and confidence < _NO_SPEECH_CONFIDENCE:
        return True
    is_faint = no_speech > _NO_SPEECH or voice < _FAINT_VOICE
    return is_faint and is_stock_phrase(text)


def is_stock_phrase(text: str) -> bool:
    """Whether a text is one that Whisper writes where nobody speaks; people say some of them too.

    >>> is_stock_phrase("Thanks for watching!"), is_stock_phrase("Thanks for coming!")
    (True, False)
    """
    return text.lower().strip(" .!?…。！？") in _STOCK_PHRASES
