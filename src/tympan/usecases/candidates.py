"""From what an engine heard to the readings that clients see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tympan.ports.recognizer import Alternative, Phrase, RecognizedWord
from tympan.speech.dictation import knows_dictation, write_marks
from tympan.speech.text_forms import PlacedToken, forms_of, place_tokens, without_punctuation
from tympan.usecases.listening import Candidate, ListeningOptions, Punctuation


def candidates_of(phrase: Phrase, locale: str, options: ListeningOptions) -> tuple[Candidate, ...]:
    """The readings of a phrase, best first.

    Only the best has words: the others were never placed in time.

    Args:
        phrase: As heard; its words count samples from wherever the phrase does.
        locale: The language it is in.
        options: How it shall be written.
    """
    best = _candidate(phrase, locale, options)
    if options.wants_words:
        best = _with_words(best, phrase.words)
    return (best, *_others(phrase, best, locale, options))


def _others(phrase: Phrase, best: Candidate, locale: str, options: ListeningOptions) -> Iterator[Candidate]:
    seen = {best.display}
    for one in phrase.alternatives[: options.alternatives - 1]:
        candidate = _candidate(one, locale, options)
        if candidate.display not in seen:
            seen.add(candidate.display)
            yield candidate


def punctuated(phrase: Phrase, locale: str, punctuation: Punctuation) -> Phrase:
    """A phrase with punctuation from where it was asked for.

    Who dictates in a language without a table of spoken marks gets the recogniser's own.
    """
    return replace(
        phrase,
        text=_punctuated(phrase.text, locale, punctuation),
        unmasked=_punctuated(phrase.unmasked, locale, punctuation),
        spoken=_punctuated(phrase.spoken, locale, punctuation),
    )


def _candidate(heard: Phrase | Alternative, locale: str, options: ListeningOptions) -> Candidate:
    shown, unmasked, spoken = (
        _punctuated(text, locale, options.punctuation) for text in (heard.text, heard.unmasked, heard.spoken)
    )
    forms = forms_of(shown, unmasked, locale, spoken)
    return Candidate(
        confidence=heard.confidence,
        lexical=forms.lexical,
        itn=forms.itn,
        masked_itn=forms.masked_itn,
        display=forms.display,
    )


def _punctuated(text: str, locale: str, punctuation: Punctuation) -> str:
    if not text:
        return ""
    match punctuation:
        case Punctuation.NONE:
            return without_punctuation(text)
        case Punctuation.DICTATED if knows_dictation(locale):
            return write_marks(text, locale, is_dictated=True)
        case Punctuation.DICTATED_AND_AUTOMATIC:
            return write_marks(text, locale, is_dictated=False)
    return text


def _with_words(candidate: Candidate, heard: Sequence[RecognizedWord]) -> Candidate:
    placed = [PlacedToken(word.text, word.start, word.end, word.confidence) for word in heard]
    return Candidate(
        confidence=candidate.confidence,
        lexical=candidate.lexical,
        itn=candidate.itn,
        masked_itn=candidate.masked_itn,
        display=candidate.display,
        words=_words(candidate.lexical, placed),
        display_words=_words(candidate.display, placed),
    )


def _words(text: str, placed: Sequence[PlacedToken]) -> tuple[RecognizedWord, ...]:
    return tuple(
        RecognizedWord(text=token.text, start=token.start, end=token.end, confidence=token.confidence)
        for token in place_tokens(text.split(), placed)
    )
