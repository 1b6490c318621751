"""From locales to the language codes that Whisper was trained with."""

from __future__ import annotations

_CODES = """
af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy
id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru
sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh
"""

WHISPER_LANGUAGES = frozenset(_CODES.split())
"""Codes of Whisper's language tokens. Source: ``openai/whisper``, ``whisper/tokenizer.py``.

``yue`` came with large-v3; a bundle says itself which of them it knows.
"""

# Where BCP-47 and Whisper name the same language differently.
_OTHER_NAMES = {"fil": "tl", "nb": "no", "jv": "jw", "iw": "he", "in": "id", "cmn": "zh"}


def whisper_language(locale: str) -> str | None:
    """Whisper's code for a locale; None when Whisper does not know the language.

    >>> whisper_language("en-US"), whisper_language("nb-NO"), whisper_language("zu-ZA")
    ('en', 'no', None)
    """
    language = locale.partition("-")[0].lower()
    code = _OTHER_NAMES.get(language, language)
    return code if code in WHISPER_LANGUAGES else None
