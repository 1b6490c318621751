"""The recordings of the demonstration: real ones where they can be had, else marked synthetic."""

from __future__ import annotations

import gzip
import random
import re
import shutil
import subprocess
import wave
import zipfile
from dataclasses import dataclass
from pathlib import Path

PROMPTS = {"en-US": "en", "fr-CA": "fr"}
"""Locales of which Debian has prompts, with the language in the packages' names."""

HELD_OUT_SHARE = 0.3
SEED = 7
_MIN_SECONDS = 0.5
_SHARED_WORDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording on disk and what is said in it."""

    path: Path
    transcript: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSet:
    """What the demonstration uploads.

    Attributes:
        origin: One sentence that says where the recordings come from.
        is_synthetic: Whether a machine spoke them.
        train, test: Disjoint by recording and by transcript.
    """

    origin: str
    is_synthetic: bool
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]


def asterisk_prompts(folder: Path, locale: str) -> SpeechSet | None:
    """Fetch the Asterisk core sounds of Debian without root; None where that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    unpacked, language = folder / "unpacked", PROMPTS[locale]
    if not unpacked.exists() and not _download(folder, unpacked, language):
        return None
    script = next(unpacked.rglob(f"core-sounds-{language}.txt.gz"))
    sounds = next(unpacked.rglob("activated.wav")).parent
    recordings = _with_recording(_prompts(gzip.decompress(script.read_bytes()).decode()), sounds)
    return _split(
        recordings,
        origin=f"Asterisk core sounds (Debian package, CC BY-SA 3.0): {locale} telephone prompts, 8 kHz",
    )


def own_archive(archive: Path, folder: Path) -> SpeechSet:
    """Split a zip in the Azure layout (recordings and ``trans.txt``) into training and test.

    Raises:
        ValueError: It is no zip, or holds no transcript with its recordings.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = {Path(m.filename).name: m for m in zipped.infolist() if not m.is_dir()}
            folder.mkdir(parents=True)
            for name, member in members.items():
                (folder / name).write_bytes(zipped.read(member))
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{archive} cannot be read as a zip: {error}") from error
    lines = next((p.read_text("utf-8-sig") for p in folder.glob("*.t[xs][tv]")), "")
    pairs = [line.split("\t", 1) for line in lines.splitlines() if "\t" in line]
    recordings = [
        Recording(path=folder / name, transcript=text.strip())
        for name, text in pairs
        if (folder / name).exists()
    ]
    if len(recordings) < 10:  # noqa: PLR2004 - fewer cannot be split into training and test
        raise ValueError(
            f"{archive} has {len(recordings)} recordings with a transcript; at least 10 are needed. "
            "Put the recordings and trans.txt (name, tab, text) at the top of the zip."
        )
    return _split(recordings, origin=f"your archive {archive.name}")


def synthetic_prompts(folder: Path, sentences: list[str], voices: tuple[str, ...]) -> SpeechSet:
    """Speak the sentences with the voices at hand; marked synthetic wherever it is shown."""
    from py_nanotts import NanoTTS

    folder.mkdir(parents=True, exist_ok=True)
    engine = NanoTTS()
    recordings = []
    for number, sentence in enumerate(sentences):
        voice = voices[number % len(voices)]
        samples = engine.speak(sentence, voice=voice)
        path = folder / f"synthetic-{number:03}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(samples)
        recordings.append(Recording(path=path, transcript=sentence))
    return _split(
        recordings, origin="SYNTHETIC speech: figures say nothing about real speakers", synthetic=True
    )


def write_archive(recordings: tuple[Recording, ...], archive: Path) -> None:
    """Write recordings and ``trans.txt`` in the Azure layout."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for recording in recordings:
            zipped.write(recording.path, _flat_name(recording.path))
        lines = [f"{_flat_name(r.path)}\t{r.transcript}" for r in recordings]
        zipped.writestr("trans.txt", "\n".join(lines) + "\n")


def _download(folder: Path, unpacked: Path, language: str) -> bool:
    if not all(shutil.which(tool) for tool in ("apt-get", "dpkg-deb")):
        return False
    packages = [f"asterisk-core-sounds-{language}-wav", f"asterisk-core-sounds-{language}"]
    fetched = subprocess.run(
        ["apt-get", "download", "-q", *packages], cwd=folder, capture_output=True, check=False
    )
    archives = sorted(folder.glob("asterisk-core-sounds-*.deb"))
    if fetched.returncode != 0 or len(archives) < len(packages):
        return False
    partial = folder / "unpacking"
    shutil.rmtree(partial, ignore_errors=True)
    for archive in archives:
        subprocess.run(["dpkg-deb", "-x", archive, partial], check=True)
    partial.rename(unpacked)
    return True


def _prompts(script: str) -> dict[str, str]:
    """File name (without ending) to text; prompts with stage directions are left out."""
    entries = (line.split(":", 1) for line in script.splitlines() if ":" in line and not line.startswith(";"))
    texts = {name.strip(): re.sub(r"\s+", " ", text).strip() for name, text in entries}
    # Stage directions are not spoken, and how a sign is read out differs from prompt to prompt.
    return {name: text for name, text in texts.items() if text and not re.search(r"[\[\]()<>*#]", text)}


def _with_recording(prompts: dict[str, str], sounds: Path) -> list[Recording]:
    found = [
        Recording(path=sounds / f"{name}.wav", transcript=text) for name, text in sorted(prompts.items())
    ]
    return [r for r in found if r.path.exists() and _seconds(r.path) >= _MIN_SECONDS]


def _seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def _split(recordings: list[Recording], *, origin: str, synthetic: bool = False) -> SpeechSet:
    """Hold out whole groups of like transcripts, so that nothing tested was trained on."""
    groups = sorted(_groups(sorted({_plain(r.transcript) for r in recordings})))
    random.Random(SEED).shuffle(groups)
    wanted = round(sum(map(len, groups)) * HELD_OUT_SHARE)
    held_out: set[str] = set()
    for group in groups:
        if len(held_out) < max(1, wanted):
            held_out.update(group)
    return SpeechSet(
        origin=origin,
        is_synthetic=synthetic,
        train=tuple(r for r in recordings if _plain(r.transcript) not in held_out),
        test=tuple(r for r in recordings if _plain(r.transcript) in held_out),
    )


def _groups(texts: list[str]) -> list[list[str]]:
    """Texts that share six words in a row, directly or through others, belong together."""
    group_of = {text: [text] for text in texts}
    first_with: dict[tuple[str, ...], str] = {}
    for text in texts:
        words = text.split()
        for start in range(len(words) - _SHARED_WORDS + 1):
            other = first_with.setdefault(tuple(words[start : start + _SHARED_WORDS]), text)
            if group_of[other] is not group_of[text]:
                merged = group_of[other] + group_of[text]
                group_of.update(dict.fromkeys(merged, merged))
    return list({id(group): group for group in group_of.values()}.values())


def _plain(text: str) -> str:
    return re.sub(r"[^\w ]", "", text.lower())


def _flat_name(path: Path) -> str:
    parent = path.parent.name
    return (
        f"{parent}-{path.name}"
        if parent in {"digits", "letters", "phonetic", "dictate", "followme"}
        else path.name
    )
