"""Who speaks, and in which language, over the whole of a recording."""

import io

import numpy as np
import pytest
from tests.unit.test_long_listening import listener, stereo

from tympan.domain.errors import InvalidInputError
from tympan.domain.model import Bundle, BundleFile
from tympan.testing.audio import speech_like, wav_bytes
from tympan.testing.entities import BUNDLE
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder
from tympan.usecases.listening import ListeningOptions

SECOND = 16_000
GERMAN = Bundle(engine=BUNDLE.engine, files=(BundleFile(name="model.bin", sha256="d" * 64, size_bytes=1),))
BUNDLES = {"en-US": BUNDLE, "de-DE": GERMAN, "en-GB": BUNDLE}
SPEAKERS = ListeningOptions(locale="en-US", speakers=(1, None), wants_words=True)


def marked(*seconds_and_level):
    """A recording whose loudness tells who speaks, or in which language."""
    parts = [
        speech_like(seconds, seed=index) * level for index, (seconds, level) in enumerate(seconds_and_level)
    ]
    return np.concatenate(parts)


def by_level(samples):
    """Stretches of whole seconds with their level in tenths: 0 is silence."""
    peaks = [np.abs(samples[i : i + SECOND]).max() for i in range(0, samples.size, SECOND)]
    levels = [int(np.argmin([abs(peak - level) for level in LEVELS])) for peak in peaks]
    stretches = []
    for index, level in enumerate(levels):
        start, end = index * SECOND, min((index + 1) * SECOND, samples.size)
        if level and stretches and stretches[-1][2] == level and stretches[-1][1] == start:
            stretches[-1] = (stretches[-1][0], end, level)
        elif level:
            stretches.append((start, end, level))
    return stretches


FULL = float(np.abs(speech_like(1)).max())
LEVELS = (0.0, 0.2 * FULL, 0.5 * FULL, FULL)
QUIET, MIDDLE, LOUD = 0.2, 0.5, 1.0


def counting(bundle, samples, options):
    """One word a second."""
    return " ".join(["word"] * max(1, samples.size // SECOND))


def hear(samples, options, **fields):
    recognizer = fields.pop("recognizer", None) or FakeRecognizer(counting)
    listening = listener(recognizer, embedder=FakeEmbedder(by_level), **fields)
    data = samples if isinstance(samples, bytes) else wav_bytes(samples)
    recording = listening.hear(BUNDLES, io.BytesIO(data), options)
    return list(recording.phrases)


def told(phrases):
    return [(one.speaker, round(one.start / SECOND), round(one.end / SECOND)) for one in phrases]


def test_phrases_are_cut_where_the_speaker_changes_and_carry_numbers():
    phrases = hear(marked((8, LOUD), (6, QUIET), (9, LOUD)), SPEAKERS)
    assert told(phrases) == [(1, 0, 8), (2, 8, 14), (1, 14, 23)]
    assert [len(one.candidates[0].words) for one in phrases] == [8, 6, 9]


def test_numbers_hold_from_the_first_window_to_the_last():
    phrases = hear(marked((50, LOUD), (40, QUIET), (45, LOUD), (30, QUIET)), SPEAKERS, at_once=3)
    assert {one.speaker for one in phrases} == {1, 2}
    assert all(one.speaker == 1 for one in phrases if one.end <= 50 * SECOND)
    assert phrases[-1].speaker == 2
    late = [one.speaker for one in phrases if one.start >= 89 * SECOND and one.end <= 136 * SECOND]
    assert set(late) == {1}


def test_a_hint_joins_the_voices_that_are_most_alike():
    samples = marked((10, LOUD), (10, QUIET), (10, MIDDLE))
    assert {one.speaker for one in hear(samples, SPEAKERS)} == {1, 2, 3}
    two = ListeningOptions(locale="en-US", speakers=(2, 2))
    assert {one.speaker for one in hear(samples, two)} == {1, 2}


def test_one_person_has_one_number_on_all_channels():
    left = marked((6, LOUD), (6, 0.0), (6, QUIET))
    right = marked((6, 0.0), (6, QUIET), (6, 0.0))
    options = ListeningOptions(locale="en-US", speakers=(1, None), channels=(0, 1))
    phrases = hear(stereo(left, right), options)
    assert {(one.channel, one.speaker) for one in phrases} == {(0, 1), (1, 2), (0, 2)}


def test_without_the_option_nobody_is_told_apart():
    phrases = hear(marked((8, LOUD), (6, QUIET)), ListeningOptions(locale="en-US"))
    assert [one.speaker for one in phrases] == [None]


def test_voice_too_short_to_compare_is_the_first_speakers():
    [phrase] = hear(marked((0.2, LOUD)), SPEAKERS)
    assert phrase.speaker == 1


@pytest.mark.parametrize("fields", [{"speakers": (1, None)}, {"is_single_language": True}])
def test_the_search_before_the_hearing_can_be_ended(fields):
    class EndedError(Exception):
        pass

    def end(_seconds):
        raise EndedError

    recognizer = polyglot()
    recognizer._texts = lambda *_: pytest.fail("nothing should be heard")
    options = ListeningOptions(locale="en-US", candidate_locales=("de-DE",), **fields)
    listening = listener(recognizer, embedder=FakeEmbedder(by_level))
    recording = listening.hear(BUNDLES, io.BytesIO(wav_bytes(marked((8, LOUD)))), options, end)
    with pytest.raises(EndedError):
        next(recording.phrases)


def test_speakers_of_a_damaged_recording_are_told_up_to_the_damage():
    data = wav_bytes(marked((60, LOUD), (60, QUIET)))
    listening = listener(FakeRecognizer(counting), embedder=FakeEmbedder(by_level))
    recording = listening.hear(BUNDLES, io.BytesIO(data[: len(data) - 640_000]), SPEAKERS)
    phrases = []
    with pytest.raises(InvalidInputError, match="was heard"):
        phrases.extend(recording.phrases)
    assert {one.speaker for one in phrases} == {1, 2}


def polyglot(spoken=None):
    """Tells languages apart by loudness: loud is English, quiet German."""
    recognizer = FakeRecognizer(counting, languages=("en", "de", "fr"))
    names = {1: "de", 2: "fr", 3: "en"}
    recognizer.spoken = lambda samples: [(a, b, names[level]) for a, b, level in by_level(samples)]
    recognizer.monolingual.add(BUNDLE.digest)
    return recognizer


EACH = ListeningOptions(locale="en-US", candidate_locales=("de-DE",))
ONE = ListeningOptions(locale="en-US", candidate_locales=("de-DE",), is_single_language=True)


def test_each_phrase_is_heard_by_the_model_of_its_language():
    heard = []
    recognizer = polyglot()
    recognizer._texts = lambda bundle, samples, options: (
        heard.append((bundle, options.locale)) or options.locale
    )
    phrases = hear(marked((8, LOUD), (6, QUIET), (9, LOUD)), EACH, recognizer=recognizer)
    assert [(one.locale, round(one.start / SECOND)) for one in phrases] == [
        ("en-US", 0),
        ("de-DE", 8),
        ("en-US", 14),
    ]
    assert set(heard) == {(BUNDLE, "en-US"), (GERMAN, "de-DE")}


def test_a_short_foreign_word_changes_no_language():
    phrases = hear(marked((8, LOUD), (1, QUIET), (9, LOUD)), EACH, recognizer=polyglot())
    assert {one.locale for one in phrases} == {"en-US"}


def test_the_main_locale_wins_over_another_of_its_language():
    options = ListeningOptions(locale="en-GB", candidate_locales=("en-US", "de-DE"))
    phrases = hear(marked((8, LOUD)), options, recognizer=polyglot())
    assert {one.locale for one in phrases} == {"en-GB"}


def test_a_recording_in_one_language_is_heard_as_a_whole():
    phrases = hear(marked((4, LOUD), (60, QUIET), (30, QUIET)), ONE, recognizer=polyglot())
    assert {one.locale for one in phrases} == {"de-DE"}


@pytest.mark.parametrize(
    ("samples", "code"),
    [
        (marked((20, LOUD), (20, QUIET)), "MultipleLanguagesIdentified"),
        (marked((20, MIDDLE)), "NoLanguageIdentified"),
        (np.zeros(5 * SECOND, np.float32), "NoLanguageIdentified"),
    ],
)
def test_none_or_several_languages_are_an_error_where_one_was_promised(samples, code):
    with pytest.raises(InvalidInputError) as refused:
        hear(samples, ONE, recognizer=polyglot())
    assert refused.value.code == code
    assert "de-DE" in refused.value.message


def test_without_a_multilingual_model_the_option_is_refused():
    recognizer = polyglot()
    recognizer.monolingual.add(GERMAN.digest)
    with pytest.raises(InvalidInputError, match="multilingual base model") as refused:
        hear(marked((2, LOUD)), EACH, recognizer=recognizer)
    assert refused.value.code == "InvalidModel"
    other = Bundle(engine=BUNDLE.engine, files=(BundleFile(name="model.bin", sha256="e" * 64, size_bytes=1),))
    assert hear(marked((2, LOUD)), EACH, recognizer=recognizer, multilingual=lambda: (other,))


def test_speakers_and_languages_together():
    options = ListeningOptions(locale="en-US", candidate_locales=("de-DE",), speakers=(1, None))
    phrases = hear(marked((8, LOUD), (6, QUIET), (9, LOUD)), options, recognizer=polyglot())
    assert [(one.locale, one.speaker) for one in phrases] == [("en-US", 1), ("de-DE", 2), ("en-US", 1)]
