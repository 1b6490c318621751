"""Live sound in whatever form it comes: told by its first bytes, and the same however it is cut."""

import io
import struct

import av
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from tympan.backends.live_audio import StreamedAudio
from tympan.domain.errors import InvalidInputError
from tympan.ports.live_audio import LiveAudio
from tympan.speech.ogg_packets import OggError, OggPacketReader
from tympan.wire.usp.messages import close_reason

COMPRESSED = {"opus": ("ogg", "libopus"), "flac": ("flac", "flac"), "mp3": ("mp3", "libmp3lame")}


def sweep(seconds=2):
    t = np.arange(48_000 * seconds) / 48_000
    return (0.4 * np.sin(2 * np.pi * (200 + 300 * t) * t)).astype(np.float32)


def encoded(container, codec, channels=1):
    layout = "mono" if channels == 1 else "stereo"
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=48_000, layout=layout)
        whole = av.AudioFrame.from_ndarray(np.tile(sweep(), (channels, 1)), format="fltp", layout=layout)
        whole.sample_rate = 48_000
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=48_000)
        for frame in (*resampler.resample(whole), *resampler.resample(None), None):
            output.mux(stream.encode(frame))
    return file.getvalue()


ENCODED = {name: encoded(*how) for name, how in COMPRESSED.items()}


def wav(samples, rate_hz, form="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="WAV", subtype=form)
    return file.getvalue()


def hear(data, sizes=(10**9,), *, raw_ok=False):
    """Everything that comes out of a stream, cut into pieces of such sizes again and again."""
    stream, place, blocks, turn = StreamedAudio(raw_ok=raw_ok), 0, [], 0
    while place < len(data):
        size = sizes[turn % len(sizes)]
        blocks.append(stream.feed(data[place : place + size]))
        place, turn = place + size, turn + 1
    blocks.append(stream.finish())
    assert all(block.dtype == np.float32 for block in blocks)
    heard = [block for block in blocks if block.size]
    return stream, np.concatenate(heard, axis=1) if heard else np.zeros((stream.channels, 0), np.float32)


def page(body, *, flags=0, position=-1, serial=b"1234", segments=None):
    lengths = bytes([len(body)]) if segments is None else bytes(segments)
    head = b"OggS\0" + bytes([flags]) + position.to_bytes(8, "little", signed=True) + serial + bytes(8)
    return head + bytes([len(lengths)]) + lengths + body


def test_nothing_comes_of_nothing():
    stream: LiveAudio = StreamedAudio()
    assert stream.feed(b"").shape == stream.finish().shape == (0, 0)
    assert (stream.channels, stream.received_ms, stream.dropped_bytes) == (0, 0, 0)


@given(
    st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"]),
    st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000, 96_000]),
    st.integers(1, 3),
    st.binary(max_size=3),
    st.lists(st.integers(1, 700), min_size=1, max_size=8),
)
def test_the_cut_of_a_wav_does_not_matter(form, rate_hz, channels, torn, sizes):
    samples = np.random.default_rng(1).uniform(-1, 1, (700, channels))
    data = wav(samples, rate_hz, form) + torn
    whole_stream, whole = hear(data)
    stream, cut = hear(data, sizes)
    np.testing.assert_array_equal(cut, whole)
    assert np.abs(whole).max() <= 1
    assert stream.received_ms == whole_stream.received_ms
    assert stream.dropped_bytes == whole_stream.dropped_bytes


def test_an_incomplete_last_sample_is_dropped_and_counted():
    stream, samples = hear(wav(np.array([[0.0, 0.5]]), 16_000) + b"\1\2\3", (1,))
    assert samples.tolist() == [[0.0], [0.5]]
    assert stream.dropped_bytes == 3


def test_sound_beyond_full_scale_is_cut_off():
    square = np.sign(np.sin(np.arange(48_000) / 7 + 0.1))
    _, samples = hear(wav(square, 48_000, "FLOAT"))
    assert np.abs(samples).max() == 1


def test_raw_sound_is_taken_where_that_is_allowed():
    stream, samples = hear(b"\0\x40\0\xc0\7", (1,), raw_ok=True)
    assert samples.tolist() == [[0.5, -0.5]]
    assert (stream.channels, stream.received_ms, stream.dropped_bytes) == (1, 1, 1)
    assert hear(b"\0\x40", raw_ok=True)[1].tolist() == [[0.5]]
    assert hear(wav([0.5], 16_000), raw_ok=True)[1].tolist() == [[0.5]]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_sound_is_decoded_as_it_comes(name, channels):
    original = soxr.resample(sweep(), 48_000, 16_000)
    data = encoded(*COMPRESSED[name], channels)
    stream, whole = hear(data)
    assert stream.channels == len(whole) == channels
    assert 2000 <= stream.received_ms <= 2080
    lag = int(np.correlate(whole[0], original[8_000:24_000], "valid").argmax()) - 8_000
    assert 0 <= lag <= (1200 if name == "mp3" else 1)  # MP3 begins with what its encoder put in front
    assert np.corrcoef(whole[0, lag : lag + 31_000], original[:31_000])[0, 1] > 0.95
    for sizes in ((1,), (7, 1000), (4096,)):
        np.testing.assert_array_equal(hear(data, sizes)[1], whole)


@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_sound_comes_before_the_stream_ends(name):
    data = ENCODED[name]
    assert StreamedAudio().feed(data[: len(data) * 3 // 4]).shape[1] > 4_000


def test_two_ogg_streams_one_after_the_other():
    data = ENCODED["opus"]
    _, once = hear(data)
    _, twice = hear(data + data, (1000,))
    assert abs(twice.shape[1] - 2 * once.shape[1]) <= 1


def test_packets_go_on_over_pages_and_other_streams_are_passed_over():
    data = (
        page(b"head", flags=2)
        + page(b"film", serial=b"film", flags=2)
        + page(b"a" * 255, segments=[255])
        + page(b"bc", segments=[1, 1], position=7, flags=4)
        + page(b"late")
    )
    reader = OggPacketReader()
    packets = [packet for byte in data for packet in reader.feed(bytes([byte]))]
    assert [packet.data for packet in packets] == [b"head", b"a" * 255 + b"b", b"c"]
    assert [packet.position for packet in packets] == [None, 7, 7]
    assert [packet.is_last_of_stream for packet in packets] == [False, False, True]
    with pytest.raises(OggError):
        list(reader.feed(b"junk"))


def bomb():
    """Pages of one-byte Opus packets, each of which says "nobody speaks" for 60 ms."""
    head = b"OpusHead\1\2" + struct.pack("<HIhB", 0, 48_000, 0, 0)
    silence = [page(b"\x1c" * 255, segments=[1] * 255) for _ in range(14)]
    return page(head, flags=2) + page(b"OpusTags") + b"".join(silence)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\0\x40\0\x40", "does not begin with a WAV header"),
        (b"OggX" + bytes(30), "does not begin with a WAV header"),
        (b"OggS\1" + bytes(30), "Ogg stream is damaged"),
        (page(b"\1vorbis", flags=2), "does not hold Opus"),
        (b"fLaC\x80\0\0\1x", "damaged"),
        (b"ID3\4\0\0\x7f\x7f\x7f\x7f", "more than 16 MB"),
        (b"\x1aE\xdf\xa3" + bytes(9), "WebM"),
        (bomb(), "far more sound"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence_that_fits(data, said):
    for sizes in ((10**9,), (4096,)):
        with pytest.raises(InvalidInputError, match=said) as refused:
            hear(data, sizes)
        assert close_reason(refused.value) == refused.value.message


@pytest.mark.parametrize("name", COMPRESSED)
@settings(max_examples=50)
@given(st.data())
def test_damaged_compressed_sound_is_heard_or_refused(name, data):
    whole = ENCODED[name]
    place = data.draw(st.integers(4, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.binary(max_size=300)) + whole[place + 200 :]
    try:
        _, answer = hear(damaged)
    except InvalidInputError as error:
        answer = error
    assert not isinstance(answer, InvalidInputError) or close_reason(answer) == answer.message
