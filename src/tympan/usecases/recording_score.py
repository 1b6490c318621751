"""What one model scored on one recording, and the file that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
class RecordingScore:
    """One hypothesis against its reference, both after normalisation.

    Attributes:
        hypothesis: As it was heard.
        reference_words, hypothesis_words: The compared words.
        alignment: Of the words.
        words, characters: Its counts; characters leave out spaces.
        tokens: Display tokens, case and punctuation included.
    """

    hypothesis: Hypothesis
    reference_words: tuple[str, ...]
    hypothesis_words: tuple[str, ...]
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
        "alignment": _alignment_members(score, normalizer),
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


def _alignment_members(score: RecordingScore, normalizer: Normalizer) -> list[dict[str, Any]]:
    places = _word_places(score.hypothesis, normalizer)
    columns: list[dict[str, Any]] = []
    for pair in score.alignment.pairs:
        column: dict[str, Any] = {"op": str(pair.operation)}
        if pair.reference is not None:
            column["ref"] = score.reference_words[pair.reference]
        if pair.hypothesis is not None:
            column["hyp"] = score.hypothesis_words[pair.hypothesis]
            place = places[pair.hypothesis] if places else None
            if place is not None:
                column["offsetMilliseconds"] = _milliseconds(place[0])
                column["durationMilliseconds"] = _milliseconds(place[1] - place[0])
        columns.append(column)
    return columns


def _word_places(hypothesis: Hypothesis, normalizer: Normalizer) -> Sequence[tuple[int, int] | None]:
    """Start and end of each normalised word in samples, where the engine placed its source."""
    if not hypothesis.words:
        return ()
    heard = _located(hypothesis)
    places: list[tuple[int, int] | None] = []
    for traced in normalizer.trace_words(hypothesis.spoken):
        touching = [word for start, end, word in heard if start < traced.end and traced.start < end]
        places.append((touching[0].start, touching[-1].end) if touching else None)
    return places


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
