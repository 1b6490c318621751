"""A batch job that tells speakers and languages apart: real weights, a real server."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.running_server import RunningServer
from tests.spoken import conversation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TALK = (
    ("Good morning, I would like to book a table for two people on Friday evening.", "en-US"),
    ("Buenos días, ¿a qué hora desea venir y cuál es su nombre?", "es-ES"),
    ("Eight o'clock would be perfect for us, and my name is Miller.", "en-US"),
    ("Muchas gracias, la mesa junto a la ventana está reservada para usted.", "es-ES"),
    ("That is wonderful news. Do you have any dishes without meat?", "en-US"),
    ("Sí, tenemos una página entera, y la sopa está muy buena.", "es-ES"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the base models of the installed packages."""
    server = RunningServer(tmp_path_factory.mktemp("conversations") / "data")
    server.start()
    yield server
    server.close()


def test_a_job_says_who_spoke_which_language_when(server: RunningServer, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    recording, places = conversation(TALK)
    path.write_bytes(recording)
    asked = ("--locale", "en-US", "--languages", "en-US,es-ES", "--speakers", "2", "--words")
    made = server.tympan("transcription", "create", "talk", path, *asked)
    assert made["status"] == "Succeeded", made
    phrases = _result(server, made)["recognizedPhrases"]
    by_turn = [_within(phrases, *place) for place in places]
    assert all(by_turn), phrases
    for said, (_, voice) in zip(by_turn, TALK, strict=True):
        assert _mostly(said, "locale") == voice
    assert [_mostly(said, "speaker") for said in by_turn] == [1, 2] * 3
    words = " ".join(phrase["nBest"][0]["display"] for phrase in phrases)
    for expected in ("Friday evening", "qué hora", "wonderful news", "sopa"):
        assert expected in words
    places_in_ticks = [word["offsetInTicks"] for p in phrases for word in p["nBest"][0]["words"]]
    assert places_in_ticks == sorted(places_in_ticks)


def _within(phrases: list[dict], start_s: float, end_s: float) -> list[dict]:
    """The phrases whose middle lies in a stretch."""
    middles = [(one["offsetInTicks"] + one["durationInTicks"] / 2) / 1e7 for one in phrases]
    return [
        phrase
        for phrase, middle in zip(phrases, middles, strict=True)
        if start_s - 0.3 <= middle <= end_s + 0.3
    ]


def _mostly(phrases: list[dict], member: str) -> object:
    """What a member says for most of the time; a word alone may be taken for another language's."""
    lasts: Counter[object] = Counter()
    for phrase in phrases:
        lasts[phrase[member]] += phrase["durationInTicks"]
    return lasts.most_common(1)[0][0]


def _result(server: RunningServer, made: dict) -> dict:
    headers = {"Ocp-Apim-Subscription-Key": server.key}
    listed = httpx.get(made["links"]["files"], headers=headers).json()["values"]
    [result] = [file for file in listed if file["kind"] == "Transcription"]
    return json.loads(httpx.get(result["links"]["contentUrl"]).content)
