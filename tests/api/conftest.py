"""A server on fakes, and a client that holds every published answer to its description."""

import dataclasses
import io
import json
import wave
from urllib.parse import urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.api.published_description import description, split_url

from tympan.domain.dataset import DatasetCounts, StoredFile
from tympan.domain.errors import FetchError
from tympan.domain.lifecycle import ExpiredEndpointPolicy, LifecycleRule
from tympan.domain.resource import Failure
from tympan.ports.fetcher import Reply
from tympan.rest.server import create_app
from tympan.rest.services import Services
from tympan.testing.audio import WavCodec
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.containers import FakeContainers
from tympan.testing.entities import make_base_model
from tympan.testing.fetcher import FakeFetcher
from tympan.testing.meters import FakeMeters
from tympan.testing.model_files import FakeModelFiles, FakeModelSupply
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder
from tympan.testing.store import MemoryStore
from tympan.testing.synthesizer import FakeSynthesizer
from tympan.testing.trainer import FakeTrainer
from tympan.usecases.access import Access
from tympan.usecases.announcing import AnnouncingStore
from tympan.usecases.base_models import BaseModels
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.usecases.datasets import Datasets
from tympan.usecases.endpoint_logs import EndpointLogs
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.evaluations import Evaluations
from tympan.usecases.file_recognition import FileRecognition
from tympan.usecases.hook_deliveries import HookDeliveries
from tympan.usecases.jobs import Jobs
from tympan.usecases.long_listening import LongListening
from tympan.usecases.model_copies import ModelCopies
from tympan.usecases.model_receiving import ModelReceiving
from tympan.usecases.models import Models
from tympan.usecases.observing import Observing
from tympan.usecases.projects import Projects
from tympan.usecases.recognition import Recognition
from tympan.usecases.serving import Serving
from tympan.usecases.traffic import RequestsAtOnce
from tympan.usecases.training_advice import Advisor
from tympan.usecases.transcriptions import Transcriptions
from tympan.usecases.web_hooks import WebHooks

OWNER_KEY = "0123456789abcdef" * 4
V32 = "/speechtotext/v3.2"


class PublishedClient(TestClient):
    """Checks each answer of the management API on its way."""

    def request(self, method, url, **options):
        answer = super().request(method, url, **options)
        called = answer.request.url
        version, path = split_url(called.path.removesuffix("/"), called.query.decode())
        if version is not None:
            document = answer.json() if answer.content else None
            description(version).check(method, path, answer.status_code, document)
            assert answer.headers.get("content-type", "application/json") == "application/json"
        return answer


class Relay:
    """Reaches other servers of the test by the host in their address."""

    def __init__(self):
        self.hosts, self.sent, self.breaks_after = {}, [], None

    def check(self, url):
        if urlsplit(url).hostname not in self.hosts:
            raise FetchError("This address may not be reached.", code="FetchRefused", target="url")

    def send(self, url, body, headers):
        self.check(url)
        if self.breaks_after is not None and len(self.sent) >= self.breaks_after:
            raise FetchError("The address did not answer.", is_transient=True)
        client = self.hosts[urlsplit(url).hostname]
        answer = client.request(
            "POST", url, content=body, headers={**headers, "Ocp-Apim-Subscription-Key": ""}
        )
        self.sent.append((url, len(body)))
        return Reply(status=answer.status_code, body=answer.content, headers=dict(answer.headers))


@dataclasses.dataclass
class World:
    """A server with everything behind it in memory."""

    store: AnnouncingStore
    blobs: MemoryBlobs
    clock: FakeClock
    recognizer: FakeRecognizer
    services: Services
    client: PublishedClient
    relay: Relay
    fetcher: FakeFetcher

    def add(self, entity):
        """Put an entity into the store as it is."""
        repositories = {
            "Project": "projects",
            "Dataset": "datasets",
            "BaseModel": "base_models",
            "CustomModel": "models",
            "Evaluation": "evaluations",
            "Endpoint": "endpoints",
            "Transcription": "transcriptions",
            "Job": "jobs",
            "WebHook": "web_hooks",
            "HookDelivery": "hook_deliveries",
        }
        with self.store.write() as tx:
            getattr(tx, repositories[type(entity).__name__]).add(entity)
        return entity

    def imported(self, dataset_id, *, files=()):
        """What the worker does to a dataset that is fine."""
        with self.store.write() as tx:
            dataset = tx.datasets.get(dataset_id)
            counts = DatasetCounts(accepted=2, rejected=1, warnings=1, duration_s=59.25)
            done = dataset.imported(self.clock.now(), manifest_key="m", counts=counts, files=tuple(files))
            tx.datasets.save(done)
        return done

    def failed(self, repository, entity_id):
        """What the worker does to an entity that is not."""
        with self.store.write() as tx:
            kept = getattr(tx, repository)
            failure = Failure(code="InvalidDataset", message="Line 3 of trans.txt has no tab.")
            kept.save(kept.get(entity_id).failed(self.clock.now(), failure))

    def file(self, name, content, kind="DatasetReport"):
        """A file of a resource, with its bytes in the blob store."""
        blob = self.blobs.put_content([content])
        return StoredFile(id=name, name=name, kind=kind, key=blob.key, size_bytes=blob.size_bytes)


def make_world(
    tmp_path, *, host="http://speech.test", resource_id="/subscriptions/here", meters=None, **more
):
    """A server with everything behind it in memory, ready to be called."""
    clock, blobs, recognizer, fetcher = FakeClock(), MemoryBlobs(), FakeRecognizer(), FakeFetcher()
    store = AnnouncingStore(store=MemoryStore(), clock=clock)
    recognizer._texts = lambda bundle, samples, options: "Remind me to buy 5 pencils."
    shared = {"store": store, "clock": clock}
    serving = Serving(policy=ExpiredEndpointPolicy.FALL_BACK, **shared)
    access = Access(token_secret=b"t" * 32, **shared)
    access.bootstrap(OWNER_KEY)
    relay = Relay()
    receiving = ModelReceiving(
        blobs=blobs, rule=LifecycleRule.QUARTER, resource_id=resource_id, limit_bytes=10_000_000, **shared
    )
    services = Services(
        access=access,
        projects=Projects(**shared),
        datasets=Datasets(blobs=blobs, fetcher=fetcher, **shared),
        dataset_blocks=DatasetBlocks(blobs=blobs, **shared),
        base_models=BaseModels(
            files=FakeModelFiles(tmp_path),
            supply=FakeModelSupply(),
            rule=LifecycleRule.QUARTER,
            work_dir=tmp_path,
            **shared,
        ),
        models=(models := Models(rule=LifecycleRule.QUARTER, **shared)),
        advisor=Advisor(
            store=store, blobs=blobs, models=models, trainer=FakeTrainer(), synthesizer=FakeSynthesizer()
        ),
        model_copies=ModelCopies(receiving=receiving, fetcher=relay, **shared),
        receiving=receiving,
        evaluations=Evaluations(**shared),
        endpoints=Endpoints(**shared),
        transcriptions=Transcriptions(
            blobs=blobs,
            fetcher=fetcher,
            containers=FakeContainers(fetcher=fetcher),
            embedder=FakeEmbedder(),
            **shared,
        ),
        recognition=Recognition(serving=serving, codec=WavCodec(), recognizer=recognizer),
        file_recognition=FileRecognition(
            store=store,
            serving=serving,
            codec=WavCodec(),
            listening=LongListening(codec=WavCodec(), recognizer=recognizer, embedder=FakeEmbedder()),
        ),
        files_at_once=RequestsAtOnce(2),
        fetcher=fetcher,
        jobs=Jobs(**shared),
        logs=EndpointLogs(blobs=blobs, **shared),
        web_hooks=WebHooks(fetcher=fetcher, **shared),
        hook_deliveries=HookDeliveries(**shared),
        blobs=blobs,
        recognizer=recognizer,
        meters=meters or FakeMeters(),
        observing=Observing(store=store, recognizer=recognizer, living_workers=lambda: 1),
        ping=store.ping,
        secret=b"s" * 32,
        uploads_dir=tmp_path / "uploads",
        upload_limit_bytes=1_000_000,
        version="1.2.3",
        **more,
    )
    client = PublishedClient(
        create_app(services), base_url=host, headers={"Ocp-Apim-Subscription-Key": OWNER_KEY}
    )
    return World(store, blobs, clock, recognizer, services, client, relay, fetcher)


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path)


@pytest.fixture
def client(world):
    return world.client


@pytest.fixture
def base_model(world):
    return world.add(make_base_model())


@pytest.fixture
def project(client):
    return client.post(f"{V32}/projects", json={"displayName": "Phone", "locale": "en-US"}).json()


def upload(client, data=b"one line\n", **fields):
    """A dataset as a form; the fields are those of the published operation."""
    form = {"displayName": "Text", "locale": "en-US", "kind": "Language"} | fields
    return client.post(
        f"{V32}/datasets/upload",
        data={name: value for name, value in form.items() if value is not None},
        files={"data": ("lines.txt", io.BytesIO(data))},
    )


def wav(seconds=1.0):
    """A tone as 16 kHz mono WAV."""
    samples = (np.sin(np.arange(int(16_000 * seconds)) / 10) * 8000).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(samples.tobytes())
    return file.getvalue()


def error_of(answer, status, code, detailed=None):
    """The error document, after its published codes were checked."""
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert document["code"] == code, json.dumps(document)
    assert document.get("innerError", {}).get("code") == detailed, json.dumps(document)
    return document
