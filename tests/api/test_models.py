from dataclasses import replace

from tests.api.conftest import V32, error_of

from tympan.domain.dataset import DatasetKind
from tympan.domain.manifest import Sentence
from tympan.domain.resource import Status
from tympan.speech.manifest_lines import write_records
from tympan.testing.entities import BUNDLE, make_dataset, make_model

MODELS = f"{V32}/models"


def body_of(base_model, *datasets, **members):
    return {
        "displayName": "Custom",
        "locale": "en-US",
        "baseModel": {
            "self": f"https://westus.api.cognitive.microsoft.com/speechtotext/v3.0/models/base/{base_model.id.upper()}"
        },
        "datasets": [{"self": f"{V32}/datasets/{one.id}"} for one in datasets],
    } | members


def test_base_models_are_listed_with_their_dates_and_features(client, base_model):
    [shown] = client.get(f"{MODELS}/base").json()["values"]
    assert shown["self"] == f"http://speech.test{MODELS}/base/{base_model.id}"
    assert shown["status"] == "Succeeded"
    assert shown["properties"]["chargeForAdaptation"] is False
    assert "Acoustic" in shown["properties"]["features"]["supportsAdaptationsWith"]
    assert client.get(shown["self"]).json() == shown
    listed = client.get(f"{MODELS}/base", params={"filter": "status eq 'Succeeded' and locale eq 'en-US'"})
    assert len(listed.json()["values"]) == 1
    assert client.get(f"{MODELS}/base", params={"filter": "status eq 'Failed'"}).json() == {"values": []}


def test_training_starts_with_references_of_any_version_and_host(world, client, base_model):
    dataset = world.add(make_dataset())
    world.imported(dataset.id)
    answer = client.post(
        MODELS, json=body_of(base_model, dataset, properties={"customModelWeightPercent": 30})
    )
    model = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == model["self"]
    assert model["baseModel"] == {"self": f"http://speech.test{MODELS}/base/{base_model.id}"}
    assert model["datasets"] == [{"self": f"http://speech.test{V32}/datasets/{dataset.id}"}]
    assert model["properties"]["customModelWeightPercent"] == 30
    assert model["status"] == "NotStarted"
    job = client.get(model["tympan"]["job"]["self"]).json()
    assert job["kind"] == "TrainModel"
    assert job["resource"] == {"self": model["self"]}


def test_without_a_base_model_the_newest_is_chosen_and_named(world, client, base_model):
    body = {"displayName": "Custom", "locale": "en-US", "text": "hello world", "baseModel": None}
    answer = client.post(MODELS, json=body)
    assert answer.json()["baseModel"]["self"].endswith(base_model.id)


def test_what_cannot_be_trained_is_refused(client, base_model):
    answer = client.post(MODELS, json=body_of(base_model, properties={"customModelWeightPercent": 0}))
    error_of(answer, 400, "InvalidRequest", "InvalidPayload")
    answer = client.post(MODELS, json=body_of(base_model, datasets="x"))
    error_of(answer, 400, "InvalidRequest", "InvalidPayload")
    assert client.post(MODELS, json=body_of(base_model)).status_code == 400


def test_a_model_can_be_renamed_but_not_retrained(world, client):
    model = world.add(make_model())
    url = f"{MODELS}/{model.id}"
    assert client.patch(url, json={"displayName": "B"}).json()["displayName"] == "B"
    error_of(client.patch(url, json={"text": "other"}), 400, "InvalidRequest", "UnsupportedDelta")
    assert client.delete(url).status_code == 204
    error_of(client.get(url), 404, "NotFound")


def test_a_manifest_names_the_files_of_a_model(world, client, base_model):
    manifest = client.get(f"{MODELS}/base/{base_model.id}/manifest").json()
    assert [one["name"] for one in manifest["modelFiles"]] == ["model.bin"]
    waiting = world.add(make_model())
    error_of(client.get(f"{MODELS}/{waiting.id}/manifest"), 409, "Conflict", "InvalidPrerequisite")
    blob = world.blobs.put_content([b"abc"])
    trained = world.add(make_model())
    bundle = BUNDLE.__class__(
        engine="e", files=(BUNDLE.files[0].__class__(name="model.bin", sha256=blob.sha256, size_bytes=3),)
    )
    report = world.file("report.json", b'{"a": 1}', "ModelReport")
    with world.store.write() as tx:
        tx.models.save(
            trained.published(
                world.clock.now(), bundle=bundle, files=(report,), summary={"dev_wer_after": 0.1}
            )
        )
    content = client.get(client.get(f"{MODELS}/{trained.id}/manifest").json()["modelFiles"][0]["contentUrl"])
    assert content.content == b"abc"
    shown = client.get(f"{MODELS}/{trained.id}").json()
    assert shown["tympan"]["summary"] == {"dev_wer_after": 0.1}
    [file] = client.get(shown["links"]["files"]).json()["values"]
    assert file["kind"] == "ModelReport"
    assert client.get(file["links"]["contentUrl"]).json() == {"a": 1}
    assert client.get(f"/api/v1/models/{trained.id}/report").json() == {"a": 1}


def test_a_base_model_is_brought_in_by_a_job(client, base_model):
    answer = client.post("/api/v1/base-models:import", json={"source": "some-package", "locales": ["en-US"]})
    assert answer.status_code == 202
    assert client.get(answer.headers["location"]).json()["arguments"]["source"] == "some-package"
    newest = client.get("/api/v1/base-models:newest", params={"locale": "en-US"})
    assert newest.json()["self"].endswith(base_model.id)
    error_of(client.get("/api/v1/base-models:newest", params={"locale": "fr-FR"}), 404, "NotFound")


def test_a_training_is_repeated_by_a_job_of_its_own(world, client, base_model):
    model = world.add(make_model(base_model_id=base_model.id, status=Status.SUCCEEDED))

    answer = client.post(f"/api/v1/models/{model.id}:verify")

    job = answer.json()
    assert (answer.status_code, job["kind"], job["state"]) == (202, "VerifyModel", "NotStarted")
    assert job["steps"] == ["prepare", "train", "compare"]
    assert job["resource"]["self"].endswith(f"/models/{model.id}")
    assert answer.headers["Location"] == job["self"]
    assert client.get(f"{V32}/models/{model.id}").json()["status"] == "Succeeded"


def test_a_training_that_has_not_ended_cannot_be_repeated(world, client, base_model):
    model = world.add(make_model(base_model_id=base_model.id))
    error_of(client.post(f"/api/v1/models/{model.id}:verify"), 409, "Conflict", "InvalidPrerequisite")
    assert client.post("/api/v1/models/none:verify").status_code == 404


def test_advice_takes_the_body_of_a_new_model_and_changes_nothing(world, client, base_model):
    dataset = world.add(make_dataset(kind=DatasetKind.LANGUAGE))
    world.imported(dataset.id)
    manifest = world.blobs.put_content(write_records([Sentence(text="Prime the pump.", line=1)]))
    with world.store.write() as tx:
        tx.datasets.save(replace(tx.datasets.get(dataset.id), manifest_key=manifest.key))

    answer = client.post("/api/v1/models:advise", json=body_of(base_model, dataset))

    advice = answer.json()
    assert (answer.status_code, advice["canTrain"], advice["refusals"]) == (200, True, [])
    assert advice["baseModel"]["self"].endswith(f"/models/base/{base_model.id}")
    assert (advice["audioMinutes"], advice["sentences"], advice["heldOutRecordings"]) == (0.0, 1, 0)
    assert "speakers" not in advice
    assert [(one["kind"], one["examples"]) for one in advice["recipe"]] == [("Language", 2)]
    assert advice["estimate"]["calibration"] == "probe"
    assert advice["estimate"]["memoryBytes"] > 0
    [gain] = advice["expectedGain"]
    assert (gain["lowShare"], gain["highShare"]) == (0.0, 0.55)
    assert client.get(MODELS).json() == {"values": []}


def test_advice_needs_no_name_and_no_locale_and_refuses_as_creating_does(world, client, base_model):
    advice = client.post(
        "/api/v1/models:advise",
        json={"baseModel": {"self": base_model.id}, "text": "Prime the pump."},
    ).json()
    assert (advice["locale"], advice["sentences"]) == ("en-US", 1)
    empty = client.post("/api/v1/models:advise", json={"locale": "en-US"})
    assert (empty.status_code, empty.json()["innerError"]["target"]) == (400, "datasets")
    gone = {"self": f"{V32}/datasets/00000000-0000-0000-0000-000000000000"}
    answer = client.post("/api/v1/models:advise", json={"locale": "en-US", "datasets": [gone]})
    assert answer.status_code == 400
