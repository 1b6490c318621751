"""Live audio: headers, formats, rates, and any way of cutting the bytes."""

import io
import itertools
import struct

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tympan.backends.live_wave import LiveWave
from tympan.domain.errors import InvalidInputError

FORMS = ["PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
RATES_HZ = [8000, 11025, 16000, 22050, 24000, 44100, 48000]


def tone(rate_hz, channels=1, seconds=0.5):
    time = np.arange(int(rate_hz * seconds)) / rate_hz
    waves = [0.5 * np.sin(2 * np.pi * (220 * (channel + 1)) * time) for channel in range(channels)]
    return np.stack(waves, axis=1)


def wav(samples, rate_hz, form="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="WAV", subtype=form)
    return file.getvalue()


def heard(data, cuts=()):
    live, parts, edges = LiveWave(), [], [0, *sorted(cuts), len(data)]
    for first, after in itertools.pairwise(edges):
        parts.append(live.feed(data[first:after]))
    parts.append(live.finish())
    whole = [part for part in parts if part.size]
    return np.concatenate(whole, axis=1) if whole else np.zeros((0, 0)), live


@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_same_tone(form):
    samples, live = heard(wav(tone(16_000), 16_000, form))
    assert live.channels == 1
    assert samples.shape == (1, 8000)
    assert np.abs(samples[0] - tone(16_000)[:, 0]).max() < (
        0.03 if form in ("ULAW", "ALAW", "PCM_U8") else 1e-3
    )


@pytest.mark.parametrize("form", ["ULAW", "ALAW"])
def test_every_byte_of_telephone_audio_means_what_a_known_decoder_says(form):
    codec = {"ULAW": "pcm_mulaw", "ALAW": "pcm_alaw"}[form]
    decoder = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = 16_000, "mono"
    frames = decoder.decode(av.Packet(bytes(range(256))))
    expected = np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32768
    data = wav(np.zeros(256), 16_000, form)
    samples, _ = heard(data[: data.index(b"data") + 8] + bytes(range(256)))
    assert np.abs(samples[0] - expected).max() < 1e-6


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_rate_becomes_16_khz_channel_by_channel(rate_hz, channels):
    samples, live = heard(wav(tone(rate_hz, channels), rate_hz))
    assert live.received_ms == 500
    assert samples.shape[0] == channels
    assert abs(samples.shape[1] - 8000) <= 1
    for channel in range(channels):
        spectrum = np.abs(np.fft.rfft(samples[channel]))
        assert abs(int(spectrum.argmax()) * 16_000 / samples.shape[1] - 220 * (channel + 1)) <= 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 44 + 44_100), max_size=30), st.sampled_from(["PCM_16", "PCM_24", "ULAW"]))
def test_how_the_bytes_are_cut_changes_nothing(cuts, form):
    data = wav(tone(22_050, 2), 22_050, form)
    whole, _ = heard(data)
    pieces, _ = heard(data, [cut for cut in cuts if cut < len(data)])
    assert whole.shape == pieces.shape
    assert np.abs(whole - pieces).max() < 1e-6


def test_sizes_in_the_header_say_nothing_as_clients_do_not_know_them():
    data = bytearray(wav(tone(16_000), 16_000))
    for size in (0, 0xFFFFFFFF):
        struct.pack_into("<I", data, 4, size)
        struct.pack_into("<I", data, 40, size)
        assert heard(bytes(data))[0].shape == (1, 8000)


def test_chunks_before_the_data_are_passed_over():
    data = wav(tone(16_000), 16_000)
    extra = b"LIST" + struct.pack("<I", 5) + b"abcde\0"
    assert heard(data[:12] + extra + data[12:])[0].shape == (1, 8000)


def test_an_extensible_header_names_its_format_further_on():
    basic = struct.pack("<HHIIHH", 0xFFFE, 1, 16_000, 32_000, 2, 16)
    extension = struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", 1) + bytes(14)
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 40) + basic + extension + b"data\0\0\0\0"
    assert heard(head + bytes(3200))[0].shape == (1, 1600)


def test_milliseconds_are_rounded_up_as_a_client_counts_them():
    # Source: real-time protocol, section 6: 2083.375 ms of 24 kHz audio.
    live = LiveWave()
    data = wav(np.zeros(8), 24_000)
    live.feed(data[:44] + bytes(50_001 * 2))
    assert live.received_ms == 2084


def test_half_a_sample_at_the_end_is_dropped():
    samples, live = heard(wav(tone(16_000), 16_000) + b"\1")
    assert samples.shape == (1, 8000)
    assert live.received_ms == 501


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"hello, this is text", "RIFF"),
        (b"OggS" + bytes(100), "RIFF"),
        (b"RIFF\0\0\0\0AVI ", "not WAVE"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "no format"),
        (
            b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 85, 1, 16_000, 0, 0, 16) + b"data",
            "format 85",
        ),
        (b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 0, 0, 1) + b"data", "1 bits"),
        (
            b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 0, 16_000, 0, 0, 16) + b"data",
            "0 channels",
        ),
        (b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 0, 0, 0, 16) + b"data", "0 Hz"),
        (b"RIFF\0\0\0\0WAVEJUNK\xff\xff\xff\x7f", "longer"),
    ],
)
def test_what_is_no_such_audio_is_refused_with_a_reason(data, said):
    with pytest.raises(InvalidInputError) as refused:
        heard(data + bytes(8))
    assert said in refused.value.message


def test_nothing_is_no_audio_but_no_error_either():
    live = LiveWave()
    assert live.feed(b"").size == 0
    assert live.finish().size == 0
    assert (live.channels, live.received_ms) == (0, 0)
