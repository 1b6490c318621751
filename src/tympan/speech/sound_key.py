"""What words sound like, roughly: letters become sounds by rules, for any language in Latin letters.

A key is made to be compared with another key, not to be spoken: names that no dictionary knows and
what a recogniser writes for them come out alike. Other scripts keep their letters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DIGITS = dict(
    zip(
        "0123456789", ("ziro", "wan", "tu", "tri", "for", "faiv", "siks", "seven", "eit", "nain"), strict=True
    )
)
_LETTERS = dict(
    zip(
        "bcdefghjklmnopqrstuvwxyz",
        (
            "bi si di i ef ji eich jei kei el em en ou pi kiu ar es ti iu vi dabliu eks wai zi".split()  # noqa: SIM905
        ),
        strict=True,
    )
)
"""A letter alone is spelled; ``a`` and ``i`` are mostly words."""
_ALONE = re.compile(r"\b[b-hj-z]\b")
_SILENT_STARTS = re.compile(r"\b(?:k(?=n)|g(?=n)|p(?=[nst])|w(?=r)|m(?=n))")
# In this order; what a rule writes in capitals no later rule reads.
_RULES = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"\bx", "S"),
        (r"x", "KS"),
        (r"ph|ff?", "F"),
        (r"tch|[ct]sch|tsch", "C"),
        (r"sch|sh|ti(?=on|a|ous)|[cs]i(?=on|a|ous)|ci(?=an)", "H"),
        (r"sc(?=[eiy])", "S"),
        (r"ch", "C"),
        (r"ck|kk?|cc(?![eiy])|c(?![eiyh])|qu?(?!u)", "K"),
        (r"c", "S"),
        (r"dg(?=[eiy])|g(?=[eiy])|j", "J"),
        (r"gh(?=[aeiou])", "G"),
        (r"(?<=[aeiou])gh", ""),
        (r"gg?", "G"),
        (r"th", "T"),
        (r"tt?|dt", "T"),
        (r"dd?", "D"),
        (r"bb?", "B"),
        (r"pp?", "P"),
        (r"vv?|w(?=h)", "V"),
        (r"w", "W"),
        (r"zz?", "Z"),
        (r"ss?", "S"),
        (r"mm?", "M"),
        (r"n(?=[GK])|ng?", "N"),
        (r"ll?", "L"),
        (r"rh?r?", "R"),
        (r"\by(?=[aeiou])", "I"),
        (r"h", ""),
        (r"e\b(?<!\be)", ""),
        (r"ee|ea|ie|ei|ey|ay|ai|y|i|e", "e"),
        (r"oo|ou|ow|oa|oe|eu|ew|au|aw|u|o", "o"),
        (r"a+", "a"),
    )
)
_CLASSES = str.maketrans("eoaBDGJZVHIW", "aaaPTKCSFSaF")
"""What is easily taken for each other: all vowels, voiced and voiceless."""


@lru_cache(maxsize=65_536)
def sound_key(text: str) -> str:
    """The sounds of some words, without the spaces between them.

    >>> sound_key("Xarelto"), sound_key("zarelto"), sound_key("phone"), sound_key("fone")
    ('SaReLTo', 'ZaReLTo', 'FoN', 'FoN')
    """
    spelled = "".join(f" {_DIGITS[letter]} " if letter in _DIGITS else letter for letter in text.casefold())
    plain = unicodedata.normalize("NFKD", spelled.replace("ß", "ss"))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = _ALONE.sub(lambda found: _LETTERS[found.group()], re.sub(r"[^\w ]|_", "", bare))
    sounds = _SILENT_STARTS.sub("", words)
    for pattern, sound in _RULES:
        sounds = pattern.sub(sound, sounds)
    return re.sub(r"(.)\1+", r"\1", sounds.replace(" ", ""))


def sound_classes(key: str) -> str:
    """A key in which what is easily taken for each other is the same.

    >>> sound_classes(sound_key("Xarelto")) == sound_classes(sound_key("zarelto"))
    True
    """
    return re.sub(r"(.)\1+", r"\1", key.translate(_CLASSES))
