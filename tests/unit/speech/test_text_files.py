"""Text of any encoding, line by line, and which lines are refused."""

from __future__ import annotations

import io

import pytest

from tympan.domain.errors import InvalidInputError
from tympan.speech.findings import has_error
from tympan.speech.pronunciations import read_pronunciations
from tympan.speech.text_lines import MAX_LINE_CHARACTERS, open_text
from tympan.speech.text_rules import sentence_findings
from tympan.speech.transcripts import RecordingNames, choose_transcript, read_transcripts


def lines(data: bytes) -> list[tuple[int, str, str | None]]:
    return [
        (line.number, line.text, line.finding.code if line.finding else None)
        for line in open_text(io.BytesIO(data)).lines()
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends(encoding: str, end: str):
    text = end.join(["Grüße 你好", "", "zwei"])
    if encoding.endswith("-bom"):
        data = ("\ufeff" + text).encode(encoding.removesuffix("-bom"))
    else:
        data = text.encode(encoding)
    assert lines(data) == [(1, "Grüße 你好", None), (2, "", None), (3, "zwei", None)]


def test_a_line_in_another_encoding_is_refused_alone_and_says_where():
    data = "plain\nGrüße\nlast\n".encode("latin-1")
    assert lines(data) == [(1, "plain", None), (2, "", "EncodingInvalid"), (3, "last", None)]
    finding = list(open_text(io.BytesIO(data)).lines())[1].finding
    assert finding is not None
    assert "0xFC" in finding.message
    assert "column 3" in finding.message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_an_encoding_that_can_be_told_at_once_is_named(encoding: str):
    with pytest.raises(InvalidInputError, match="UTF-8") as caught:
        open_text(io.BytesIO("hello world".encode(encoding)))
    assert caught.value.code == "EncodingInvalid"


def test_an_endless_line_is_refused_and_the_next_one_is_read():
    data = b"a" * (3 * MAX_LINE_CHARACTERS) + b"\nb\n" + b"c" * MAX_LINE_CHARACTERS + b"\nd"
    assert [(number, code) for number, _, code in lines(data)] == [
        (1, "SizeLimit"),
        (2, None),
        (3, None),
        (4, None),
    ]


def test_accents_are_composed_and_spaces_trimmed():
    assert lines("  cafe\u0301 \u00a0\n".encode()) == [(1, "café", None)]


def codes(text: str, locale: str = "en-US") -> list[str]:
    return [finding.code for finding in sentence_findings(text, locale)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("see https://example.com now", "UriFound"),
        ("see www.example.com now", "UriFound"),
        ("a tab\there", "ControlCharacter"),
        ("a bell\x07here", "ControlCharacter"),
        ("hmmmm yes", "RepetitionTooLong"),
        ("yeah yeah Yeah yeah", "RepetitionTooLong"),
        ("that's it that's it that's it that's it", "RepetitionTooLong"),
        ("one two three four " * 4, "RepetitionTooLong"),
        ("broken \ufffd text", "CharacterNotAllowed"),
    ],
)
def test_lines_that_are_refused(text: str, code: str):
    assert codes(text) == (["CharacterNotAllowed", "NonAscii"] if "\ufffd" in text else [code])
    assert has_error(sentence_findings(text, "en-US"))


@pytest.mark.parametrize(
    "text",
    [
        "hmmm yes",
        "yeah yeah yeah",
        "it costs 100000 dollars",
        "a data/model split and Speech-to-text/Custom speech",
        "10:30 a.m. is e.g. early...",
        "one two three four " * 3,
    ],
)
def test_lines_that_are_accepted(text: str):
    assert codes(text) == []


def test_unusual_characters_in_english_are_only_warned_of():
    findings = sentence_findings("a naïve café", "en-GB")
    assert [finding.code for finding in findings] == ["NonAscii"]
    assert not has_error(findings)
    assert codes("eine naïve Idee", "de-DE") == []


def test_rules_of_single_languages():
    assert codes("20 ° warm", "de-DE") == ["CharacterNotAllowed"]
    assert codes("20 ° warm", "fr-FR") == []
    assert codes("あ" + "いう" * 45, "ja-JP") == ["SentenceTooLong"]


def transcripts(text: str) -> list[tuple[int, str, str, list[str]]]:
    return [
        (line.number, line.audio, line.text, [finding.code for finding in line.findings])
        for line in read_transcripts(io.BytesIO(text.encode()), "en-US")
    ]


def test_transcript_lines():
    text = "a.wav\tHello there.\n\nb.wav no tab\nc.wav\tone\ttwo\n\tno name\nd.wav\t\ne.wav\tbell\x07\n"
    assert transcripts(text) == [
        (1, "a.wav", "Hello there.", []),
        (3, "", "", ["TabMissing"]),
        (4, "", "", ["TooManyTabs"]),
        (5, "", "no name", ["LineEmpty"]),
        (6, "d.wav", "", ["LineEmpty"]),
        (7, "e.wav", "bell\x07", ["ControlCharacter"]),
    ]


def test_the_transcript_is_trans_txt_or_the_only_text():
    assert choose_transcript(["notes.txt", "Trans.txt"]) == "Trans.txt"
    assert choose_transcript(["deep/trans.txt", "trans.txt"]) == "trans.txt"
    assert choose_transcript(["words.tsv"]) == "words.tsv"
    assert choose_transcript(["a.txt", "b.txt"]) is None
    assert choose_transcript([]) is None


def test_recordings_are_found_exactly_then_without_case_then_without_folder():
    names = RecordingNames(["a.wav", "caf\u00e9.wav", "x/one.wav", "x/two.wav", "y/two.wav"])
    assert names.find("a.wav") == "a.wav"
    assert names.find("A.WAV") == "a.wav"
    assert names.find("CAFE\u0301.wav") == "caf\u00e9.wav"
    assert names.find("one.wav") == "x/one.wav"
    assert names.find("y/two.wav") == "y/two.wav"
    assert names.find("two.wav") is None
    assert names.find("missing.wav") is None


def pronunciations(text: str, locale: str = "en-US") -> list[tuple[str, str] | list[str]]:
    return [
        [finding.code for finding in line.findings]
        if line.entry is None
        else (line.entry.display, line.entry.spoken)
        for line in read_pronunciations(io.BytesIO(text.encode()), locale)
    ]


def test_pronunciation_lines():
    text = "\ufeff3CPO\tthree c p o\nfelidae \t felidei\nno tab\na\tb\tc\n"
    text += "\tspoken\ndisplay\t\nx\t3 p o\nO'Neill\to'neal"
    assert pronunciations(text) == [
        ("3CPO", "three c p o"),
        ("felidae", "felidei"),
        ["TabMissing"],
        ["TooManyTabs"],
        ["PronunciationEmpty"],
        ["PronunciationEmpty"],
        ["PronunciationInvalid"],
        ("O'Neill", "o'neal"),
    ]


def test_other_languages_spell_in_their_own_letters():
    assert pronunciations("GmbH\tgé em bé há", "de-DE") == [("GmbH", "gé em bé há")]
    assert pronunciations("WHO\tडब्ल्यू एच ओ", "hi-IN") == [("WHO", "डब्ल्यू एच ओ")]
    assert pronunciations("IT\tآي تي", "ar-EG") == [("IT", "آي تي")]


def test_a_display_form_may_have_two_pronunciations_and_is_warned_of():
    read = list(read_pronunciations(io.BytesIO(b"data\tday ta\ndata\tdah ta"), "en-US"))
    assert [line.entry is not None for line in read] == [True, True]
    assert [finding.code for finding in read[1].findings] == ["DuplicateEntry"]
