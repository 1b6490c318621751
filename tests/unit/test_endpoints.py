"""Endpoints, their deployment, and recognition through them."""

import io
from datetime import timedelta

import numpy as np
import pytest

from tympan.domain.errors import (
    CancelledError,
    InvalidInputError,
    InvalidStateError,
    LocaleMismatchError,
    ModelDamagedError,
    ModelExpiredError,
    TooLargeError,
    UnavailableError,
)
from tympan.domain.job import JobState
from tympan.domain.lifecycle import ExpiredEndpointPolicy
from tympan.domain.model import Bundle, BundleFile
from tympan.domain.query import EVERYTHING
from tympan.domain.resource import Failure, Status
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_base_model, make_key, make_model
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.store import MemoryStore
from tympan.usecases.deployment import Deployment
from tympan.usecases.endpoints import EndpointChange, Endpoints, NewEndpoint
from tympan.usecases.job_states import begin_attempt, end_job
from tympan.usecases.recognition import AudioOptions, Recognition
from tympan.usecases.serving import Serving


def bundle(letter):
    files = (BundleFile(name="model.bin", sha256=letter * 64, size_bytes=3),)
    return Bundle(engine="fake", files=files)


class Codec:
    """Audio is as many seconds of sound as the file has bytes."""

    def open(self, file):
        length = len(file.read())
        self.blocks = lambda: iter([np.full(16_000, 0.1, np.float32)] * length)
        return self


class Context:
    def __init__(self, job):
        self.job = job

    def progress(self, fraction, message, **counters):
        pass


class House:
    """Everything behind an endpoint, with one base and one custom model."""

    def __init__(self):
        self.store, self.clock = MemoryStore(), FakeClock()
        self.recognizer = FakeRecognizer(lambda bundle, samples, options: f"by {bundle.digest[:4]}")
        self.endpoints = Endpoints(store=self.store, clock=self.clock)
        self.deployment = Deployment(store=self.store, recognizer=self.recognizer, clock=self.clock)
        self.base = make_base_model(bundle=bundle("a"))
        self.custom = make_model(bundle=bundle("b"), status=Status.SUCCEEDED)
        with self.store.write() as tx:
            tx.base_models.add(self.base)
            tx.models.add(self.custom)

    def recognize(self, endpoint_id=None, locale=None, audio=b"1", **settings):
        policy = settings.pop("policy", ExpiredEndpointPolicy.FALL_BACK)
        serving = Serving(store=self.store, clock=self.clock, policy=policy)
        use_case = Recognition(serving=serving, codec=Codec(), recognizer=self.recognizer)
        return use_case.recognize(endpoint_id, locale, io.BytesIO(audio), AudioOptions(**settings))

    def create(self, **members):
        return self.endpoints.create(NewEndpoint(**{"display_name": "E", "locale": "en-US"} | members))

    def begin(self, endpoint):
        with self.store.write() as tx:
            return begin_attempt(tx, tx.jobs.get(endpoint.job_id), self.clock.now(), step="deploy")

    def deploy(self, endpoint):
        job = self.begin(endpoint)
        self.deployment.run_deploy(Context(job))
        with self.store.write() as tx:
            end_job(tx, job, self.clock.now(), JobState.SUCCEEDED)
        return self.endpoints.get(endpoint.id)

    def save_model(self, model):
        with self.store.write() as tx:
            (tx.models if model.id == self.custom.id else tx.base_models).save(model)


@pytest.fixture
def house():
    return House()


def test_a_new_endpoint_waits_for_its_deployment_and_then_answers(house):
    endpoint = house.create(model_id=house.custom.id)
    assert endpoint.status is Status.NOT_STARTED
    with pytest.raises(UnavailableError):
        house.recognize(endpoint.id)
    endpoint = house.deploy(endpoint)
    assert endpoint.status is Status.SUCCEEDED
    assert endpoint.serving_model_id == house.custom.id
    answer = house.recognize(endpoint.id)
    assert answer.recognition.text == f"by {house.custom.bundle.digest[:4]}"
    assert (answer.model_id, answer.is_custom, answer.fallback) == (house.custom.id, True, None)
    assert answer.adaptation == ("training",)
    assert answer.model_version == house.custom.bundle.digest[:12]


def test_without_a_model_the_newest_base_model_is_deployed(house):
    assert house.create().model_id == house.base.id


def test_without_an_endpoint_the_newest_base_model_answers(house):
    assert house.recognize(None, "en-us").model_id == house.base.id


@pytest.mark.parametrize(("locale", "code"), [(None, "InvalidLocale"), ("fr-FR", "UnsupportedLanguageCode")])
def test_a_locale_nobody_serves_is_an_error(house, locale, code):
    with pytest.raises(InvalidInputError) as caught:
        house.recognize(None, locale)
    assert caught.value.code == code


def test_an_unknown_endpoint_is_an_error_and_never_another_model(house):
    with pytest.raises(InvalidInputError) as caught:
        house.recognize("00000000-0000-0000-0000-000000000000", "en-US")
    assert caught.value.target == "cid"


def test_an_endpoint_of_another_locale_is_refused(house):
    endpoint = house.deploy(house.create())
    with pytest.raises(LocaleMismatchError):
        house.recognize(endpoint.id, "de-DE")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": Status.RUNNING, "bundle": None}, "ModelNotDeployable"),
        ({"status": Status.FAILED, "failure": Failure(code="x", message="y")}, "DeployingFailedModel"),
        ({"locale": "de-DE"}, "ModelMismatch"),
        ({"decoding_expires_at": FakeClock().now()}, "ModelDeprecated"),
    ],
)
def test_a_model_that_cannot_serve_is_not_deployed(house, change, code):
    model = make_model(**{"status": Status.SUCCEEDED, "bundle": bundle("c")} | change)
    with house.store.write() as tx:
        tx.models.add(model)
    with pytest.raises(InvalidInputError) as caught:
        house.create(model_id=model.id)
    assert caught.value.code == code
    assert house.endpoints.count() == 0


def test_an_unknown_model_is_not_deployed(house):
    with pytest.raises(InvalidInputError, match="no model") as caught:
        house.create(model_id="nobody")
    assert caught.value.code == "InvalidModel"


def test_the_old_model_answers_until_the_new_one_is_warm(house):
    endpoint = house.deploy(house.create())
    changed = house.endpoints.update(endpoint.id, EndpointChange(model_id=house.custom.id))
    assert (changed.status, changed.model_id) == (Status.RUNNING, house.custom.id)
    assert house.recognize(endpoint.id).model_id == house.base.id
    house.deploy(changed)
    assert house.recognize(endpoint.id).model_id == house.custom.id


def test_a_failed_change_leaves_the_old_model_answering(house):
    endpoint = house.deploy(house.create())
    changed = house.endpoints.update(endpoint.id, EndpointChange(model_id=house.custom.id))
    house.recognizer.damaged.add(house.custom.bundle.digest)
    job = house.begin(changed)
    with pytest.raises(ModelDamagedError) as caught:
        house.deployment.run_deploy(Context(job))
    with house.store.write() as tx:
        failure = Failure(code=caught.value.code, message=caught.value.message)
        end_job(tx, job, house.clock.now(), JobState.FAILED, failure)
    assert house.endpoints.get(endpoint.id).status is Status.FAILED
    assert house.recognize(endpoint.id).model_id == house.base.id
    house.recognizer.damaged.clear()
    again = house.endpoints.update(endpoint.id, EndpointChange(model_id=house.custom.id))
    assert house.deploy(again).serving_model_id == house.custom.id


def test_a_first_deployment_that_failed_says_why(house):
    endpoint = house.create()
    with house.store.write() as tx:
        failure = Failure(code="InvalidModel", message="model.bin is damaged.")
        end_job(tx, tx.jobs.get(endpoint.job_id), house.clock.now(), JobState.FAILED, failure)
    with pytest.raises(InvalidStateError, match=r"model\.bin is damaged"):
        house.recognize(endpoint.id)


def test_a_deployment_that_was_overtaken_writes_nothing(house):
    endpoint = house.create()
    job = house.begin(endpoint)
    house.endpoints.update(endpoint.id, EndpointChange(model_id=house.custom.id))
    with pytest.raises(CancelledError):
        house.deployment.run_deploy(Context(job))
    assert house.endpoints.get(endpoint.id).serving_model_id is None


def test_a_rename_deploys_nothing(house):
    endpoint = house.deploy(house.create())
    renamed = house.endpoints.update(
        endpoint.id, EndpointChange(display_name=" New ", is_logging=True, model_id=endpoint.model_id)
    )
    assert (renamed.display_name, renamed.is_logging) == ("New", True)
    assert (renamed.status, renamed.job_id) == (Status.SUCCEEDED, endpoint.job_id)


def test_suspending_refuses_requests_and_resuming_keeps_the_id(house):
    endpoint = house.deploy(house.create())
    assert house.endpoints.suspend(endpoint.id).is_suspended
    with pytest.raises(InvalidStateError, match="suspended"):
        house.recognize(endpoint.id)
    house.endpoints.resume(endpoint.id)
    assert house.recognize(endpoint.id).endpoint.id == endpoint.id


def test_deleting_while_deploying_stops_the_job_and_takes_the_keys(house):
    endpoint = house.create()
    with house.store.write() as tx:
        tx.keys.add(make_key(endpoint_id=endpoint.id))
        tx.keys.add(make_key())
    house.endpoints.delete(endpoint.id)
    house.endpoints.delete(endpoint.id)
    with house.store.read() as tx:
        assert tx.jobs.get(endpoint.job_id).state is JobState.CANCELLED
        assert [key.endpoint_id for key in tx.keys.list(EVERYTHING)] == [None]


def test_an_expired_model_falls_back_and_says_so_or_refuses(house):
    endpoint = house.deploy(house.create(model_id=house.custom.id))
    expired = make_model(
        id=house.custom.id,
        bundle=house.custom.bundle,
        status=Status.SUCCEEDED,
        decoding_expires_at=house.clock.now() + timedelta(days=1),
    )
    house.save_model(expired)
    assert house.recognize(endpoint.id).fallback is None
    house.clock.advance(86_400)
    answer = house.recognize(endpoint.id)
    assert (answer.model_id, answer.fallback, answer.is_custom) == (house.base.id, "expired", False)
    with pytest.raises(ModelExpiredError):
        house.recognize(endpoint.id, policy=ExpiredEndpointPolicy.REFUSE)


def test_audio_over_the_limit_and_audio_without_samples_are_refused(house):
    assert house.recognize(None, "en-US", b"x" * 60).samples == 60 * 16_000
    with pytest.raises(TooLargeError, match="60 s"):
        house.recognize(None, "en-US", b"x" * 61)
    with pytest.raises(InvalidInputError, match="no samples"):
        house.recognize(None, "en-US", b"")
