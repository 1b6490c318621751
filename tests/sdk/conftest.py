"""A running server with a tiny model, for clients that nobody here wrote."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.running_server import RunningServer
from tests.sdk.talk import TALK, hearing_endpoint
from tests.spoken import SENTENCES, archive, conversation

from tympan.testing.tiny_whisper import write_tiny_whisper

PUBLISHED = Path(__file__).parents[1] / "api" / "published"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server, ready, whose newest English base model is tiny and says nothing sensible."""
    folder = tmp_path_factory.mktemp("sdk")
    server = RunningServer(folder / "data", engine_compute_type="float32", fetch_allow="127.0.0.1")
    server.start()
    server.tympan("base-model", "import", write_tiny_whisper(folder / "tiny"), "--locale", "en-US")
    yield server
    server.close()


@pytest.fixture(scope="session")
def tiny_model(server: RunningServer) -> str:
    """The id of the tiny base model."""
    found = server.tympan("base-model", "list", "--locale", "en-US")
    tiny = next(model for model in found if model["displayName"].endswith("whisper-tiny"))
    return str(tiny["self"].rsplit("/", 1)[-1])


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of recordings with their transcripts."""
    path = tmp_path_factory.mktemp("recordings") / "train.zip"
    path.write_bytes(archive({f"{n}.wav": text for n, text in enumerate(SENTENCES)}, ("en-US", "en-GB")))
    return path


@pytest.fixture(scope="session")
def endpoint(server: RunningServer) -> str:
    """The id of an endpoint whose model hears what is said in English."""
    return hearing_endpoint(server)


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sentences with a pause between them, as a WAV file."""
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    path.write_bytes(conversation(TALK, pause_s=1.0)[0])
    return path


def generated_client(folder: Path, version: str) -> ModuleType:
    """A client made from a published description by a generator from a registry."""
    name = "client_" + version.replace(".", "_").replace("-", "_")
    command = [
        str(Path(sys.executable).with_name("openapi-generator-cli")),
        *("generate", "--generator-name", "python", "--package-name", name, "--skip-validate-spec"),
        # The generator's own classes derive from one called BaseModel.
        *("--model-name-mappings", "BaseModel=SuppliedModel"),
        *("--input-spec", str(PUBLISHED / f"speechtotext-{version}.json"), "--output", str(folder)),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    sys.path.insert(0, str(folder))
    return importlib.import_module(name)
