"""The Speech SDK for JavaScript as its makers published it, told what to do and read from Python."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from tests.npm_packages import npm_package

PACKAGE, VERSION = "microsoft-cognitiveservices-speech-sdk", "1.52.0"
PROGRAMS = Path(__file__).parent / "node"
PATIENCE_S = 60

Job = Mapping[str, object]
Event = dict[str, Any]


class Told:
    """What a job told, by kind, in order."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = list(events)

    def all(self, kind: str) -> list[Event]:
        return [one for one in self.events if one["event"] == kind]

    @property
    def results(self) -> list[Event]:
        """What was recognised once, each time."""
        return self.all("result")

    @property
    def phrases(self) -> list[Event]:
        """Phrases with words."""
        return [one for one in self.all("phrase") if one["text"]]

    @property
    def texts(self) -> list[str]:
        return [one["text"] for one in self.phrases]

    @property
    def documents(self) -> list[Event]:
        """The phrases as the server wrote them."""
        return [json.loads(one["json"]) for one in self.phrases]


class NodeJob:
    """A job in a Node process of its own; leave the context when all is told."""

    def __init__(self, job: Job) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.fail("Node is missing. Install it with: apt-get install -y npm")
        command = [node, str(PROGRAMS / "run.mjs"), str(npm_package(PACKAGE, VERSION))]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self._seen: list[Event] = []
        self.say(json.dumps(job))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def say(self, line: str = "") -> None:
        """A line on its input; the second one lets held audio go."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def wait_for(self, kind: str) -> Event:
        """The next event of a kind."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._seen.append(json.loads(line))
            if self._seen[-1]["event"] == kind:
                return self._seen[-1]
        pytest.fail(f"no {kind} among {self._seen}")

    def end(self) -> Told:
        """All that was told, once the program has ended by itself."""
        out, problems = self._process.communicate(timeout=PATIENCE_S)
        assert self._process.returncode == 0, f"{problems}\n{out}"
        return Told([*self._seen, *map(json.loads, out.splitlines())])


def in_node(job: Job) -> Told:
    """What a job tells in Node."""
    with NodeJob(job) as running:
        return running.end()
