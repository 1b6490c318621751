"""How pieces are decoded, checked and decoded again."""

from dataclasses import replace

import numpy as np
import pytest

from tympan.backends.whisper.cpu_share import CpuShares
from tympan.backends.whisper.hearing import Hearing, Piece
from tympan.backends.whisper.network import Decoded
from tympan.ports.recognizer import BundleInfo

INFO = BundleInfo(family="whisper-test", is_multilingual=False)
LOOP = "we are " * 12


def said(text, ids=5):
    return Decoded(ids=tuple(range(ids)), text=text.strip(), confidence=0.9, no_speech=0.0)


class Network:
    """Answers by the context and the settings it is asked with, and remembers them."""

    def __init__(self, info, answer):
        self.info, self.answer, self.asked = info, answer, []

    def encode(self, samples, context_s):
        return context_s

    def decode(self, encodings, settings):
        self.asked.append((*encodings, settings.no_repeat_ngram, settings.token_cap))
        return [self.answer(context_s, settings) for context_s in encodings]

    def align(self, encoding, decoded, language, samples):
        return [(f" {word}", 0, samples, 0.9) for word in decoded.text.split()]


def piece(seconds=4.0, recording=0, voice=1.0):
    samples = np.zeros(int(16_000 * seconds), np.float32)
    return Piece(recording=recording, start=0, samples=samples, speech=(0, samples.size), voice=voice)


def hear(network, pieces, **settings):
    asked = {"language": "en", "beam_size": 5, "wants_words": False} | settings
    hearing = Hearing(network=network, used_cpu_s=lambda: 0.0, **asked)
    return {heard.piece.recording: heard for heard in hearing.hear(pieces)}


@pytest.mark.parametrize(("is_reduced", "first_context_s"), [(False, 15.0), (True, 5.0)])
def test_a_loop_is_decoded_again_with_the_whole_window(is_reduced, first_context_s):
    info = replace(INFO, has_reduced_context=is_reduced)
    network = Network(info, lambda context_s, _: said("all is well" if context_s == 30 else LOOP))
    assert hear(network, [piece()])[0].decoded.text == "all is well"
    assert [asked[0] for asked in network.asked] == [first_context_s, 30.0]


def test_a_loop_in_the_whole_window_is_decoded_without_repeats():
    network = Network(INFO, lambda _, settings: said("all is well" if settings.no_repeat_ngram else LOOP))
    assert hear(network, [piece()])[0].decoded.text == "all is well"
    assert [asked[:2] for asked in network.asked] == [(15.0, 0), (30.0, 0), (30.0, 4)]


def test_a_loop_that_stays_is_cut_to_one_turn_with_words_of_its_own():
    network = Network(INFO, lambda *_: said("I said " + LOOP))
    heard = hear(network, [piece()], wants_words=True)[0]
    assert heard.decoded.text == "I said we are"
    assert [word[0] for word in heard.words] == ["I", "said", "we", "are"]


def test_a_text_as_long_as_the_cap_is_taken_for_a_loop():
    network = Network(INFO, lambda context_s, _: said("short", ids=5 if context_s == 30 else 42))
    assert len(hear(network, [piece(4.0)])[0].decoded.ids) == 5


def test_invented_words_are_dropped():
    network = Network(INFO, lambda *_: said("Thank you."))
    assert hear(network, [piece(voice=0.5)])[0].decoded.text == ""
    assert hear(network, [piece(voice=0.9)])[0].decoded.text == "Thank you."


def test_pieces_of_like_length_share_a_decoding_and_its_cap_follows_from_each_alone():
    network = Network(INFO, lambda *_: said("words"))
    pieces = [piece(seconds, index) for index, seconds in enumerate((3.0, 3.5, 1.0, 20.0, 3.9, 2.5, 3.1))]
    assert set(hear(network, pieces)) == set(range(7))
    assert sorted(network.asked, key=len) == [
        (15.0, 0, 42),
        (15.0, 0, 26),
        (30.0, 0, 170),
        (15.0, 15.0, 15.0, 15.0, 0, 42),
    ]


def test_calls_at_the_same_time_share_the_cpu():
    now = [0.0]
    shares = CpuShares(lambda: now[0])
    with shares.call() as first:
        now[0] = 1.0
        with shares.call() as second:
            now[0] = 3.0
            assert (first(), second()) == (2.0, 1.0)
        now[0] = 4.0
        assert first() == 3.0
