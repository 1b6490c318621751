"""A turn, without a socket: what is heard in, messages out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tympan.ports.live_recognition import Listened, LiveEvent, Partial, SpeechBegan
from tympan.wire.phrases import SpokenPhrase
from tympan.wire.usp.answers import (
    Language,
    end_of_dictation,
    ended,
    hypothesis,
    language_members,
    nothing,
    phrase,
    speaker_members,
    started,
    turn_start,
)
from tympan.wire.usp.turn_request import Mode, TurnRequest
from tympan.wire.values import Document

Messages = Sequence[tuple[str, Mapping[str, object]]]
"""Paths and documents, in the order in which they are sent."""

_SAMPLES_A_MILLISECOND = 16


class Turn:
    """Decides what a client is told, and when its turn is over.

    Interactive: one phrase, or none after a silence, ends the turn. Else the end of the audio
    does, and a last phrase acknowledges all of it, so that the client does not send its end anew.

    Args:
        request: What the client asks for.

    Attributes:
        is_over: ``turn.end`` was the last message.
    """

    def __init__(self, request: TurnRequest) -> None:
        self._request = request
        self._about: Mapping[str, Document] = {}
        self._is_started = self._is_silence_told = False
        self._phrases = 0
        self._told: Language | None = None
        self.is_over = False

    def answered_by(self, about: Mapping[str, Document]) -> None:
        """Say which model answers, by locale, as a member that clients ignore."""
        self._about = about

    def begin(self, service_tag: str) -> Messages:
        """Open the turn."""
        return [("turn.start", turn_start(service_tag))]

    def hear(self, event: LiveEvent, channel: int) -> Messages:
        """Somebody speaks, or nobody does."""
        if self.is_over:
            return []
        match event:
            case SpeechBegan():
                return self._start(event.at)
            case Partial():
                return self._partial(event, channel)
            case Listened():
                return self._listened(event)
        return []

    def say(self, spoken: SpokenPhrase | None, told: Language | None, until: int) -> Messages:
        """A phrase has ended; None: the sound held no words."""
        self._told = told or self._told
        if self.is_over or spoken is None:
            return []
        self._phrases += 1
        messages = [*self._start(spoken.start)]
        more = self._more(spoken.locale, spoken.matched) | language_members(self._told)
        if self._request.wants_speakers:
            more |= speaker_members(spoken.speaker)
        messages.append(("speech.phrase", phrase(spoken, self._request, more)))
        if self._request.mode is Mode.INTERACTIVE:
            messages += self._end(-(-until // _SAMPLES_A_MILLISECOND))
        return messages

    def end_of_audio(self, received_ms: int) -> Messages:
        """All that was sent is heard.

        Args:
            received_ms: How much that was, rounded up.
        """
        if self.is_over:
            return []
        messages: list[tuple[str, Mapping[str, object]]] = []
        if not self._phrases and not self._is_silence_told and received_ms:
            status = "NoMatch" if self._is_started else "InitialSilenceTimeout"
            messages.append(("speech.phrase", nothing(status, 0, received_ms, self._more())))
        last = self._end(received_ms)
        if self._request.mode is Mode.INTERACTIVE:
            return [*messages, *last]
        return [*messages, last[0], ("speech.phrase", end_of_dictation(received_ms)), *last[1:]]

    def fail(self) -> Messages:
        """The turn cannot go on, and the connection is about to be closed.

        In an interactive turn one client waits without end when a connection breaks; with this
        answer it gives up, and the others try again as they do without it.
        """
        if self.is_over or self._request.mode is not Mode.INTERACTIVE:
            return []
        self.is_over = True
        return [("speech.phrase", nothing("Error", 0, 0, self._more()))]

    def _start(self, at: int) -> list[tuple[str, Mapping[str, object]]]:
        if self._is_started:
            return []
        self._is_started = True
        return [("speech.startDetected", started(at))]

    def _partial(self, event: Partial, channel: int) -> Messages:
        more = language_members(self._told)
        if self._request.wants_speakers:
            more |= speaker_members(None)
        document = hypothesis(event.text, event.start, event.end, channel=channel, more=more)
        return [*self._start(event.start), ("speech.hypothesis", document)]

    def _listened(self, event: Listened) -> Messages:
        limit_s = self._request.initial_silence_s
        if limit_s is None or self._is_started or self._is_silence_told:
            return []
        until_ms = event.until // _SAMPLES_A_MILLISECOND
        if until_ms < limit_s * 1000:
            return []
        self._is_silence_told = True
        silence = ("speech.phrase", nothing("InitialSilenceTimeout", 0, until_ms, self._more()))
        return [silence, *self._end(until_ms)] if self._request.mode is Mode.INTERACTIVE else [silence]

    def _end(self, at_ms: int) -> list[tuple[str, Mapping[str, object]]]:
        self.is_over = True
        return [("speech.endDetected", ended(at_ms)), ("turn.end", {})]

    def _more(self, locale: str | None = None, matched: Sequence[str] = ()) -> Document:
        about = self._about.get(locale or "") or next(iter(self._about.values()), {})
        more: Document = {"ignored": list(self._request.ignored)} if self._request.ignored else {}
        if self._request.phrase_list.phrases or matched:
            more["phraseListMatches"] = list(matched)
        return {"Tympan": {**about, **more}} if about or more else {}
