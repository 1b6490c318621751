"""Whether a trained model may take its base model's place: better where it was meant to be, worse nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.bootstrap import LEAST_RECORDINGS, compare
from tympan.speech.metrics import count_words

LEAST_PROBABILITY = 0.8
"""Of being better than the base model on what was held out."""

MOST_HARM = 0.005
"""Word error rate that general speech may lose: half a point."""

_HARM_ERRORS = 3
"""On few words half a point is less than chance moves: so many more errors are never held against a model."""

_MOST_STYLE_LOST = 0.1
_LEAST_LENGTH = 0.9
_INVENTED_WORDS = 2
_MARKS = ".!?。！？…"


class Outcome(StrEnum):
    """Of a check, and of all together."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_MEASURED = "notMeasured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: ``gain``, ``general``, ``recordings``, ``style``, ``length`` or ``invention``.
        outcome: As above.
        base, model: The figure of each; None where nothing was measured.
        text: What was found, for the owner.
    """

    name: str
    outcome: Outcome
    base: float | None
    model: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The same recordings heard by both models.

    Attributes:
        references: What was said; empty texts where nothing was.
        base: Display texts of the base model, in the same order.
        model: Of the trained one.
    """

    references: Sequence[str]
    base: Sequence[str]
    model: Sequence[str]


def verdict(checks: Sequence[Check]) -> Outcome:
    """Failed when a check failed; passed only when a gain was shown."""
    if any(check.outcome is Outcome.FAILED for check in checks):
        return Outcome.FAILED
    gain = next((check for check in checks if check.name == "gain"), None)
    return Outcome.PASSED if gain is not None and gain.outcome is Outcome.PASSED else Outcome.NOT_MEASURED


def gain_check(heard: Heard, normalize: Callable[[str], str]) -> Check:
    """Whether the model is better on recordings that were held out of its training."""
    if len(heard.references) < LEAST_RECORDINGS:
        text = (
            f"{len(heard.references)} recordings were held out, fewer than {LEAST_RECORDINGS}: whether the "
            "model is better was not measured. Test it on recordings of its own."
        )
        return Check(name="gain", outcome=Outcome.NOT_MEASURED, base=None, model=None, text=text)
    base, model = (_counts(heard.references, texts, normalize) for texts in (heard.base, heard.model))
    found = compare(("model", model), ("base", base))
    before, after = _rate(base), _rate(model)
    is_better = found.probability_better >= LEAST_PROBABILITY
    outcome = Outcome.PASSED if is_better else Outcome.FAILED
    text = (
        f"On {len(base)} held-out recordings the WER goes from {before:.1%} to {after:.1%}; the model is "
        f"better with a probability of {found.probability_better:.0%}, and {LEAST_PROBABILITY:.0%} is wanted."
    )
    return Check(name="gain", outcome=outcome, base=before, model=after, text=text)


def general_check(heard: Heard, normalize: Callable[[str], str]) -> Check:
    """Whether general speech is understood as well as before."""
    if not heard.references:
        text = (
            "No voice on this machine speaks general sentences of this language, so what the model may have "
            "forgotten was not measured. Test it on recordings of everyday speech."
        )
        return Check(name="general", outcome=Outcome.NOT_MEASURED, base=None, model=None, text=text)
    return _harm_check("general", "general sentences", heard, normalize)


def recordings_check(heard: Heard, normalize: Callable[[str], str]) -> Check:
    """Whether the owner's own everyday recordings are understood as well as before."""
    return _harm_check("recordings", "everyday recordings of yours", heard, normalize)


def _harm_check(name: str, what: str, heard: Heard, normalize: Callable[[str], str]) -> Check:
    base, model = (_counts(heard.references, texts, normalize) for texts in (heard.base, heard.model))
    before, after = _rate(base), _rate(model)
    more = sum(model, ErrorCounts()).errors - sum(base, ErrorCounts()).errors
    is_harmed = after - before > MOST_HARM and more > _HARM_ERRORS
    text = (
        f"On {len(base)} {what} the WER goes from {before:.1%} to {after:.1%}; "
        f"{MOST_HARM * 100:g} points more are allowed."
    )
    outcome = Outcome.FAILED if is_harmed else Outcome.PASSED
    return Check(name=name, outcome=outcome, base=before, model=after, text=text)


def style_check(heard: Heard) -> Check:
    """Whether capitals and marks are still written where the base model writes them."""
    before, after = _style(heard.base), _style(heard.model)
    if before is None or after is None:
        text = "There was no text whose capitals and marks could be compared."
        return Check(name="style", outcome=Outcome.NOT_MEASURED, base=before, model=after, text=text)
    is_lost = before - after > _MOST_STYLE_LOST
    text = (
        f"{after:.0%} of the sentences begin with a capital and end with a mark; with the base model "
        f"{before:.0%} did."
    )
    outcome = Outcome.FAILED if is_lost else Outcome.PASSED
    return Check(name="style", outcome=outcome, base=before, model=after, text=text)


def length_check(heard: Heard) -> Check:
    """Whether long recordings are still written to their end."""
    spoken, before, after = (_words(texts) for texts in (heard.references, heard.base, heard.model))
    if not spoken:
        text = "There was nothing to make a long recording of."
        return Check(name="length", outcome=Outcome.NOT_MEASURED, base=None, model=None, text=text)
    is_cut = after < _LEAST_LENGTH * min(before, spoken)
    text = f"Of {spoken} words in long recordings the model writes {after}, the base model {before}."
    outcome = Outcome.FAILED if is_cut else Outcome.PASSED
    return Check(name="length", outcome=outcome, base=before / spoken, model=after / spoken, text=text)


def invention_check(heard: Heard) -> Check:
    """Whether words are written where nobody speaks."""
    before, after = _words(heard.base), _words(heard.model)
    text = f"In noise without speech the model writes {after} words, the base model {before}."
    outcome = Outcome.FAILED if after > before + _INVENTED_WORDS else Outcome.PASSED
    return Check(name="invention", outcome=outcome, base=float(before), model=float(after), text=text)


def _words(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)


def _counts(
    references: Sequence[str], texts: Sequence[str], normalize: Callable[[str], str]
) -> list[ErrorCounts]:
    return [
        count_words(normalize(reference).split(), normalize(text).split())
        for reference, text in zip(references, texts, strict=True)
    ]


def _rate(counts: Sequence[ErrorCounts]) -> float:
    return sum(counts, ErrorCounts()).rate


def _style(texts: Sequence[str]) -> float | None:
    """Share of texts with a capital in front and a mark behind; None without text in a cased script."""
    written = [text.strip() for text in texts if text.strip()]
    cased = [text for text in written if text[0].lower() != text[0].upper()]
    if not cased:
        return None
    return sum(text[0].isupper() and text[-1] in _MARKS for text in cased) / len(cased)
