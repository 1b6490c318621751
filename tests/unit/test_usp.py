"""The speech protocol without a socket: frames, requests, and what a turn answers."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.errors import InvalidInputError
from tympan.domain.phrase_list import PhraseList
from tympan.ports.live_recognition import Listened, Partial, SpeechBegan
from tympan.ports.recognizer import RecognizedWord
from tympan.speech.display_format import Profanity
from tympan.usecases.listening import Candidate, HeardPhrase
from tympan.wire.usp.answers import Language
from tympan.wire.usp.messages import close_reason, read_binary, read_text, write_text
from tympan.wire.usp.turn import Turn
from tympan.wire.usp.turn_request import Mode, TurnRequest, read_handshake, turn_request

ID = "737c4c33e21f4067b738b1092c9115e2"
ENDPOINT = "0a1b2c3d-0000-4000-8000-000000000001"
V1 = "/speech/recognition/{}/cognitiveservices/v1"
V2 = "/stt/speech/universal/v2"


def binary(head, payload=b""):
    return struct.pack(">H", len(head)) + head + payload


class TestMessages:
    def test_a_text_frame_as_one_client_writes_it(self):
        message = read_text(
            f"X-RequestId:{ID}\r\nPath:speech.context\r\nContent-Type:application/json\r\n\r\n{{}}"
        )
        assert (message.path, message.request_id, message.document()) == ("speech.context", ID, {})
        assert not message.is_binary

    def test_a_binary_frame_as_the_other_client_writes_it(self):
        head = f"Path: audio\r\nX-RequestId: {ID.upper()}\r\nX-StreamId:1\r\n".encode()
        message = read_binary(binary(head, b"RIFF\r\n\r\nrest"))
        assert (message.path, message.request_id) == ("audio", ID.upper())
        assert message.payload == b"RIFF\r\n\r\nrest"

    def test_ids_are_given_back_byte_for_byte(self):
        for request_id in (ID, ID.upper(), "not-a-guid"):
            assert write_text("turn.end", request_id, {}).startswith(f"X-RequestId:{request_id}\r\n")

    def test_no_body_can_break_a_frame(self):
        text = write_text("speech.phrase", ID, {"DisplayText": "one\r\n\r\ntwo é"})
        assert text.count("\r\n\r\n") == 1
        assert json.loads(text.partition("\r\n\r\n")[2])["DisplayText"] == "one\r\n\r\ntwo é"

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0",
            b"\xff\xffPath:audio",
            binary("Path:äudio".encode()),
            binary(b"X-RequestId:1\r\n"),
            binary(b""),
        ],
    )
    def test_a_broken_binary_frame_is_refused(self, data):
        with pytest.raises(InvalidInputError):
            read_binary(data)

    @pytest.mark.parametrize("text", ["", "hello", "\r\n\r\n{}", "Path:\r\n\r\n{}"])
    def test_a_broken_text_frame_is_refused(self, text):
        with pytest.raises(InvalidInputError):
            read_text(text)

    @pytest.mark.parametrize("body", ["[1]", "{", '"text"', "[" * 100_000])
    def test_a_body_that_is_no_object_is_refused(self, body):
        with pytest.raises(InvalidInputError):
            read_text(f"Path:speech.context\r\n\r\n{body}").document()

    def test_a_reason_is_cut_between_characters(self):
        reason = close_reason(InvalidInputError("x" + "é" * 100))
        assert reason == "x" + "é" * 61
        assert close_reason(InvalidInputError("short")) == "short"
        assert close_reason(InvalidInputError("\ud800")) == "?"


NAMES = st.sampled_from(
    [
        "phraseDetection",
        "phraseOutput",
        "dgi",
        "groups",
        "items",
        "text",
        "bias",
        "languageId",
        "languages",
        "mode",
        "language",
        "initialSilenceTimeout",
        "customModels",
        "endpoint",
        "options",
        "detailed",
    ]
)
ODD = st.sampled_from(["", "\ud800", "CONVERSATION", "en-US", 10**400, float("nan"), "1"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
)


def asked(path=V2, query=(), **context):
    return turn_request(read_handshake(path, query), context)


class TestTurnRequest:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_the_mode_is_in_the_path_of_version_1(self, mode):
        request = asked(V1.format(mode))
        assert request.mode is mode
        assert not request.is_mode_certain

    @pytest.mark.parametrize("named", ["CONVERSATION", "Conversation", "conversation"])
    def test_the_mode_is_in_the_context_of_version_2(self, named):
        assert asked(phraseDetection={"mode": named}).mode is Mode.CONVERSATION
        assert asked(phraseDetection={"MODE": "INTERACTIVE"}).mode is Mode.INTERACTIVE

    def test_names_of_parameters_have_no_case(self):
        request = asked(
            V1.format("conversation"),
            [("CID", ENDPOINT.upper()), ("Language", "en-us"), ("FORMAT", "Detailed"), ("Profanity", "RAW")],
        )
        assert (request.endpoint_id, request.language) == (ENDPOINT, "en-us")
        assert request.is_detailed
        assert request.profanity is Profanity.RAW

    def test_the_context_counts_more_than_the_query(self):
        request = asked(
            query=[("language", "en-us"), ("format", "simple"), ("profanity", "masked")],
            phraseDetection={"language": "de-DE", "enrichment": {"profanity": "removed"}},
            phraseOutput={"format": "Detailed", "detailed": {"options": ["WordTimings"]}},
        )
        assert request.language == "de-DE"
        assert request.is_detailed
        assert request.wants_words
        assert request.profanity is Profanity.REMOVED

    def test_silences(self):
        request = asked(
            phraseDetection={
                "mode": "INTERACTIVE",
                "initialSilenceTimeout": 7000,
                "trailingSilenceTimeout": 900,
                "INTERACTIVE": {"segmentation": {"mode": "Custom", "segmentationSilenceTimeoutMs": 800}},
            }
        )
        assert (request.initial_silence_s, request.silence_s) == (7.0, 0.8)
        v1 = asked(
            V1.format("interactive"), [("initialSilenceTimeoutMs", "3000"), ("endSilenceTimeoutMs", "700")]
        )
        assert (v1.initial_silence_s, v1.silence_s) == (3.0, 0.7)
        assert asked().initial_silence_s is None
        assert asked(phraseDetection={"mode": "INTERACTIVE"}).initial_silence_s == 5.0

    def test_phrases_of_both_clients(self):
        python = {
            "Groups": [{"Type": "Generic", "Items": [{"Text": "Contoso"}, {"Text": "Contoso"}]}],
            "bias": 1.5,
        }
        node = {"groups": [{"type": "Generic", "items": [{"text": "Contoso"}]}], "bias": "1.000000"}
        assert asked(dgi=python).phrase_list == PhraseList(phrases=("Contoso",), weight=1.5)
        assert asked(dgi=node).phrase_list == PhraseList(phrases=("Contoso",))

    def test_candidate_languages(self):
        named = {"languages": ["en-US", "de-DE"], "mode": "DetectContinuous", "Priority": "PrioritizeLatency"}
        request = asked(
            languageId=named, phraseDetection={"customModels": [{"language": "de-DE", "endpoint": ENDPOINT}]}
        )
        assert request.candidates == ("en-US", "de-DE")
        assert not request.is_told_once
        assert request.endpoint_ids == {"de-DE": ENDPOINT}
        assert asked(query=[("lidEnabled", "en-US,de-DE")]).candidates == ("en-US", "de-DE")
        assert asked(query=[("lidEnabled", "true")], languageId={"languages": ["fr-FR"]}).candidates == (
            "fr-FR",
        )

    def test_speakers(self):
        named = {
            "mode": "Anonymous",
            "audioSessionId": "1",
            "audioOffsetMS": 0,
            "diarizeIntermediates": "True",
        }
        request = asked(phraseDetection={"speakerDiarization": named})
        assert request.wants_speakers
        assert request.wants_interim_speakers

    def test_what_is_not_done_is_named(self):
        request = asked(
            phraseDetection={
                "enrichment": {"pronunciationAssessment": {"referenceText": "hello"}},
                "onSuccess": {"action": "Translate"},
                "onInterim": {"action": "None"},
            },
            translation={"targetLanguages": ["de"]},
        )
        assert request.ignored == (
            "pronunciationAssessment",
            "phraseDetection.onSuccess",
            "translation",
        )

    @pytest.mark.parametrize(
        ("query", "context", "target"),
        [
            ([("cid", "nonsense")], {}, "cid"),
            ([("profanity", "loud")], {}, "profanity"),
            ([("endSilenceTimeoutMs", "soon")], {}, "endsilencetimeoutms"),
            ([], {"phraseDetection": {"mode": "SINGING"}}, "mode"),
            ([], {"phraseDetection": []}, "speech.context.phraseDetection"),
            ([], {"phraseDetection": {"initialSilenceTimeout": "NaN"}}, "initialSilenceTimeout"),
            ([], {"phraseDetection": {"trailingSilenceTimeout": 50}}, "segmentationSilenceTimeoutMs"),
            ([], {"dgi": {"groups": [{"items": [{"text": "a" * 501}]}]}}, "dgi"),
            ([], {"dgi": {"groups": [{"items": [{"text": str(n)} for n in range(10_001)]}]}}, "dgi"),
            ([], {"dgi": {"groups": [{"items": [{}]}]}}, "text"),
            ([], {"languageId": {"languages": ["a", "b", "c", "d", "e"]}}, "languages"),
            ([], {"languageId": {"languages": ["\ud800"]}}, "languages"),
            ([], {"phraseDetection": {"initialSilenceTimeout": 10**400}}, "initialSilenceTimeout"),
            ([], {"phraseDetection": {"language": "\ud800"}}, "language"),
            ([], {"phraseDetection": {"mode": "\ud800"}}, "mode"),
            ([], {"dgi": {"groups": [{"items": [{"text": "\ud800"}]}]}}, "text"),
            ([], {"dgi": {"bias": float("nan")}}, "bias"),
            ([], {"dgi": {"bias": 2.1}}, "bias"),
            ([], {"dgi": {"bias": -1}}, "bias"),
        ],
    )
    def test_impossible_values_are_refused_by_name(self, query, context, target):
        with pytest.raises(InvalidInputError) as refused:
            asked(query=query, **context)
        assert refused.value.target == target
        assert len(close_reason(refused.value)) == len(refused.value.message)

    @given(st.dictionaries(NAMES, ANYTHING))
    def test_any_context_is_read_or_refused(self, context):
        try:
            answer = asked(**context)
        except InvalidInputError as error:
            answer = error
        assert isinstance(answer, TurnRequest) or 0 < len(close_reason(answer).encode()) <= 123


def spoken(start=1600, end=32_000, *, text="Turn on the lamp.", speaker=None, locale="en-US"):
    words = tuple(
        RecognizedWord(text=word, start=start, end=end, confidence=0.88) for word in text.lower().split()
    )
    best = Candidate(
        confidence=0.912345,
        lexical="turn on the lamp",
        itn="turn on the lamp",
        masked_itn="turn on the lamp",
        display=text,
        words=words,
        display_words=words,
    )
    return HeardPhrase(
        channel=0, start=start, end=end, locale=locale, speaker=speaker, candidates=(best, best)
    )


def paths(messages):
    return [path for path, _ in messages]


class TestTurn:
    def test_an_interactive_turn_ends_with_its_first_phrase(self):
        turn = Turn(TurnRequest(mode=Mode.INTERACTIVE))
        assert paths(turn.begin("tag")) == ["turn.start"]
        assert paths(turn.hear(SpeechBegan(at=1600), 0)) == ["speech.startDetected"]
        assert paths(turn.hear(Partial(start=1600, end=9600, text="turn", stable=""), 0)) == [
            "speech.hypothesis"
        ]
        messages = turn.say(spoken(), None, 32_100)
        assert paths(messages) == ["speech.phrase", "speech.endDetected", "turn.end"]
        assert messages[0][1]["Offset"] == 1_000_000
        assert messages[0][1]["Duration"] == 19_000_000
        assert turn.is_over
        assert (
            turn.say(spoken(), None, 40_000) == turn.hear(SpeechBegan(at=9), 0) == turn.end_of_audio(9) == []
        )

    def test_a_conversation_ends_with_an_acknowledgement_of_all_audio(self):
        turn = Turn(TurnRequest())
        turn.begin("tag")
        assert paths(turn.say(spoken(), None, 32_000)) == ["speech.startDetected", "speech.phrase"]
        messages = turn.end_of_audio(2084)
        assert paths(messages) == ["speech.endDetected", "speech.phrase", "turn.end"]
        assert messages[1][1]["RecognitionStatus"] == "EndOfDictation"
        assert (messages[1][1]["Offset"], messages[1][1]["Duration"]) == (20_840_000, 0)
        assert turn.is_over

    @pytest.mark.parametrize(("has_begun", "status"), [(False, "InitialSilenceTimeout"), (True, "NoMatch")])
    @pytest.mark.parametrize("mode", [Mode.INTERACTIVE, Mode.CONVERSATION])
    def test_a_turn_without_words_says_so(self, mode, has_begun, status):
        turn = Turn(TurnRequest(mode=mode))
        if has_begun:
            turn.hear(SpeechBegan(at=0), 0)
            turn.say(None, None, 16_000)
        messages = turn.end_of_audio(1000)
        phrases = [body["RecognitionStatus"] for path, body in messages if path == "speech.phrase"]
        assert phrases == [status] + ["EndOfDictation"] * (mode is Mode.CONVERSATION)
        assert messages[0][1]["Duration"] == 10_000_000
        assert paths(messages)[-1] == "turn.end"

    def test_silence_at_the_start_ends_an_interactive_turn(self):
        turn = Turn(TurnRequest(mode=Mode.INTERACTIVE, initial_silence_s=2.0))
        assert turn.hear(Listened(until=31_999, is_speech=False), 0) == []
        messages = turn.hear(Listened(until=32_000, is_speech=False), 0)
        assert paths(messages) == ["speech.phrase", "speech.endDetected", "turn.end"]
        assert messages[0][1]["RecognitionStatus"] == "InitialSilenceTimeout"

    def test_silence_at_the_start_of_a_conversation_is_told_once(self):
        turn = Turn(TurnRequest(initial_silence_s=1.0))
        told = [paths(turn.hear(Listened(until=16_000 * n, is_speech=False), 0)) for n in range(1, 5)]
        assert told == [["speech.phrase"], [], [], []]

    def test_no_silence_is_told_once_somebody_spoke(self):
        turn = Turn(TurnRequest(initial_silence_s=1.0))
        turn.hear(SpeechBegan(at=0), 0)
        assert turn.hear(Listened(until=64_000, is_speech=False), 0) == []

    def test_readings_and_words_come_when_asked_for(self):
        turn = Turn(TurnRequest(is_detailed=True, wants_words=True))
        document = dict(turn.say(spoken(), None, 32_000))["speech.phrase"]
        assert document["DisplayText"] == "Turn on the lamp."
        first, second = document["NBest"]
        assert (first["Display"], first["Lexical"], first["Confidence"]) == (
            "Turn on the lamp.", "turn on the lamp", 0.9123,
        )  # fmt: skip
        assert [word["Word"] for word in first["Words"]] == ["turn", "on", "the", "lamp."]
        assert first["Words"][0]["Confidence"] == 0.88
        assert "Words" not in second
        simple = dict(Turn(TurnRequest()).say(spoken(), None, 32_000))["speech.phrase"]
        assert "NBest" not in simple

    def test_the_model_is_named_by_the_language_it_heard(self):
        turn = Turn(TurnRequest(ignored=("translation",)))
        turn.answered_by({"en-US": {"model": "one"}, "de-DE": {"model": "two"}})
        told = Language(locale="de-DE", confidence="High")
        document = dict(turn.say(spoken(locale="de-DE"), told, 1))["speech.phrase"]
        assert document["Tympan"] == {"model": "two", "ignored": ["translation"]}
        assert document["PrimaryLanguage"] == {"Language": "de-DE", "Confidence": "High"}

    def test_speakers_are_guests(self):
        turn = Turn(TurnRequest(wants_speakers=True))
        partial = dict(turn.hear(Partial(start=0, end=9, text="a", stable=""), 0))["speech.hypothesis"]
        assert partial["SpeakerId"] == "Unknown"
        assert dict(turn.say(spoken(speaker=2), None, 1))["speech.phrase"]["SpeakerId"] == "Guest-2"
