"""What one model scored on one recording, and the file that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tympan.domain.evaluation import ErrorCounts
from tympan.domain.manifest import Utterance
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.recognizer import RecognizedWord
from tympan.speech.display_tokens import TokenScore, score_tokens
from tympan.speech.metrics import Alignment, align, count_characters
from tympan.speech.text import Normalizer
from tympan.speech.text_forms import bare
from tympan.usecases.hypotheses import Hypothesis

Document = Mapping[str, Any]

_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedWord:
    """A normalised word of a hypothesis with what the engine said of its source.

    Attributes:
        start, end: Counts of 16 kHz samples; None where the engine did not place its source.
        confidence: The lowest of the engine's words it came from; None as above.
    """

    start: int | None = None
    end: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingScore:
    """One hypothesis against its reference, both after normalisation.

    Attributes:
        hypothesis: As it was heard.
        reference_words, hypothesis_words: The compared words.
        heard: Place and confidence of each hypothesis word.
        alignment: Of the words.
        words, characters: Its counts; characters leave out spaces.
        tokens: Display tokens, case and punctuation included.
    """

    hypothesis: Hypothesis
    reference_words: tuple[str, ...]
    hypothesis_words: tuple[str, ...]
    heard: tuple[ComparedWord, ...]
    alignment: Alignment
    words: ErrorCounts
    characters: ErrorCounts
    tokens: TokenScore


def score_recording(reference: str, hypothesis: Hypothesis, normalizer: Normalizer) -> RecordingScore:
    """Compare what was heard with what was said."""
    reference_words = normalizer.words(reference)
    hypothesis_words = normalizer.words(hypothesis.spoken)
    alignment = align(reference_words, hypothesis_words)
    return RecordingScore(
        hypothesis=hypothesis,
        reference_words=tuple(reference_words),
        hypothesis_words=tuple(hypothesis_words),
        heard=tuple(_compared_words(hypothesis, normalizer, len(hypothesis_words))),
        alignment=alignment,
        words=alignment.counts,
        characters=count_characters(" ".join(reference_words), " ".join(hypothesis_words)),
        tokens=score_tokens(reference, hypothesis.text, normalizer),
    )


def text_document(
    utterance: Utterance, model_id: str, hypothesis: Hypothesis, normalizer: Normalizer
) -> dict[str, Any]:
    """The file of a recording without reference: what was heard, and no counts."""
    lexical = normalizer.normalize(hypothesis.spoken)
    return _heard_members(utterance, model_id, hypothesis, lexical, normalizer.name)


def _heard_members(
    utterance: Utterance, model_id: str, hypothesis: Hypothesis, lexical: str, normalizer: str
) -> dict[str, Any]:
    return {
        "schemaVersion": _SCHEMA_VERSION,
        "audio": utterance.name,
        "durationMilliseconds": round(utterance.duration_s * 1000),
        "model": model_id,
        "normalizer": normalizer,
        "reference": utterance.transcript,
        "hypothesis": {"lexical": lexical, "itn": bare(hypothesis.text), "display": hypothesis.text},
        "normalizedHypothesis": lexical,
    }


def score_document(
    utterance: Utterance, model_id: str, score: RecordingScore, normalizer: Normalizer
) -> dict[str, Any]:
    """The score file of one recording and model.

    Source:
        The schema is ours; Azure's ``EvaluationDetails`` is unpublished.
    """
    lexical = " ".join(score.hypothesis_words)
    heard = _heard_members(utterance, model_id, score.hypothesis, lexical, normalizer.name)
    return heard | {
        "normalizedReference": " ".join(score.reference_words),
        "counts": count_members("words", score.words),
        "wordErrorRate": score.words.rate,
        "alignment": _alignment_members(score),
        "characters": count_members("characters", score.characters),
        "characterErrorRate": score.characters.rate,
        "tokens": {**count_members("tokens", score.tokens.counts), "errors": score.tokens.edits},
    }


def count_members(what: str, counts: ErrorCounts) -> dict[str, int]:
    """Counts as members of a document; ``what`` names the reference length."""
    return {
        what: counts.reference_length,
        "correct": counts.hits,
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
    }


def _alignment_members(score: RecordingScore) -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = []
    for pair in score.alignment.pairs:
        column: dict[str, Any] = {"op": str(pair.operation)}
        if pair.reference is not None:
            column["ref"] = score.reference_words[pair.reference]
        if pair.hypothesis is not None:
            column["hyp"] = score.hypothesis_words[pair.hypothesis]
            heard = score.heard[pair.hypothesis]
            if heard.start is not None and heard.end is not None:
                column["offsetMilliseconds"] = _milliseconds(heard.start)
                column["durationMilliseconds"] = _milliseconds(heard.end - heard.start)
        columns.append(column)
    return columns


def _compared_words(hypothesis: Hypothesis, normalizer: Normalizer, count: int) -> Iterator[ComparedWord]:
    """What the engine said of the source of each normalised word."""
    if not hypothesis.words:
        yield from [ComparedWord()] * count
        return
    located = _located(hypothesis)
    for traced in normalizer.trace_words(hypothesis.spoken):
        touching = [word for start, end, word in located if start < traced.end and traced.start < end]
        yield (
            ComparedWord()
            if not touching
            else ComparedWord(
                start=touching[0].start,
                end=touching[-1].end,
                confidence=min(word.confidence for word in touching),
            )
        )


def _located(hypothesis: Hypothesis) -> list[tuple[int, int, RecognizedWord]]:
    """The engine's words with the characters of the scored text they stand for."""
    located: list[tuple[int, int, RecognizedWord]] = []
    at = 0
    for word in hypothesis.words:
        text = word.text.strip()
        start = hypothesis.spoken.find(text, at)
        if text and start >= 0:  # formatting may have replaced the word: then it has no place
            at = start + len(text)
            located.append((start, at, word))
    return located


def _milliseconds(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE_HZ)
