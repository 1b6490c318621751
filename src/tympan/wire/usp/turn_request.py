"""What a client asks for: path and query of its connection, and ``speech.context`` of a turn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tympan.domain.errors import InvalidInputError
from tympan.domain.phrase_list import NO_PHRASES, PhraseList, checked_phrase_list
from tympan.speech.display_format import Profanity
from tympan.wire.addresses import is_id
from tympan.wire.usp.loose import Loose
from tympan.wire.values import is_storable

_PROFANITY = {"masked": Profanity.MASKED, "removed": Profanity.REMOVED, "raw": Profanity.RAW}
_SILENCE_MS = (100, 5000)
_INITIAL_SILENCE_MS = (0, 300_000)
_MOST_CANDIDATES = 10
_MOST_CANDIDATES_AT_START = 4
"""Source: language identification, "up to four languages for at-start, ten for continuous"."""

_DEFAULT_INITIAL_SILENCE_S = 5.0
"""Source: Speech SDK, property ``SpeechServiceConnection_InitialSilenceTimeoutMs``."""
_DEFAULT_SILENCE_S = 0.5


class Mode(StrEnum):
    """How a client listens."""

    INTERACTIVE = "interactive"
    CONVERSATION = "conversation"
    DICTATION = "dictation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a connection began with.

    Attributes:
        mode: As the path names it; None on the universal paths, where each turn does.
        query: By name in lower case; the last value counts.
    """

    mode: Mode | None
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRequest:
    """What a turn asks for.

    Attributes:
        mode: How the client listens.
        is_mode_certain: False on paths of version 1, where a client may take the path of
            another mode.
        endpoint_id: The endpoint that answers; None takes the newest base model.
        language: None where the endpoint decides.
        candidates: Languages that may be spoken, the likeliest first; empty: ``language``.
        endpoint_ids: Endpoints by language, for candidates.
        is_told_once: The language is told at the start and stays.
        is_detailed: Whether answers list readings.
        wants_words: Whether words with their times are wanted.
        profanity: What becomes of profane words.
        initial_silence_s: Silence at the start that is answered; None: never.
        silence_s: Silence that ends a phrase.
        phrase_list: Words to favour.
        wants_speakers: Whether speakers are told apart.
        wants_interim_speakers: Whether partials name speakers too.
        is_stored: The client asks for audio and result to be kept.
        ignored: What is asked for that this server does not do.
    """

    mode: Mode = Mode.CONVERSATION
    is_mode_certain: bool = True
    endpoint_id: str | None = None
    language: str | None = None
    candidates: tuple[str, ...] = ()
    endpoint_ids: Mapping[str, str] = field(default_factory=dict)
    is_told_once: bool = False
    is_detailed: bool = False
    wants_words: bool = False
    profanity: Profanity = Profanity.MASKED
    initial_silence_s: float | None = _DEFAULT_INITIAL_SILENCE_S
    silence_s: float = _DEFAULT_SILENCE_S
    phrase_list: PhraseList = NO_PHRASES
    wants_speakers: bool = False
    wants_interim_speakers: bool = False
    is_stored: bool = False
    ignored: tuple[str, ...] = ()


def read_handshake(path: str, query: Iterable[tuple[str, str]]) -> Handshake:
    """What path and query of a connection say.

    Args:
        path: In lower case.
        query: Names and values, decoded.
    """
    mode = next((mode for mode in Mode if f"/recognition/{mode}/" in path), None)
    return Handshake(mode=mode, query={name.lower(): value.strip() for name, value in query})


def turn_request(handshake: Handshake, document: Mapping[str, object]) -> TurnRequest:
    """What a turn asks for; its context counts more than the query.

    Raises:
        InvalidInputError: A value is impossible; the message names the member.
    """
    query, context = handshake.query, Loose.of(document)
    detection, output = context.part("phraseDetection"), context.part("phraseOutput")
    mode = _mode(handshake, detection)
    candidates, is_told_once = _candidates(query, context.part("languageId"))
    own = {_text(one, "language"): _id(_text(one, "endpoint"), "customModels") for one in _models(detection)}
    shape = (output.text("format") or query.get("format") or "simple").lower()
    return TurnRequest(
        mode=mode,
        is_mode_certain=handshake.mode is None,
        endpoint_id=_id(query["cid"], "cid") if query.get("cid") else None,
        language=detection.text("language") or query.get("language") or None,
        candidates=candidates,
        endpoint_ids=own,
        is_told_once=is_told_once,
        is_detailed=shape == "detailed",
        wants_words=_wants_words(query, output),
        profanity=_profanity(query, detection),
        initial_silence_s=_initial_silence_s(query, detection, mode),
        silence_s=_silence_s(query, detection, mode),
        phrase_list=_phrase_list(context.part("dgi")),
        wants_speakers=detection.has("speakerDiarization"),
        wants_interim_speakers=bool(detection.part("speakerDiarization").flag("diarizeIntermediates")),
        is_stored=query.get("storeaudio", "").lower() in ("true", "1"),
        ignored=tuple(_ignored(detection, context)),
    )


def _mode(handshake: Handshake, detection: Loose) -> Mode:
    named = detection.text("mode")
    if handshake.mode is not None and handshake.mode is not Mode.CONVERSATION:
        return handshake.mode
    if named is None:
        return handshake.mode or Mode.CONVERSATION
    try:
        return Mode(named.lower())
    except ValueError as reason:
        raise InvalidInputError(
            f"There is no mode '{named[:20]}'. Use INTERACTIVE, CONVERSATION or DICTATION.", target="mode"
        ) from reason


def _candidates(query: Mapping[str, str], asked: Loose) -> tuple[tuple[str, ...], bool]:
    named = [value for value in asked.list("languages") if isinstance(value, str)]
    if not all(is_storable(name) for name in named):
        raise InvalidInputError("languageId.languages must be a list of locales.", target="languages")
    listed = query.get("lidenabled", "")
    if not named and listed.lower() not in ("", "true", "false"):
        named = listed.split(",")
    languages = tuple(dict.fromkeys(name.strip() for name in named if name.strip()))
    is_once = (asked.text("mode") or "DetectAtAudioStart").lower() != "detectcontinuous"
    most = _MOST_CANDIDATES_AT_START if is_once else _MOST_CANDIDATES
    if len(languages) > most:
        raise InvalidInputError(
            f"{len(languages)} candidate languages are named; at most {most} can be.", target="languages"
        )
    return languages, is_once


def _models(detection: Loose) -> list[Loose]:
    return [Loose.of(one, "customModels") for one in detection.list("customModels")]


def _text(part: Loose, name: str) -> str:
    value = part.text(name)
    if not value:
        raise InvalidInputError(f"{part.path}.{name} is required.", target=name)
    return value


def _id(text: str, target: str) -> str:
    if not is_id(text):
        raise InvalidInputError(f"{target} '{text[:40]}' is not the id of an endpoint.", target=target)
    return text.lower()


def _wants_words(query: Mapping[str, str], output: Loose) -> bool:
    options = output.part("detailed").list("options")
    named = any(str(option).lower() in ("wordtimings", "wordconfidence") for option in options)
    return named or any(
        query.get(name, "").lower() == "true" for name in ("wordleveltimestamps", "wordlevelconfidence")
    )


def _profanity(query: Mapping[str, str], detection: Loose) -> Profanity:
    named = (detection.part("enrichment").text("profanity") or query.get("profanity") or "masked").lower()
    if named not in _PROFANITY:
        raise InvalidInputError(
            f"profanity must be masked, removed or raw, not '{named[:20]}'.", target="profanity"
        )
    return _PROFANITY[named]


def _initial_silence_s(query: Mapping[str, str], detection: Loose, mode: Mode) -> float | None:
    value = detection.number("initialSilenceTimeout")
    if value is None:
        value = _whole(query, "initialsilencetimeoutms")
    if value is None:
        return _DEFAULT_INITIAL_SILENCE_S if mode is Mode.INTERACTIVE else None
    return _bounded(value, _INITIAL_SILENCE_MS, "initialSilenceTimeout") / 1000 or None


def _silence_s(query: Mapping[str, str], detection: Loose, mode: Mode) -> float:
    value = detection.part(mode.value).part("segmentation").number("segmentationSilenceTimeoutMs")
    if value is None:
        value = _whole(query, "segmentationsilencetimeoutms")
    if value is None:
        value = detection.number("trailingSilenceTimeout")
    if value is None:
        value = _whole(query, "endsilencetimeoutms")
    if value is None:
        return _DEFAULT_SILENCE_S
    return _bounded(value, _SILENCE_MS, "segmentationSilenceTimeoutMs") / 1000


def _whole(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise InvalidInputError(f"{name} must be a number of milliseconds.", target=name)
    return float(text)


def _bounded(value: float, bounds: tuple[int, int], target: str) -> float:
    low, high = bounds
    if not math.isfinite(value) or not low <= value <= high:
        raise InvalidInputError(f"{target} must be from {low} to {high} ms, not {value:g}.", target=target)
    return value


def _phrase_list(asked: Loose) -> PhraseList:
    groups = [Loose.of(one, "dgi.groups") for one in asked.list("groups")]
    items = [Loose.of(one, "dgi.groups.items") for group in groups for one in group.list("items")]
    for one in items:
        if not one.has("text"):
            raise InvalidInputError(f"{one.path}.text is required.", target="text")
    texts = [one.text("text") or "" for one in items]
    return checked_phrase_list(texts, asked.number("bias"), target="dgi", weight_target="bias")


def _ignored(detection: Loose, context: Loose) -> Iterable[str]:
    if detection.part("enrichment").has("pronunciationAssessment"):
        yield "pronunciationAssessment"
    for part in ("onSuccess", "onInterim"):
        action = (detection.part(part).text("action") or "None").lower()
        if action not in ("none", "recognize"):
            yield f"phraseDetection.{part}"
    for name in ("translation", "synthesis", "intent"):
        if context.has(name):
            yield name
