"""The whole loop through a client that a generator made from the published description of v3.2."""

import time
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from tests.running_server import RunningServer
from tests.sdk.conftest import generated_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOCALE = "en-US"


class Published:
    """Every API of the generated client, on one connection."""

    def __init__(self, package: ModuleType, server: RunningServer) -> None:
        settings = package.Configuration(
            host=f"{server.url}/speechtotext/v3.2", api_key={"api_key": server.key}
        )
        connection = package.ApiClient(settings)
        self.package = package
        self.projects = package.CustomSpeechProjectsApi(connection)
        self.datasets = package.CustomSpeechDatasetsForModelAdaptationApi(connection)
        self.models = package.CustomSpeechModelsApi(connection)
        self.evaluations = package.CustomSpeechModelEvaluationsApi(connection)
        self.endpoints = package.CustomSpeechEndpointsApi(connection)

    def reference(self, entity: Any) -> Any:
        """A reference to an entity, as the client spells it."""
        return self.package.EntityReference(var_self=entity.var_self)

    def finished(self, read: Callable[[uuid.UUID], Any], entity: Any) -> Any:
        """The entity once its work has ended, which must have gone well."""
        until = time.monotonic() + 180
        while entity.status in ("NotStarted", "Running"):
            assert time.monotonic() < until, entity
            time.sleep(0.2)
            entity = read(identity(entity))
        assert entity.status == "Succeeded", entity
        return entity


def identity(entity: Any) -> uuid.UUID:
    """The id at the end of an entity's URL."""
    return uuid.UUID(entity.var_self.rsplit("/", 1)[-1])


@pytest.fixture(scope="module")
def client(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The generated client, pointed at the server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a member called "copy" hides a method of its models
        package = generated_client(tmp_path_factory.mktemp("client"), "v3.2")
    return Published(package, server)


@pytest.fixture(scope="module")
def project(client: Published) -> Any:
    """A project."""
    wanted = client.package.Project(displayName="Generated", locale=LOCALE)
    return client.projects.projects_create(wanted)


@pytest.fixture(scope="module")
def dataset(client: Published, project: Any, recordings: Path) -> Any:
    """Recordings with transcripts, sent as a form."""
    with pytest.deprecated_call():  # the description itself calls this route deprecated
        made = client.datasets.datasets_upload(
            display_name="train",
            locale=LOCALE,
            kind="Acoustic",
            project=project.var_self,
            data=("train.zip", recordings.read_bytes()),
        )
    return client.finished(client.datasets.datasets_get, made)


@pytest.fixture(scope="module")
def model(client: Published, project: Any, dataset: Any, tiny_model: str) -> Any:
    """A custom model."""
    base = client.models.models_get_base_model(uuid.UUID(tiny_model))
    wanted = client.package.CustomModel(
        displayName="custom",
        locale=LOCALE,
        baseModel=client.reference(base),
        datasets=[client.reference(dataset)],
        project=client.reference(project),
    )
    return client.finished(client.models.models_get_custom_model, client.models.models_create(wanted))


def test_an_import_says_what_it_took(client: Published, dataset: Any) -> None:
    assert dataset.properties.accepted_line_count == 12
    assert dataset.properties.rejected_line_count == 0
    files = client.datasets.datasets_list_files(identity(dataset)).values
    kinds = {file.kind for file in files}
    assert kinds == {"AcousticDataArchive", "AcousticDataTranscriptionV2", "DatasetReport"}
    for file in files:
        assert httpx.get(file.links.content_url).status_code == 200, "a plain GET without a key must do"


def test_lists_are_filtered_and_paged(client: Published, project: Any, dataset: Any) -> None:
    found = client.datasets.datasets_list(filter=f"displayName eq 'train' and locale eq '{LOCALE}'")
    assert [identity(one) for one in found.values] == [identity(dataset)]
    assert client.datasets.datasets_list(filter="displayName eq 'other'").values == []
    assert len(client.projects.projects_list_datasets(identity(project)).values) == 1
    page = client.models.models_list_base_models(top=1)
    assert len(page.values) == 1
    assert page.next_link is not None


def test_a_trained_model_can_be_tested(client: Published, project: Any, dataset: Any, model: Any) -> None:
    base = client.models.models_get_base_model(uuid.UUID(model.base_model.var_self.rsplit("/", 1)[-1]))
    wanted = client.package.Evaluation(
        displayName="test",
        locale=LOCALE,
        model1=client.reference(base),
        model2=client.reference(model),
        dataset=client.reference(dataset),
        project=client.reference(project),
    )
    done = client.finished(client.evaluations.evaluations_get, client.evaluations.evaluations_create(wanted))
    assert done.properties.word_count1 == done.properties.word_count2 > 0
    assert done.properties.word_error_rate1 >= 0
    assert client.evaluations.evaluations_list_files(identity(done)).values
    client.evaluations.evaluations_delete(identity(done))


def test_a_model_has_a_manifest_and_a_report(client: Published, model: Any) -> None:
    manifest = client.models.models_get_custom_model_manifest(identity(model))
    assert "model.bin" in {file.name for file in manifest.model_files}
    files = client.models.models_list_files(identity(model)).values
    assert "report.json" in {file.name for file in files}


def test_an_endpoint_is_deployed_changed_and_deleted(
    client: Published, server: RunningServer, project: Any, model: Any
) -> None:
    # Twelve recordings make no model better that says nothing sensible; its owner takes it all the same.
    approved = server.run("model", "approve", str(identity(model)), "--reason", "to be deployed by a test")
    assert approved.returncode == 0, approved.stderr
    wanted = client.package.Endpoint(
        displayName="phone",
        locale=LOCALE,
        model=client.reference(model),
        project=client.reference(project),
    )
    made = client.finished(client.endpoints.endpoints_get, client.endpoints.endpoints_create(wanted))
    change = client.package.EndpointUpdate(displayName="renamed")
    assert client.endpoints.endpoints_update(identity(made), change).display_name == "renamed"
    client.endpoints.endpoints_delete(identity(made))
    with pytest.raises(client.package.exceptions.NotFoundException) as refused:
        client.endpoints.endpoints_get(identity(made))
    assert '"code":"NotFound"' in refused.value.body


def test_errors_arrive_with_their_published_codes(client: Published) -> None:
    wanted = client.package.CustomModel(displayName="nothing", locale=LOCALE)
    with pytest.raises(client.package.exceptions.BadRequestException) as refused:
        client.models.models_create(wanted)
    assert "InvalidRequest" in refused.value.body


def test_what_was_made_is_counted_and_can_be_deleted(client: Published, project: Any, model: Any) -> None:
    counts = client.projects.projects_get(identity(project)).properties
    assert (counts.dataset_count, counts.model_count) == (1, 1)
    client.models.models_delete(identity(model))
    client.projects.projects_delete(identity(project))
    with pytest.raises(client.package.exceptions.NotFoundException):
        client.projects.projects_get(identity(project))
