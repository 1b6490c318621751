"""English names of languages, as speech clients spell them."""

from __future__ import annotations

_NAMES = """
af afrikaans|ar arabic|az azerbaijani|be belarusian|bg bulgarian|bs bosnian|ca catalan|cs czech
cy welsh|da danish|de german|el greek|en english|es spanish|et estonian|fa persian|fi finnish
fr french|gl galician|he hebrew|hi hindi|hr croatian|hu hungarian|hy armenian|id indonesian
is icelandic|it italian|ja japanese|kk kazakh|kn kannada|ko korean|lt lithuanian|lv latvian|mi maori
mk macedonian|mr marathi|ms malay|ne nepali|nl dutch|no norwegian|pl polish|pt portuguese
ro romanian|ru russian|sk slovak|sl slovenian|sr serbian|sv swedish|sw swahili|ta tamil|th thai
tl tagalog|tr turkish|uk ukrainian|ur urdu|vi vietnamese|zh chinese
"""
_BY_CODE = {
    entry.split()[0]: entry.split()[1] for line in _NAMES.strip().splitlines() for entry in line.split("|")
}


def language_name(locale: str) -> str:
    """The name of a locale's language; its code where there is none.

    >>> language_name("en-US"), language_name("nb-NO")
    ('english', 'nb')
    """
    code = locale.partition("-")[0].lower()
    return _BY_CODE.get(code, code)


def language_code(text: str) -> str:
    """A code from a code, a locale or a name in English.

    >>> language_code("English"), language_code("de"), language_code("pt-BR")
    ('en', 'de', 'pt-BR')
    """
    codes = {name: code for code, name in _BY_CODE.items()}
    return codes.get(text.strip().lower(), text.strip())
