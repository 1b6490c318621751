"""Recordings of any length, window by window."""

import io
import tracemalloc
import wave

import numpy as np
import pytest

from tympan.domain.errors import InvalidInputError
from tympan.ports.audio import AudioInfo
from tympan.speech.display_format import Profanity
from tympan.testing.audio import WavCodec, speech_like, wav_bytes
from tympan.testing.entities import BUNDLE
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder
from tympan.usecases.listening import ListeningOptions, Punctuation
from tympan.usecases.long_listening import LongListening

BUNDLES = {"en-US": BUNDLE}


def said(text="One, two."):
    return FakeRecognizer(lambda bundle, samples, options: text)


ENGLISH = ListeningOptions(locale="en-US")


def listener(recognizer=None, **fields):
    fields.setdefault("embedder", FakeEmbedder())
    return LongListening(codec=WavCodec(), recognizer=recognizer or said(), **fields)


def hear(data, options=ENGLISH, recognizer=None, **fields):
    listening = listener(recognizer, **fields)
    recording = listening.hear(BUNDLES, io.BytesIO(data), options)
    return recording, list(recording.phrases)


def stereo(left, right, rate_hz=16_000):
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(2)
        recording.setsampwidth(2)
        recording.setframerate(rate_hz)
        recording.writeframes((np.stack([left, right], axis=1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def test_phrases_count_from_the_start_of_the_recording_and_come_in_order():
    seen = []
    listening = listener(at_once=3)
    recording = listening.hear(
        BUNDLES, io.BytesIO(wav_bytes(speech_like(200))), ListeningOptions(locale="en-US"), seen.append
    )
    phrases = list(recording.phrases)
    assert len(phrases) >= 4
    assert phrases[0].start == 0
    assert [one.start for one in phrases[1:]] == [one.end for one in phrases[:-1]]
    assert phrases[-1].end == recording.samples == 200 * 16_000
    assert seen == sorted(seen)
    assert seen[-1] == 200
    assert recording.channels == (0,)


def test_channels_are_heard_apart_where_they_are_asked_for():
    heard = []

    def listen(bundle, samples, options):
        heard.append(float(np.abs(samples).max()))
        return "yes"

    data = stereo(speech_like(2, seed=1), speech_like(2, seed=2) / 2)
    options = ListeningOptions(locale="en-US", channels=(0, 1))
    recording, phrases = hear(data, options, FakeRecognizer(listen))
    assert [one.channel for one in phrases] == [0, 1]
    assert recording.channels == (0, 1)
    assert heard[1] < heard[0]
    _, mixed = hear(data)
    assert [one.channel for one in mixed] == [0]


def test_a_channel_that_is_not_there_is_no_error_unless_none_is():
    mono = wav_bytes(speech_like(1))
    _, phrases = hear(mono, ListeningOptions(locale="en-US", channels=(0, 1)))
    assert [one.channel for one in phrases] == [0]
    with pytest.raises(InvalidInputError) as refused:
        hear(mono, ListeningOptions(locale="en-US", channels=(1, 2)))
    assert refused.value.code == "InvalidChannels"


def test_words_are_placed_in_both_forms_and_move_with_their_window():
    options = ListeningOptions(locale="en-US", wants_words=True)
    _, phrases = hear(wav_bytes(speech_like(70)), options, said("Buy 5 pencils."))
    best = phrases[-1].candidates[0]
    assert [word.text for word in best.words] == ["buy", "five", "pencils"]
    assert [word.text for word in best.display_words] == ["Buy", "5", "pencils."]
    assert best.words[0].start == phrases[-1].start > 0
    assert best.words[-1].end == phrases[-1].end


@pytest.mark.parametrize(
    ("punctuation", "expected"),
    [
        (Punctuation.NONE, "Well yes question mark"),
        (Punctuation.AUTOMATIC, "Well, yes question mark."),
        (Punctuation.DICTATED, "Well yes?"),
        (Punctuation.DICTATED_AND_AUTOMATIC, "Well, yes?"),
    ],
)
def test_punctuation_is_kept_taken_away_or_written_as_dictated(punctuation, expected):
    options = ListeningOptions(locale="en-US", punctuation=punctuation)
    _, [phrase] = hear(wav_bytes(speech_like(1)), options, said("Well, yes question mark."))
    assert phrase.candidates[0].display == expected


def test_what_was_heard_before_the_damage_is_given_out_and_then_said():
    data = wav_bytes(speech_like(130))
    listening = listener()
    recording = listening.hear(
        BUNDLES, io.BytesIO(data[: len(data) - 640_000]), ListeningOptions(locale="en-US")
    )
    phrases = []
    with pytest.raises(InvalidInputError, match=r"first 110\.0 s was heard") as broken:
        phrases.extend(recording.phrases)
    assert broken.value.code == "InvalidAudio"
    assert len(phrases) >= 2


@pytest.mark.parametrize(
    ("data", "code"), [(b"no audio", "InvalidAudio"), (wav_bytes(np.zeros(0)), "EmptyAudio")]
)
def test_what_is_no_recording_is_refused(data, code):
    with pytest.raises(InvalidInputError) as refused:
        hear(data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"speakers": (1, 2)}, "DiarizationNotInstalled"),
        ({"candidate_locales": ("en-US", "de-DE")}, "InvalidLocale"),
    ],
)
def test_what_cannot_be_done_is_refused_and_not_ignored(fields, code):
    embedder = FakeEmbedder()
    embedder.is_installed = False
    options = ListeningOptions(locale="en-US", **fields)
    with pytest.raises(InvalidInputError) as refused:
        listener(embedder=embedder).hear(BUNDLES, io.BytesIO(wav_bytes(speech_like(1))), options)
    assert refused.value.code == code


def test_options_reach_the_recogniser():
    asked = []

    def listen(bundle, samples, options):
        asked.append(options)
        return "yes"

    options = ListeningOptions(locale="en-US", wants_words=True, alternatives=3, profanity=Profanity.TAGS)
    hear(wav_bytes(speech_like(1)), options, FakeRecognizer(listen))
    assert (asked[0].wants_words, asked[0].alternatives, asked[0].profanity) == (True, 2, Profanity.TAGS)


class Endless:
    """Audio made as it is read."""

    def __init__(self, minutes):
        self.info = AudioInfo(container="wav", codec="pcm_s16le", sample_rate_hz=16_000, channels=1)
        self._minutes = minutes

    def open(self, file):
        return self

    def blocks(self):
        for number in range(self._minutes * 60):
            yield speech_like(1, seed=number)


def peak_of(minutes):
    listening = LongListening(codec=Endless(minutes), recognizer=said(), embedder=FakeEmbedder(), at_once=2)
    tracemalloc.start()
    recording = listening.hear(BUNDLES, io.BytesIO(), ListeningOptions(locale="en-US"))
    assert sum(1 for _ in recording.phrases) >= minutes
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_length():
    assert peak_of(40) < 1.2 * peak_of(8)
