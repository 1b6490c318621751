"""Case and punctuation for transcripts that have none.

A model trained on lower-case, unpunctuated labels soon writes everything that way. Where
the transcripts are plain, the labels borrow the style of the base model's own text: the
words stay the transcript's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_SENTENCE_END = re.compile(r"[.!?]+$")
_EDGE = re.compile(r"^\W+|\W+$")
_ENGLISH_I = re.compile(r"i('(m|ve|ll|d))?")
_PLAIN_SHARE = 0.95


def is_plain(texts: Sequence[str]) -> bool:
    """Whether nearly all texts lack capitals and sentence marks, in a script that has capitals.

    >>> is_plain(["it made me feel good", "that's all"]), is_plain(["That is all."]), is_plain(["你好"])
    (True, False, False)
    """
    cased = [text for text in texts if text.lower() != text.upper()]
    if not cased:
        return False
    plain = sum(text == text.lower() and not _SENTENCE_END.search(text) for text in cased)
    return plain >= _PLAIN_SHARE * len(cased)


def restyle(transcript: str, heard: str, language: str) -> str:
    """The transcript's words in the case and punctuation of a recognised text.

    Words that both texts share take the recognised spelling; a sentence mark or a capital
    that the recognised text has in the middle is not believed. The first word gets a
    capital and the last one a full stop if they have none.

    Args:
        transcript: Plain text.
        heard: What the base model wrote for the same recording; may be wrong in any way.
        language: Whisper code.

    >>> restyle("the man john saw left", "The man John saw, left. The man", "en")
    'The man John saw, left.'
    """
    words, spoken = transcript.split(), heard.split()
    if not words:
        return transcript
    styled = list(words)
    matcher = SequenceMatcher(a=[_key(w) for w in words], b=[_key(w) for w in spoken], autojunk=False)
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            at = block.b + offset
            starts_sentence = at == 0 or bool(_SENTENCE_END.search(spoken[at - 1]))
            styled[block.a + offset] = _borrowed(
                words[block.a + offset], spoken[at], starts_sentence=starts_sentence
            )
    if language == "en":
        styled = [w.capitalize() if _ENGLISH_I.fullmatch(_key(w)) else w for w in styled]
    return _closed(styled, heard)


def _borrowed(word: str, spoken: str, *, starts_sentence: bool) -> str:
    if starts_sentence:
        # Its capital says nothing about the word itself.
        spoken = spoken.lower()
    return _SENTENCE_END.sub("", spoken) or word


def _closed(words: list[str], heard: str) -> str:
    end = _SENTENCE_END.search(heard.strip())
    text = " ".join(words)
    text = text[0].upper() + text[1:]
    # Only a question mark is worth keeping: everything else is a full stop.
    return text + ("?" if end and end.group().endswith("?") and _ends_alike(words, heard) else ".")


def _ends_alike(words: list[str], heard: str) -> bool:
    return _key(words[-1]) == _key(heard.rsplit(maxsplit=1)[-1])


def _key(word: str) -> str:
    return _EDGE.sub("", word).casefold()
