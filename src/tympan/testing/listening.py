"""A listener without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO

from tympan.domain.errors import InvalidInputError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.recognizer import RecognizedWord
from tympan.usecases.listening import Candidate, HeardPhrase, HeardRecording, ListeningOptions

_PHRASE = SAMPLE_RATE_HZ


class FakeListening:
    """Hears what the bytes of a recording say: each line of UTF-8 is a phrase of one second.

    Args:
        before: Called with the text before it is heard; raises what a test wants to happen.

    Attributes:
        heard: Texts in the order they were begun.
        damaged: What bytes that are no audio begin with.
    """

    damaged = b"\xff"

    def __init__(self, before: Callable[[str], None] = lambda _: None) -> None:
        self._before = before
        self.heard: list[str] = []
        self.options: list[ListeningOptions] = []

    def hear(
        self,
        bundles: Mapping[str, Bundle],  # noqa: ARG002  of the port
        file: BinaryIO,
        options: ListeningOptions,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> HeardRecording:
        """Read the lines."""
        data = file.read()
        if not data:
            raise InvalidInputError("The recording is empty.", code="EmptyAudio")
        if data.startswith(self.damaged):
            raise InvalidInputError("The recording is no audio.", code="InvalidAudio")
        text = data.decode()
        self.heard.append(text)
        self.options.append(options)
        self._before(text)
        lines = text.splitlines()
        # The real one knows length and channels once the last phrase was read.
        recording = HeardRecording(phrases=iter(()))
        recording.phrases = self._phrases(recording, lines, options, on_progress)
        return recording

    def _phrases(
        self,
        recording: HeardRecording,
        lines: Sequence[str],
        options: ListeningOptions,
        on_progress: Callable[[float], None],
    ) -> Iterator[HeardPhrase]:
        for number, line in enumerate(lines):
            on_progress(number + 1.0)
            yield _phrase(number, line, options)
        recording.channels = (options.channels or (0,))[:1]
        recording.samples = len(lines) * _PHRASE
        recording.adaptation = ("training",)


def _phrase(number: int, line: str, options: ListeningOptions) -> HeardPhrase:
    start = number * _PHRASE
    words = _spread(line.lower().strip(".").split(), start) if options.wants_words else ()
    shown = _spread(line.split(), start) if options.wants_words else ()
    reading = Candidate(
        confidence=0.9,
        lexical=line.lower().strip("."),
        itn=line.lower().strip("."),
        masked_itn=line.lower().strip("."),
        display=line,
        words=words,
        display_words=shown,
    )
    return HeardPhrase(
        channel=0,
        start=start,
        end=start + _PHRASE,
        locale=options.locale,
        speaker=1 if options.speakers is not None else None,
        candidates=(reading,),
        matched=tuple(one for one in options.phrases if one.lower() in line.lower()),
    )


def _spread(words: Sequence[str], start: int) -> tuple[RecognizedWord, ...]:
    edges = [start + _PHRASE * index // max(1, len(words)) for index in range(len(words) + 1)]
    return tuple(
        RecognizedWord(text=word, start=edges[index], end=edges[index + 1], confidence=0.9)
        for index, word in enumerate(words)
    )
