"""The same server seen through each published version; every answer is held to that version's description."""

import pytest
from tests.api.conftest import OWNER_KEY, error_of, upload
from tests.api.published_description import VERSIONS

from tympan.domain.dataset import DatasetKind
from tympan.testing.entities import make_base_model, make_dataset, make_evaluation, make_model
from tympan.wire.versions import ApiVersion

V3_0, V3_1, V3_2, DATED = VERSIONS
WITH_PROJECTS = (V3_0, V3_1, V3_2)


def url(version, path):
    return f"{version.path}{path}{version.query}"


def every_version(function):
    return pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.value)(function)


@every_version
@pytest.mark.parametrize("collection", ["datasets", "models", "models/base", "evaluations", "endpoints"])
def test_every_list_has_the_shape_of_its_version(world, base_model, version, collection):
    world.add(make_dataset())
    world.add(make_model(base_model_id=base_model.id))
    world.add(make_evaluation(model_ids=(base_model.id,)))
    page = world.client.get(url(version, f"/{collection}"))
    assert page.status_code == 200
    assert len(page.json()["values"]) == (0 if collection == "endpoints" else 1)


@every_version
def test_urls_in_an_answer_speak_the_version_of_the_request(world, version):
    dataset = world.add(make_dataset())
    document = world.client.get(url(version, f"/datasets/{dataset.id}")).json()
    assert document["self"] == f"http://speech.test{url(version, f'/datasets/{dataset.id}')}"
    assert document["links"]["files"] == f"http://speech.test{url(version, f'/datasets/{dataset.id}/files')}"
    assert world.client.get(document["self"]).json() == document
    assert world.client.get(document["links"]["files"]).status_code == 200


@every_version
def test_pages_are_linked_in_the_version_of_the_request(world, version):
    for _ in range(5):
        world.add(make_dataset())
    address, seen = url(version, "/datasets") + ("&" if version.is_dated else "?") + "top=2", []
    while address:
        assert address.removeprefix("http://speech.test").startswith(version.path)
        page = world.client.get(address).json()
        seen += [dataset["self"] for dataset in page["values"]]
        address = page.get("@nextLink")
    assert len(set(seen)) == len(seen) == 5


@every_version
def test_a_model_reads_as_its_version_spells_it(world, base_model, version):
    model = world.add(make_model(base_model_id=base_model.id, weight_percent=30))
    custom = world.client.get(url(version, f"/models/{model.id}")).json()
    base = world.client.get(url(version, f"/models/base/{base_model.id}")).json()
    features = base["properties"].get("features")
    if version is V3_0:
        assert features is None
        assert custom["links"]["copyTo"].endswith(f"/v3.0/models/{model.id}/copyto")
        assert "files" not in custom["links"]
        assert base["datasets"] == []
        assert "customModelWeightPercent" not in custom["properties"]
        return
    assert custom["properties"]["customModelWeightPercent"] == 30
    assert ("supportsTranscriptionsSubmit" in features) is version.is_dated
    assert ("copy" in custom["links"]) is (version in (V3_2, DATED))
    assert ("chargeForAdaptation" in base["properties"]) is (version in (V3_2, DATED))


@every_version
def test_lengths_of_time_are_iso_8601_until_the_dated_version_counts_milliseconds(world, version):
    dataset = world.add(make_dataset())
    world.imported(dataset.id)
    properties = world.client.get(url(version, f"/datasets/{dataset.id}")).json()["properties"]
    expected = {"durationMilliseconds": 59250} if version.is_dated else {"duration": "PT59.25S"}
    assert expected.items() <= properties.items()


@every_version
def test_kinds_a_version_has_no_word_for_are_not_there(world, version):
    known = {
        kind: world.add(make_dataset(kind=kind)).id
        for kind in (DatasetKind.ACOUSTIC, DatasetKind.LANGUAGE_MARKDOWN, DatasetKind.OUTPUT_FORMATTING)
    }
    listed = {one["kind"] for one in world.client.get(url(version, "/datasets")).json()["values"]}
    expected = {V3_0: {"Acoustic"}, V3_1: {"Acoustic", "LanguageMarkdown"}}.get(version, {*known})
    assert listed == expected
    for kind, dataset_id in known.items():
        answer = world.client.get(url(version, f"/datasets/{dataset_id}"))
        assert answer.status_code == (200 if kind in expected else 404)


@every_version
def test_locales_of_datasets_are_turned_round_in_the_dated_version(world, version):
    world.add(make_base_model(locale="de-DE"))
    document = world.client.get(url(version, "/datasets/locales")).json()
    kinds = {V3_0: 4, V3_1: 5}.get(version, 6)
    if version.is_dated:
        assert document["Acoustic"] == ["de-DE"]
        assert len(document) == kinds
    else:
        assert len(document["de-DE"]) == kinds


def test_the_dated_version_knows_no_projects(world, project):
    dataset = upload(world.client, project=project["self"]).json()
    later = dataset["self"].replace("/v3.2/", "/") + DATED.query
    assert "project" in world.client.get(dataset["self"]).json()
    assert "project" not in world.client.get(later).json()
    error_of(world.client.get(url(DATED, "/projects")), 404, "NotFound")
    changed = world.client.patch(later, json={"displayName": "New", "project": None}).json()
    assert changed["displayName"] == "New"
    assert "project" in world.client.get(dataset["self"]).json(), "an unknown member changes nothing"


def test_what_is_made_through_one_version_is_seen_through_all(world):
    made = upload(world.client).json()["self"].rsplit("/", 1)[-1]
    for version in VERSIONS:
        assert world.client.get(url(version, f"/datasets/{made}")).status_code == 200


def test_the_dated_path_without_a_date_speaks_the_first_dated_version(world):
    document = world.client.get("/speechtotext/datasets").json()
    assert document == {"values": []}
    made = world.add(make_dataset())
    assert world.client.get(f"/speechtotext/datasets/{made.id}").json()["self"].endswith(DATED.query)


def test_a_date_nobody_knows_is_refused(client):
    answer = client.get("/speechtotext/datasets?api-version=2031-01-01")
    error = error_of(answer, 400, "InvalidArgument", "InvalidParameterValue")
    assert "2024-11-15" in error["message"]


@pytest.mark.parametrize(
    "path", ["/speechtotext/v9.9/datasets", "/speechtotext/v3.2/nothing", "/speechtotext"]
)
def test_versions_and_routes_nobody_knows_are_not_found(client, path):
    error_of(client.get(path), 404, "NotFound")


@pytest.mark.parametrize("path", ["/SpeechToText/V3.2/Datasets/", "/speechtotext/v3.1/DATASETS"])
def test_paths_are_read_in_any_case(client, path):
    assert client.get(path).status_code == 200


def test_v3_0_ignores_a_filter_and_later_versions_do_not(world):
    world.add(make_dataset(display_name="A"))
    world.add(make_dataset(display_name="B"))
    for version, count in ((V3_0, 2), (V3_1, 1), (V3_2, 1)):
        answer = world.client.get(f"{version.path}/datasets", params={"filter": "displayName eq 'A'"})
        assert len(answer.json()["values"]) == count


@every_version
def test_file_urls_live_as_long_as_the_version_asks(world, version):
    dataset = world.add(make_dataset())
    world.imported(dataset.id, files=[world.file("report.json", b"{}")])
    name = "sasLifetimeMinutes" if version.is_dated else "sasValidityInSeconds"
    other = "sasValidityInSeconds" if version.is_dated else "sasLifetimeMinutes"
    address = url(version, f"/datasets/{dataset.id}/files")
    join = "&" if version.is_dated else "?"
    (file,) = world.client.get(f"{address}{join}{name}=5").json()["values"]
    content = file["links"]["contentUrl"].removeprefix("http://speech.test")
    assert world.client.get(content, headers={"Ocp-Apim-Subscription-Key": ""}).status_code == 200
    world.clock.advance(seconds=301 if version.is_dated else 6)
    assert world.client.get(content).status_code == 403
    error_of(world.client.get(f"{address}{join}{other}=5"), 400, "InvalidArgument", "InvalidParameter")


@pytest.mark.parametrize("version", WITH_PROJECTS, ids=lambda version: version.value)
def test_a_project_goes_round_in_every_version_that_knows_projects(client, version):
    made = client.post(f"{version.path}/projects", json={"displayName": "P", "locale": "en-us"})
    assert made.headers["location"] == made.json()["self"]
    changed = client.patch(made.json()["self"], json={"description": "new"})
    assert changed.json()["description"] == "new"
    for members in ("datasets", "models", "evaluations", "endpoints"):
        assert client.get(made.json()["links"][members]).json() == {"values": []}
    assert client.delete(made.json()["self"]).status_code == 204
    assert client.delete(made.json()["self"]).status_code == 204


@every_version
def test_a_key_is_asked_for_in_every_version(client, version):
    for wrong in ("", "x"):
        answer = client.get(url(version, "/datasets"), headers={"Ocp-Apim-Subscription-Key": wrong})
        error_of(answer, 401, "Unauthorized", "InvalidSubscription")
    bearer = {"Ocp-Apim-Subscription-Key": "", "Authorization": f"Bearer {OWNER_KEY}"}
    assert client.get(url(version, "/datasets"), headers=bearer).status_code == 200


def test_versions_are_ordered():
    assert [[one >= other for other in VERSIONS].count(True) for one in VERSIONS] == [1, 2, 3, 4]
    assert ApiVersion.V2025_10_15 >= DATED
