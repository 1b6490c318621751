"""Result files, held to the published schema of each version."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from tympan.domain.transcription import (
    LanguageChoice,
    SourceOutcome,
    SourceResult,
    SpeakerHint,
    TranscriptionCounts,
    TranscriptionOptions,
)
from tympan.ports.recognizer import RecognizedWord
from tympan.testing.entities import make_transcription
from tympan.usecases.listening import Candidate, HeardPhrase
from tympan.wire.results import report_chunks, result_chunks
from tympan.wire.subtitles import srt_chunks, vtt_chunks

SCHEMAS = Path(__file__).parents[2] / "api" / "published" / "schemas"
NAMES = {"v3.0": "v3", "v3.1": "v3_1", "v3.2": "v3_2", "2024-11-15": "v2024-11-15"}
VERSIONS = tuple(NAMES)
EVERYTHING = TranscriptionOptions(
    wants_words=True,
    wants_display_words=True,
    speakers=SpeakerHint(),
    languages=LanguageChoice(candidate_locales=("en-US", "de-DE")),
)


def validator(version):
    """The schema of a version with the older ones that it extends."""
    schemas = [json.loads(path.read_text("utf-8")) for path in SCHEMAS.glob("*.json")]
    registry = Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in schemas)
    wanted = f"transcriptionresult_{NAMES[version]}.schema.json"
    schema = next(one for one in schemas if one["$id"].endswith(wanted))
    return Draft7Validator(schema, registry=registry)


def word(text, start, end):
    return RecognizedWord(text=text, start=start, end=end, confidence=0.5)


def phrase(display="Hello world.", *, start=12_160, end=33_280, **members):
    lexical = display.lower().strip(".")
    reading = Candidate(
        confidence=0.56,
        lexical=lexical,
        itn=lexical,
        masked_itn=lexical,
        display=display,
        words=(word("hello", start, start + 12_160), word("world", start + 12_160, end)),
        display_words=(word("Hello", start, start + 12_160), word("world.", start + 12_160, end)),
    )
    known = {"channel": 0, "start": start, "end": end, "locale": "en-US", "candidates": (reading,)}
    return HeardPhrase(**known | members)


RESULT = SourceResult(
    source="https://host/hello.wav",
    timestamp=datetime(2025, 5, 24, 13, 37, 5, tzinfo=UTC),
    samples=41_280,
    model_ids={"en-US": "m"},
    model_versions={"en-US": "abc"},
    adaptation=("training",),
)


def written(version, *phrases, options=TranscriptionOptions(), result=RESULT):  # noqa: B008  it is frozen
    transcription = make_transcription(api_version=version, options=options)
    document = json.loads(b"".join(result_chunks(transcription, result, lambda: phrases)))
    errors = list(validator(version).iter_errors(document))
    assert not errors, errors[0]
    return document


@pytest.mark.parametrize("version", VERSIONS)
def test_a_result_says_what_the_published_example_says(version):
    document = written(version, phrase(), options=TranscriptionOptions(wants_display_words=True))
    assert document["duration"] == "PT2.58S"
    assert document["durationInTicks"] == 25_800_000
    assert document["timestamp"] == "2025-05-24T13:37:05Z"
    assert document["combinedRecognizedPhrases"] == [
        {
            "channel": 0,
            "lexical": "hello world",
            "itn": "hello world",
            "maskedITN": "hello world",
            "display": "Hello world.",
        }
    ]
    (only,) = document["recognizedPhrases"]
    assert (only["offset"], only["duration"]) == ("PT0.76S", "PT1.32S")
    assert (only["offsetInTicks"], only["durationInTicks"]) == (7_600_000, 13_200_000)
    assert only["nBest"][0]["displayWords"][0]["displayText"] == "Hello"
    is_dated = version == "2024-11-15"
    assert document.get("durationMilliseconds") == (2580 if is_dated else None)
    assert only.get("offsetMilliseconds") == (760 if is_dated else None)
    assert ("durationMilliseconds" in only["nBest"][0]["displayWords"][0]) is is_dated


@pytest.mark.parametrize("version", VERSIONS)
def test_members_are_there_when_they_were_asked_for_and_not_else(version):
    heard = phrase(speaker=2)
    (plain,) = written(version, heard)["recognizedPhrases"]
    (full,) = written(version, heard, options=EVERYTHING)["recognizedPhrases"]
    for name in ("speaker", "locale"):
        assert name not in plain
        assert name in full
    for name in ("words", "displayWords"):
        assert name not in plain["nBest"][0]
        assert name in full["nBest"][0]
    assert full["nBest"][0]["words"][0]["word"] == "hello"
    assert full["nBest"][0]["words"][0]["confidence"] == 0.5


@pytest.mark.parametrize("version", VERSIONS)
def test_silence_is_a_result_too(version):
    document = written(version, result=RESULT)
    assert document["recognizedPhrases"] == []
    assert document["combinedRecognizedPhrases"][0]["display"] == ""


def test_every_channel_has_its_own_text():
    phrases = (phrase("Left."), phrase("Right.", channel=1), phrase("Again.", start=40_000, end=50_000))
    result = SourceResult(source="a", timestamp=RESULT.timestamp, samples=60_000, channels=(0, 1))
    combined = written("v3.2", *phrases, result=result)["combinedRecognizedPhrases"]
    assert [(one["channel"], one["display"]) for one in combined] == [(0, "Left. Again."), (1, "Right.")]


def test_scripts_without_spaces_are_joined_without_them():
    phrases = (phrase("你好。", locale="zh-CN"), phrase("再见。", locale="zh-CN"))
    assert written("v3.2", *phrases)["combinedRecognizedPhrases"][0]["display"] == "你好。再见。"


def test_a_result_names_every_model_that_could_have_heard_it():
    result = SourceResult(
        source="a", timestamp=RESULT.timestamp, samples=1, model_ids={"en-US": "m", "de-DE": "n"}
    )
    assert written("v3.2", result=result)["tympan"]["models"] == [
        {"locale": "en-US", "model": "m"},
        {"locale": "de-DE", "model": "n"},
    ]


def test_a_result_says_where_numbers_stayed_as_the_model_wrote_them():
    result = SourceResult(
        source="a", timestamp=RESULT.timestamp, samples=1, model_ids={"en-US": "m", "cy-GB": "n"}
    )
    ours = written("v3.2", result=result)["tympan"]
    assert "inverseTextNormalization" not in ours
    assert [one.get("inverseTextNormalization") for one in ours["models"]] == [None, "none"]


def test_the_report_is_the_published_one():
    outcomes = [
        SourceOutcome(source="https://host/a.wav"),
        SourceOutcome(source="https://host/b.wav", error_kind="InvalidAudio", error_message="No audio."),
    ]
    counts = TranscriptionCounts(succeeded=1, failed=1)
    assert json.loads(b"".join(report_chunks(counts, outcomes))) == {
        "successfulTranscriptionsCount": 1,
        "failedTranscriptionsCount": 1,
        "details": [
            {"source": "https://host/a.wav", "status": "Succeeded"},
            {
                "source": "https://host/b.wav",
                "status": "Failed",
                "errorKind": "InvalidAudio",
                "errorMessage": "No audio.",
            },
        ],
    }


def test_a_long_phrase_is_broken_into_lines_and_speakers_are_named():
    text = "This sentence is far too long to stand in a single line of a film."
    srt = b"".join(srt_chunks([phrase(text, speaker=2)])).decode()
    lines = srt.splitlines()[2:-1]
    assert lines[0].startswith("Speaker 2: This")
    assert len(lines) == 2
    assert all(len(line) <= 42 for line in lines)


LONG = " ".join(["seven letters again"] * 12) + "."


def cues(srt):
    return [block.split("\n") for block in srt.strip().split("\n\n")]


def test_a_phrase_of_many_lines_is_shown_in_turn():
    heard = phrase(LONG, start=0, end=160_000)
    shown = cues(b"".join(srt_chunks([heard])).decode())
    assert len(shown) == 3
    assert all(len(lines) <= 4 for lines in shown)
    assert " ".join(line for lines in shown for line in lines[2:]) == LONG
    times = [line.split(" --> ") for line in (lines[1] for lines in shown)]
    assert times[0][0] == "00:00:00,000"
    assert times[-1][1] == "00:00:10,000"
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]


def test_words_with_times_decide_when_a_cue_is_shown():
    texts = LONG.split()
    spread = tuple(word(text, 16_000 * n, 16_000 * n + 8_000) for n, text in enumerate(texts))
    heard = phrase(LONG, start=0, end=16_000 * len(texts), speaker=1)
    heard = replace(heard, candidates=(replace(heard.candidates[0], display_words=spread),))
    first, second, *_ = cues(b"".join(srt_chunks([heard])).decode())
    said = sum(len(line.split()) for line in first[2:]) - 2  # "Speaker 1:" is not said
    assert first[1] == f"00:00:00,000 --> 00:00:{said - 1:02d},500"
    assert second[1].startswith(f"00:00:{said:02d},000 -->")


def test_scripts_without_spaces_are_broken_between_characters():
    shown = cues(b"".join(srt_chunks([phrase("好" * 100, locale="zh-CN")])).decode())
    assert [len(line) for lines in shown for line in lines[2:]] == [42, 42, 16]


def test_a_text_cannot_forge_a_cue():
    vtt = b"".join(vtt_chunks([phrase("a --> b")])).decode()
    assert vtt.count("-->") == 1
