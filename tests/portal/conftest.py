"""Pages without a browser: a client and an HTML parser."""

import dataclasses
import shutil
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import sync_playwright
from tests.npm_packages import npm_package
from tests.portal.bench import FIRST, HOSTILE, SECOND, TEXTS, Bench

from tympan.app.limits import published_limits
from tympan.app.settings import Settings
from tympan.domain.lifecycle import LifecycleRule
from tympan.portal.services import PortalServices
from tympan.portal.site import create_portal
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_project
from tympan.testing.fetcher import FakeFetcher
from tympan.testing.model_files import FakeModelFiles, FakeModelSupply
from tympan.testing.store import MemoryStore
from tympan.usecases.access import Access
from tympan.usecases.base_models import BaseModels
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.datasets import Datasets
from tympan.usecases.endpoint_logs import EndpointLogs
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.evaluations import Evaluations
from tympan.usecases.jobs import Jobs
from tympan.usecases.models import Models
from tympan.usecases.projects import Projects

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
OWNER_KEY = "0123456789abcdef" * 4
_VOID = {"meta", "link", "input", "br", "polyline"}


class Page(HTMLParser):
    """A page as its reader meets it. Fails on tags that are not closed."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._open = [], "", []
        self.feed(html)
        assert self._open == [], f"not closed: {self._open}"
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += f" {data}"

    def all(self, tag, **wanted):
        return [attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()]

    @property
    def links(self):
        return [attrs["href"] for attrs in self.all("a")]


@dataclasses.dataclass
class Site:
    """The portal on fakes."""

    store: MemoryStore
    blobs: MemoryBlobs
    clock: FakeClock
    services: PortalServices
    client: TestClient

    def page(self, path, status=200):
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return Page(answer.text)

    def sign_in(self, key=OWNER_KEY, **changed):
        form = self.page("/sign-in")
        token = form.all("input", name="token")[0]["value"]
        return self.client.post("/sign-in", data={"key": key, "token": token} | changed)

    def add(self, repository, entity):
        with self.store.write() as tx:
            getattr(tx, repository).add(entity)
        return entity


@pytest.fixture
def site(tmp_path):
    store, clock, blobs = MemoryStore(), FakeClock(), MemoryBlobs()
    shared = {"store": store, "clock": clock}
    rule = LifecycleRule.QUARTER
    supplied = {
        "files": FakeModelFiles(tmp_path),
        "supply": FakeModelSupply(),
        "rule": rule,
        "work_dir": tmp_path,
    }
    access = Access(token_secret=b"t" * 32, **shared)
    access.bootstrap(OWNER_KEY)
    services = PortalServices(
        access=access,
        projects=Projects(**shared),
        datasets=Datasets(blobs=blobs, fetcher=FakeFetcher(), **shared),
        base_models=BaseModels(**supplied, **shared),
        models=Models(rule=rule, **shared),
        evaluations=Evaluations(**shared),
        endpoints=Endpoints(**shared),
        jobs=Jobs(**shared),
        logs=EndpointLogs(blobs=blobs, **shared),
        blobs=blobs,
        secret=b"s" * 32,
        version="1.2.3",
        limits=published_limits(Settings(), DatasetLimits()),
    )
    client = TestClient(create_portal(services), base_url="http://speech.test", follow_redirects=False)
    return Site(store, blobs, clock, services, client)


@pytest.fixture
def signed_in(site):
    assert site.sign_in().status_code == 303
    return site


@pytest.fixture
def project(site):
    return site.add("projects", make_project(display_name="<b>Phone</b>"))


@pytest.fixture
def send(signed_in):
    def send(path, **fields):
        token = signed_in.page("/projects").all("input", name="token")[0]["value"]
        return signed_in.client.post(path, data={"token": token} | fields)

    return send


@pytest.fixture
def bench(site, project):
    bench = Bench(TEXTS, store=site.store, blobs=site.blobs)
    bench.dataset = bench.move(bench.dataset, project)
    return bench


@pytest.fixture
def models(bench):
    first = bench.add_model(FIRST, display_name="Base")
    return first, bench.add_model(SECOND, display_name=HOSTILE, dataset_ids=())


@pytest.fixture
def tested(send, bench, models):
    """The address of a test of both models that was started in the portal and has run."""
    new = {"name": HOSTILE, "dataset": bench.dataset.id, "model1": models[0], "model2": models[1]}
    there = send(
        f"/projects/{bench.dataset.project_id}/testing", **new, terms="Ann Smith\r\n\r\n Tympan \r\n"
    ).headers["location"]
    bench.score(there.rsplit("/", 1)[1])
    return there


@pytest.fixture(scope="module")
def browser():
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.fail("Chromium is missing. Install it with: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe():
    return (npm_package("axe-core", "4.14.1") / "axe.min.js").read_text("utf-8")


def violations(page, axe):
    """What axe finds wrong with a page as it stands."""
    page.evaluate(axe)
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", RULES)
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
