"""The reference scorer, sclite, as a judge of our own alignment."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tympan.domain.evaluation import ErrorCounts

WordPair = tuple[list[str], list[str]]

_TEXT = (
    "the cat sat on a mat and dog don't café naïve straße twenty one oh four five 42 $7.50 10:05 1999 3rd "
    "Double-Jointed, \"What?\" said O'Brien's -- 50% U.S. Mr. Smith (really) no yes"
)
_WORDS = _TEXT.split()
_SCORES = re.compile(r"id: \(u_(\d+)\)\nScores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)")


def sclite_command(name: str = "sclite") -> list[str]:
    """How a program of the scoring toolkit is called here.

    Args:
        name: ``sclite`` or ``sc_stats``.

    Raises:
        FileNotFoundError: It is not installed; the message says how to install it.
    """
    if shutil.which(name):
        return [name]
    if shutil.which("sctk"):
        return ["sctk", name]
    raise FileNotFoundError(f"{name} is not installed. On Debian and Ubuntu: sudo apt-get install -y sctk")


def random_texts(count: int, *, seed: int) -> list[tuple[str, str]]:
    """Reference and hypothesis texts: few words and many, repeats, empty ones, all kinds of errors."""
    chance = random.Random(seed)  # noqa: S311  test data
    texts: list[tuple[str, str]] = []
    for number in range(count):
        vocabulary = chance.sample(_WORDS, chance.choice((2, 3, 5, 10, len(_WORDS))))
        reference = [chance.choice(vocabulary) for _ in range(chance.randint(0, 30))]
        hypothesis = [chance.choice(vocabulary) for _ in range(chance.randint(0, 30))]
        if number % 3:  # two of three are corrupted copies, one is unrelated
            kept = [word for word in reference if chance.random() < 0.85]  # noqa: PLR2004
            hypothesis = [word if chance.random() < 0.7 else chance.choice(vocabulary) for word in kept]  # noqa: PLR2004
        texts.append((" ".join(reference), "" if number % 50 == 0 else " ".join(hypothesis)))
    return texts


def sclite_counts(pairs: Sequence[WordPair]) -> list[ErrorCounts]:
    """What sclite counts in each pair.

    Args:
        pairs: Reference and hypothesis words, without the characters that mean something in
            the trn format (braces, parentheses, slashes, ``@``).

    Raises:
        FileNotFoundError: sclite is not installed.
        RuntimeError: sclite failed or left out a pair.
    """
    command = sclite_command()
    with tempfile.TemporaryDirectory() as folder:
        for side, name in enumerate(("ref.trn", "hyp.trn")):
            lines = [f"{' '.join(pair[side])} (u_{number})\n" for number, pair in enumerate(pairs)]
            Path(folder, name).write_text("".join(lines), "utf-8")
        options = ["-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "rm", "-e", "utf-8"]
        run = subprocess.run(  # noqa: S603  a fixed command
            [*command, *options, "-o", "pralign", "stdout"], cwd=folder, capture_output=True, check=False
        )
    output = run.stdout.decode("utf-8", errors="replace")
    found = {int(number): [int(count) for count in counts] for number, *counts in _SCORES.findall(output)}
    if run.returncode or len(found) != len(pairs):
        raise RuntimeError(f"sclite scored {len(found)} of {len(pairs)} pairs: {run.stderr.decode()[-500:]}")
    return [
        ErrorCounts(hits=hits, substitutions=substitutions, deletions=deletions, insertions=insertions)
        for hits, substitutions, deletions, insertions in (found[number] for number in range(len(pairs)))
    ]
