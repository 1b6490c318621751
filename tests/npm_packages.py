"""Packages of npm that tests run, installed when they are missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

_CACHE = Path(__file__).parents[1] / ".cache"


def npm_package(name: str, version: str) -> Path:
    """The folder of a package, in the state in which its makers published it."""
    place = _CACHE / f"{name}-{version}"
    package = place / "node_modules" / name
    if package.exists():
        return package
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail(f"npm is missing, which installs {name}. Install it with: apt-get install -y npm")
    place.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(place), f"{name}@{version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(place)
        pytest.fail(f"{name} cannot be installed: {done.stderr}")
    return package
