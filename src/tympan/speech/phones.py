"""Phones of the Universal Phone Set (en-US) and ARPAbet, and how to spell them for a voice.

Source: developer reference, section 9.
"""

from __future__ import annotations

import re

from tympan.speech.findings import Finding, error

_STRESS = re.compile(r"[012]$")
_SPELLINGS = {
    # consonants of both sets
    "B": "b", "CH": "ch", "D": "d", "DH": "th", "F": "f", "G": "g", "H": "h", "HH": "h", "J": "y", "JH": "j",
    "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ng", "P": "p", "R": "r", "S": "s", "SH": "sh", "T": "t",
    "TH": "th", "V": "v", "W": "w", "Y": "y", "Z": "z", "ZH": "zh", "DX": "d",
    # vowels of both sets
    "AA": "ah", "AE": "a", "AH": "u", "AO": "aw", "AOX": "aw", "AU": "ow", "AW": "ow", "AX": "a", "AXR": "er",
    "AX R": "er", "AY": "ie", "AI": "ie", "EH": "e", "EHX": "air", "ER": "er", "ER R": "er", "EI": "ay",
    "EY": "ay", "I": "ee", "IH": "i", "IX": "i", "IY": "ee", "O": "oh", "OI": "oy", "OW": "oh", "OWX": "or",
    "OY": "oy", "Q": "o", "U": "oo", "UH": "u", "UW": "oo", "UWX": "oor", "UX": "oo",
}  # fmt: skip
"""Letters an English voice reads about as the phone sounds. (ARPAbet's Y and the Universal
Phone Set's J are one sound; ARPAbet's JH and the set's JH are one too.)"""


def phone_finding(phones: str) -> Finding | None:
    """What is wrong with a row of phones, or None. Letter case and stress digits do not matter."""
    unknown = next((phone for phone in phones.split() if _plain(phone) not in _SPELLINGS), None)
    if unknown is None:
        return None
    return error(
        "PronunciationInvalid",
        f"'{unknown}' is not a phone. Use the Universal Phone Set or ARPAbet, with spaces between phones.",
    )


def respelled(phones: str) -> str:
    """A spelling that an English voice reads about as the phones sound.

    >>> respelled("D AO T N EH T")
    'dawtnet'
    """
    return "".join(_SPELLINGS[_plain(phone)] for phone in phones.split())


def _plain(phone: str) -> str:
    return _STRESS.sub("", phone.upper())
