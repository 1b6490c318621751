"""The manifest is written and read back whole."""

import pytest

from tympan.domain.errors import InvalidInputError
from tympan.domain.manifest import FormattingRule, ManifestRecord, PronunciationEntry, Sentence, Utterance
from tympan.speech.manifest_lines import read_records, write_records

RECORDS: list[ManifestRecord] = [
    Utterance(
        name="录音\n.wav",
        audio_key="sha256/0",
        duration_s=1.5,
        source_rate_hz=8000,
        transcript="“é”",
        line=3,
        group="g",
    ),
    Utterance(name="b.wav", audio_key="sha256/1", duration_s=0.25, source_rate_hz=16000, group="b.wav"),
    Sentence(text="hello", line=1),
    PronunciationEntry(display="3CPO", spoken="three c p o", line=2),
    FormattingRule(section="itn", source="\\d", line=9),
]


@pytest.mark.parametrize("piece_bytes", [1, 7, 10_000])
def test_records_come_back_by_type_from_pieces_of_any_size(piece_bytes: int):
    data = b"".join(write_records(RECORDS))
    assert data.count(b"\n") == len(RECORDS)
    pieces = [data[start : start + piece_bytes] for start in range(0, len(data), piece_bytes)]
    assert list(read_records(pieces, Utterance)) == RECORDS[:2]
    assert list(read_records(pieces, Sentence)) == RECORDS[2:3]
    assert list(read_records(pieces, PronunciationEntry)) == RECORDS[3:4]
    assert list(read_records(pieces, FormattingRule)) == RECORDS[4:]


def test_a_damaged_line_is_named():
    with pytest.raises(InvalidInputError, match="Line 2"):
        list(read_records([b'{"type":"sentence","text":"a","line":1}\n{"type":'], Sentence))
