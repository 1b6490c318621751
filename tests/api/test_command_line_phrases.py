"""``--phrase`` and ``--phrase-file``."""

# ruff: noqa: F811  fixtures come from another module

import json

import pytest
from tests.api.conftest import wav
from tests.api.test_command_line import folder, tympan  # noqa: F401

from tympan.testing.entities import make_endpoint

SPOKEN = "Remind me to buy 5 pencils."


def test_the_command_line_sends_phrases_with_a_recording(world, tympan, base_model, tmp_path):
    asked = []

    def hear(bundle, samples, options):
        asked.append(options.phrases)
        return SPOKEN

    world.recognizer._texts = hear
    recording, listed = tmp_path / "a.wav", tmp_path / "phrases.txt"
    recording.write_bytes(wav())
    world.add(make_endpoint(model_id=base_model.id, display_name="Phone").deployed(world.clock.now()))
    listed.write_text("\ufeffSaoirse Ronan\r\n\r\nContoso, Ltd\r\n", encoding="utf-8")
    words = ("transcribe", recording, "--endpoint", "Phone", "--phrase", "pencils", "--phrase-file", listed)
    expected = ("pencils", "Saoirse Ronan", "Contoso, Ltd")
    assert tympan(*words)[:2] == (0, f"{SPOKEN}\n")
    assert tympan(*words, "--format", "srt")[0] == 0
    assert asked == [expected, expected], "in the query of short audio, and in the form of a whole file"
    listed.write_text("\n".join(f"name {number}" for number in range(2000)), encoding="utf-8")
    assert tympan(*words)[:2] == (0, f"{SPOKEN}\n")
    assert len(asked[-1]) == 2001, "more than a URL holds goes as a form"


def test_the_command_line_creates_a_transcription_with_phrases(world, tympan, base_model, tmp_path):
    listed = tmp_path / "phrases.txt"
    listed.write_text("Saoirse\nContoso\n", encoding="utf-8")
    words = ("transcription", "create", "Calls", "https://recordings.example.com/a.wav", "--no-wait")
    status, _, err = tympan(*words, "--phrase", "Ronan", "--phrase-file", listed)
    assert (status, err) == (0, "")
    shown = json.loads(tympan("transcription", "show", "Calls", "--json")[1])
    assert shown["tympan"]["phraseList"] == {"count": 3, "biasingWeight": 1.0}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe\x00", "UTF-8"), (b"x" * 501, "501 characters"), (None, "does not exist")],
)
def test_a_file_of_phrases_that_is_wrong_is_refused_before_anything_is_sent(tympan, tmp_path, content, said):
    listed = tmp_path / "phrases.txt"
    if content is not None:
        listed.write_bytes(content)
    words = ("transcription", "create", "Calls", "https://a.example/a.wav", "--phrase-file", listed)
    status, _, err = tympan(*words)
    assert status == 2
    assert said in err
