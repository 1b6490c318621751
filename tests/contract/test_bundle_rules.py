"""The owner's pronunciations and formatting in a bundle, and when models leave memory."""

import numpy as np
import pytest

from tympan.backends.model_files import LocalModelFiles
from tympan.backends.whisper.display import DisplayRules
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.recognizer import EngineSettings, WhisperRecognizer
from tympan.domain.errors import ModelDamagedError
from tympan.domain.manifest import FormattingRule, PronunciationEntry
from tympan.ports.recognizer import RecognitionOptions
from tympan.speech.display_format import Formatted, Profanity
from tympan.speech.manifest_lines import write_records
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.tiny_whisper import write_tiny_whisper


def write(folder, name, *records):
    (folder / name).write_bytes(b"".join(write_records(records)))


def test_without_rules_a_text_stays_as_it_is(tmp_path):
    rules = DisplayRules(tmp_path)
    assert rules.apply("Is three c p o here?", "en-US", Profanity.MASKED) == Formatted(
        text="Is three c p o here?"
    )


def test_pronunciations_come_before_formatting_and_every_change_is_told(tmp_path):
    write(tmp_path, "pronunciations.jsonl", PronunciationEntry(display="3CPO", spoken="three c p o", line=1))
    write(
        tmp_path,
        "formatting.jsonl",
        FormattingRule(section="rewrite", source="3CPO", target="C-3PO", line=1),
        FormattingRule(section="profanity", source="scrap", line=2),
    )
    rules = DisplayRules(tmp_path)
    formatted = rules.apply("Is three C P O scrap?", "en-US", Profanity.MASKED)
    assert formatted.text == "Is C-3PO *****?"
    assert formatted.unmasked == "Is C-3PO scrap?"
    assert formatted.applied[0] == "three c p o -> 3CPO"
    assert len(formatted.applied) == 3
    assert rules.apply("Is three C P O scrap?", "en-US", Profanity.RAW).text == "Is C-3PO scrap?"


def test_damaged_rules_are_an_error_that_names_the_file(tmp_path):
    (tmp_path / "formatting.jsonl").write_text("not json\n")
    with pytest.raises(ModelDamagedError, match=r"formatting\.jsonl"):
        DisplayRules(tmp_path)


def test_a_model_that_nobody_uses_leaves_memory(tmp_path):
    clock, files = FakeClock(), LocalModelFiles(MemoryBlobs(), tmp_path / "models")
    bundle = files.store(ENGINE, write_tiny_whisper(tmp_path / "tiny"))
    recognizer = WhisperRecognizer(files, clock, EngineSettings(idle_unload_s=600))
    recognizer.warm(bundle)
    clock.advance(599)
    recognizer.unload_idle()
    assert recognizer.state().loaded == (bundle.digest,)
    recognizer.recognize(bundle, [np.zeros(1600, np.float32)], RecognitionOptions(locale="en-US"))
    clock.advance(599)
    recognizer.unload_idle()
    assert recognizer.state().loaded == (bundle.digest,)
    clock.advance(1)
    recognizer.unload_idle()
    assert recognizer.state().loaded == ()
    recognizer.close()
