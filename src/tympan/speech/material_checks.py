"""What texts to train on look like as a whole: repeated, in capitals, in another language, ordinary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from tympan.speech.ordinary_words import ordinary_words

_WORD = re.compile(r"[^\W\d_]+")
_FEWEST_CAPITALS = 4
_MOST_WORDS = 4000
"""So many words say well enough which language they are in."""

_FEWEST_WORDS = 30
_LEAST_SHARE, _LEAD = 0.15, 0.1
"""So many words must be function words of the other language, and so many more than of the declared one."""

_FUNCTION_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to a in is it you that he was for on are with as i his they be at this have from",
        "de": "der die das und ist nicht ich sie ein eine zu den mit auf für von dem im es wir auch sich bei",
        "fr": "le la les de des et est un une je vous il que pas dans pour qui sur nous du au avec ne elle",
        "es": "el la los las de y es un una que no en por con para se lo su al del como más pero yo está",
        "it": "il la le lo gli di e è un una che non in per con si da sono ho del della al ma io anche",
        "nl": "de het een en is van niet ik je dat in op te met zijn voor aan er maar we ook naar om hij bij",
        "pt": "o a os as de e é um uma que não em por com para se do da no na mais mas eu como está",
    }.items()
}
"""The words that every text of a language is full of, whatever it is about."""

_LONGEST_TERM = 3
_SENTENCE_ENDS = (".", "!", "?")


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """A language that fits better than the declared one.

    Attributes:
        language: First part of a locale.
        share: Share of the words that are function words of it, 0 to 1.
        declared_share: The same in the declared language.
    """

    language: str
    share: float
    declared_share: float


def repeated_share(texts: Sequence[str]) -> float:
    """Share of texts that say word for word what an earlier one says, 0 to 1.

    >>> repeated_share(["Hello there.", "hello, there", "Goodbye.", "Hello there!"])
    0.5
    """
    if not texts:
        return 0.0
    return 1 - len({" ".join(_words(text)) for text in texts}) / len(texts)


def capitals_share(texts: Iterable[str]) -> float:
    """Share of texts written in capitals throughout; those of a few letters do not count.

    >>> capitals_share(["PLEASE CALL ME", "Please call NASA", "OK"])
    0.5
    """
    long = [text for text in texts if sum(letter.isalpha() for letter in text) >= _FEWEST_CAPITALS]
    return sum(text.isupper() for text in long) / len(long) if long else 0.0


def other_language(texts: Iterable[str], language: str) -> OtherLanguage | None:
    """The language that texts seem to be in when it is not the declared one.

    Looks at seven languages; of texts declared to be in another one nothing is said.

    Args:
        texts: In any order; the first few thousand words decide.
        language: First part of the declared locale.

    >>> other_language(["der Hund und die Katze schlafen heute nicht im Haus"] * 4, "en").language
    'de'
    >>> other_language(["the dog and the cat do not sleep in the house today"] * 4, "en")
    """
    words = list(islice((word for text in texts for word in _words(text)), _MOST_WORDS))
    declared = _FUNCTION_WORDS.get(language)
    if declared is None or len(words) < _FEWEST_WORDS:
        return None
    shares = {one: _share(words, known) for one, known in _FUNCTION_WORDS.items()}
    best = max(shares, key=lambda one: shares[one])
    if shares[best] < max(_LEAST_SHARE, shares[language] + _LEAD):
        return None
    return OtherLanguage(best, shares[best], shares[language])


def ordinary_terms(texts: Iterable[str], language: str) -> tuple[int, int]:
    """How many terms are ordinary words, and of how many.

    Terms are texts of at most three words that do not end like a sentence.

    >>> ordinary_terms(["service", "metoprolol", "Prime the pump.", "a list of ordinary words"], "en")
    (1, 2)
    """
    known = ordinary_words(language)
    if known is None:
        return 0, 0
    named = (_words(text) for text in texts if not text.rstrip().endswith(_SENTENCE_ENDS))
    terms = [words for words in named if 0 < len(words) <= _LONGEST_TERM]
    return sum(all(word in known for word in words) for words in terms), len(terms)


def _share(words: Sequence[str], known: frozenset[str]) -> float:
    return sum(word in known for word in words) / len(words)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
