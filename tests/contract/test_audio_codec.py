"""Every AudioCodec keeps these promises; only the real one reads more than WAV."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

import av
import numpy as np
import pytest
import soundfile

from tympan.backends.audio_av import AvAudioCodec
from tympan.domain.errors import InvalidInputError
from tympan.ports.audio import AudioCodec
from tympan.testing.audio import WavCodec, speech_like, wav_bytes


@pytest.fixture(params=[AvAudioCodec, WavCodec])
def codec(request: pytest.FixtureRequest) -> AudioCodec:
    return request.param()


def decoded(codec: AudioCodec, data: bytes) -> np.ndarray:
    blocks = list(codec.open(io.BytesIO(data)).blocks())
    return np.concatenate([np.zeros(0, dtype=np.float32), *blocks])


def refusal(codec: AudioCodec, data: bytes) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        decoded(codec, data)
    return caught.value


def tone(seconds: float, rate_hz: int, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(
        np.float32
    )


def test_a_16_khz_recording_comes_out_as_it_went_in(codec: AudioCodec):
    samples = np.rint(speech_like(2.5) * 32768).astype(np.float32) / 32768
    assert np.array_equal(decoded(codec, wav_bytes(samples)), samples)


def test_the_file_says_its_form(codec: AudioCodec):
    info = codec.open(io.BytesIO(wav_bytes(speech_like(0.5, rate_hz=8000), 8000, channels=2))).info
    assert (info.container, info.codec, info.sample_rate_hz, info.channels) == ("wav", "pcm_s16le", 8000, 2)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000])
def test_any_rate_becomes_16_khz_of_the_same_length_and_pitch(codec: AudioCodec, rate_hz: int):
    samples = decoded(codec, wav_bytes(tone(2.0, rate_hz), rate_hz))
    assert samples.dtype == np.float32
    assert abs(samples.size - 32000) <= 160
    spectrum = np.abs(np.fft.rfft(samples[:32000] * np.hanning(samples[:32000].size)))
    assert abs(int(spectrum.argmax()) * 16000 / 32000 - 440) <= 1


def test_channels_are_averaged(codec: AudioCodec):
    left = tone(1.0, 16000)
    stereo = io.BytesIO()
    soundfile.write(stereo, np.stack([left, np.zeros_like(left)], axis=1), 16000, format="WAV")
    assert np.allclose(decoded(codec, stereo.getvalue()), left / 2, atol=1e-4)


def test_channels_can_be_kept_apart(codec: AudioCodec):
    left, right = tone(1.5, 16000), tone(1.5, 16000, level=0.2)
    stereo = io.BytesIO()
    soundfile.write(stereo, np.stack([left, right], axis=1), 16000, format="WAV")
    blocks = list(codec.open(stereo).channel_blocks())
    assert np.allclose(np.concatenate(blocks, axis=1), [left, right], atol=1e-4)


def test_resampled_channels_stay_apart(codec: AudioCodec):
    left = tone(1.0, 8000)
    stereo = io.BytesIO()
    soundfile.write(stereo, np.stack([left, np.zeros_like(left)], axis=1), 8000, format="WAV")
    samples = np.concatenate(list(codec.open(stereo).channel_blocks()), axis=1)
    assert samples.shape[0] == 2
    assert abs(samples.shape[1] - 16000) <= 160
    assert np.abs(samples[0]).max() > 0.4
    assert np.abs(samples[1]).max() < 1e-3


def test_blocks_hold_about_a_second(codec: AudioCodec):
    sizes = [block.size for block in codec.open(io.BytesIO(wav_bytes(speech_like(10)))).blocks()]
    assert max(sizes) <= 2 * 16000
    assert sum(sizes) == 160_000


def test_no_samples_are_no_blocks(codec: AudioCodec):
    assert decoded(codec, wav_bytes(np.zeros(0, dtype=np.float32))).size == 0


@pytest.mark.parametrize("data", [b"", b"hello world\n" * 50, b"\x00" * 5000, b"PK\x03\x04" + b"\x00" * 500])
def test_what_is_not_audio_is_refused(codec: AudioCodec, data: bytes):
    assert refusal(codec, data).code == "AudioUnreadable"


def test_a_recording_that_breaks_off_is_refused(codec: AudioCodec):
    whole = wav_bytes(speech_like(3))
    assert refusal(codec, whole[: len(whole) // 2]).code == "AudioUnreadable"


def test_what_is_stored_is_read_back_bit_by_bit(codec: AudioCodec):
    samples = np.rint(speech_like(2.2) * 32768).astype(np.float32) / 32768
    file = io.BytesIO()
    assert codec.write_flac(iter([samples[:16000], samples[16000:]]), file) == samples.size
    file.seek(0)
    assert np.array_equal(codec.read_flac(file), samples)


def test_full_scale_is_stored_without_overflow(codec: AudioCodec):
    file = io.BytesIO()
    codec.write_flac(iter([np.array([1.0, -1.0, 0.0], dtype=np.float32)]), file)
    file.seek(0)
    assert codec.read_flac(file).tolist() == [32767 / 32768, -1.0, 0.0]


ENCODED = [
    ("mp3", "libmp3lame", 44100),
    ("ogg", "libopus", 48000),
    ("webm", "libopus", 48000),
    ("ipod", "aac", 44100),
    ("adts", "aac", 22050),
    ("amr", "libopencore_amrnb", 8000),
    ("aiff", "pcm_s16be", 44100),
    ("au", "pcm_mulaw", 8000),
]


def encoded(container: str, name: str, rate_hz: int, seconds: float = 2.0) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(name, rate=rate_hz)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(
            (tone(seconds, rate_hz) * 32767).astype(np.int16)[np.newaxis, :], format="s16", layout="mono"
        )
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            stream.codec_context.format, "mono", rate_hz, stream.codec_context.frame_size
        )
        frames = [*resampler.resample(frame), *resampler.resample(None)]
        for packet in [p for piece in [*frames, None] for p in stream.encode(piece)]:
            output.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize(("container", "name", "rate_hz"), ENCODED)
def test_the_real_codec_reads_other_forms(container: str, name: str, rate_hz: int):
    samples = decoded(AvAudioCodec(), encoded(container, name, rate_hz))
    assert abs(samples.size / 16000 - 2.0) < 0.15
    assert 0.3 < np.abs(samples[4000:28000]).max() < 0.8


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"]
)
def test_the_real_codec_reads_every_wav(subtype: str):
    file = io.BytesIO()
    soundfile.write(file, tone(2.0, 16000), 16000, format="WAV", subtype=subtype)
    samples = decoded(AvAudioCodec(), file.getvalue())
    assert abs(samples.size - 32000) < 1100
    assert 0.4 < np.abs(samples[:32000]).max() < 0.6


def test_the_real_codec_reads_flac_and_notices_its_damage():
    file = io.BytesIO()
    soundfile.write(file, speech_like(5), 16000, format="FLAC")
    whole = file.getvalue()
    assert decoded(AvAudioCodec(), whole).size == 80_000
    assert refusal(AvAudioCodec(), whole[: len(whole) // 2]).code == "AudioUnreadable"


@pytest.mark.parametrize("container", ["ipod", "webm", "adts", "amr"])
def test_the_real_codec_notices_what_breaks_off(container: str):
    form = next(form for form in ENCODED if form[0] == container)
    whole = encoded(*form)
    assert refusal(AvAudioCodec(), whole[: len(whole) // 2 + 3]).code == "AudioUnreadable"


def test_samples_that_are_not_numbers_are_refused():
    file = io.BytesIO()
    soundfile.write(
        file, np.array([0.1, np.nan, 0.2], dtype=np.float32), 16000, format="WAV", subtype="FLOAT"
    )
    assert "not numbers" in refusal(AvAudioCodec(), file.getvalue()).message


@pytest.mark.parametrize(
    "playlist",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        b'<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/hostname</BaseURL></Period></MPD>',
    ],
)
def test_lists_that_name_other_files_or_addresses_are_never_followed(playlist: bytes):
    assert refusal(AvAudioCodec(), playlist).code == "AudioUnreadable"


def test_refusals_say_what_to_do_and_show_no_internals():
    message = refusal(AvAudioCodec(), b"nonsense" * 40).message
    assert "again" in message
    assert "avformat" not in message
    assert "Errno" not in message


def test_a_full_disk_is_not_swallowed():
    class FullDisk(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        AvAudioCodec().write_flac(iter([speech_like(3)]), cast("BinaryIO", FullDisk()))


def test_a_wav_in_a_form_nobody_knows_is_refused():
    data = bytearray(wav_bytes(speech_like(0.5)))
    data[20:22] = b"\x99\x99"  # the format tag
    assert refusal(AvAudioCodec(), bytes(data)).code == "AudioUnreadable"
