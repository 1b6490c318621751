"""Text to be spoken for training: which sentences, and sentences around single terms."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tympan.domain.manifest import PronunciationEntry

_CARRIERS = {
    "en": (
        "We talked about {} this morning.",
        "Could you tell me more about {}?",
        "The report on {} is due on Monday.",
        "My favourite topic is {}.",
        "{} was mentioned several times.",
        "I have never heard of {} before.",
    ),
    "de": (
        "Wir haben heute über {} gesprochen.",
        "Können Sie mir mehr über {} sagen?",
        "Der Bericht zu {} ist am Montag fällig.",
        "Mein liebstes Thema ist {}.",
        "{} wurde mehrmals erwähnt.",
        "Ich habe noch nie von {} gehört.",
    ),
    "fr": (
        "Nous avons parlé de {} ce matin.",
        "Pouvez-vous m'en dire plus sur {} ?",
        "Le rapport sur {} est pour lundi.",
        "Mon sujet préféré est {}.",
        "{} revient plusieurs fois.",
        "Je ne connais pas encore {}.",
    ),
    "es": (
        "Esta mañana hablamos de {}.",
        "¿Puede decirme más sobre {}?",
        "El informe sobre {} es para el lunes.",
        "Mi tema favorito es {}.",
        "{} aparece varias veces.",
        "Nunca había oído hablar de {}.",
    ),
    "it": (
        "Stamattina abbiamo parlato di {}.",
        "Può dirmi di più su {}?",
        "La relazione su {} è per lunedì.",
        "Il mio argomento preferito è {}.",
        "{} compare diverse volte.",
        "Non ho mai sentito parlare di {}.",
    ),
}
_BARE = ("{}.",)
_SENTENCE_BREAK = re.compile(r"(?<=[.!?。！？])\s*")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SpokenText:
    """A sentence to be spoken one way and written another.

    Attributes:
        spoken: What a voice says.
        written: What the model shall write for it.
    """

    spoken: str
    written: str


def carry(entry: PronunciationEntry, language: str) -> tuple[SpokenText, ...]:
    """Sentences that speak an entry's spoken form and write its display form.

    >>> carry(PronunciationEntry(display="CNTK", spoken="c n t k", line=1), "en")[0]
    SpokenText(spoken='We talked about C N T K this morning.', written='We talked about CNTK this morning.')
    """
    # Voices read a capital letter by its name, and a small one perhaps as a word.
    spoken = " ".join(word.upper() if len(word) == 1 else word for word in entry.spoken.split())
    carriers = _CARRIERS.get(language, _BARE)
    return tuple(SpokenText(c.format(spoken), c.format(entry.display)) for c in carriers)


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a longer text.

    >>> split_sentences("It rains. Does it? Yes")
    ('It rains.', 'Does it?', 'Yes')
    """
    return tuple(part.strip() for part in _SENTENCE_BREAK.split(text) if _WORD.search(part))


def pick_sentences(sentences: Sequence[str], most: int, seed: int) -> tuple[str, ...]:
    """At most ``most`` different sentences that hold as many different words as can be had.

    Sentences that bring a new word come first, in an order drawn by ``seed``; the rest of
    the room is filled with others. With room for all the order is kept.
    """
    distinct = tuple(dict.fromkeys(sentences))
    if len(distinct) <= most:
        return distinct
    order = list(distinct)
    random.Random(f"sentences:{seed}").shuffle(order)  # noqa: S311
    seen: set[str] = set()
    bringing: list[str] = []
    others: list[str] = []
    for sentence in order:
        words = {word.casefold() for word in _WORD.findall(sentence)}
        (others if words <= seen else bringing).append(sentence)
        seen |= words
    return tuple((bringing + others)[:most])
