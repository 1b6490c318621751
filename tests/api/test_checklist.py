"""The compatibility checklist: what clients written for the published API rely on, a test each.

Two of its points need more than fakes: clients that nobody here wrote (``tests/sdk``), and a
change of model under load (``tests/slow/test_whole_loop.py``).
"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from tests.api.conftest import V32, error_of, upload, wav
from tests.api.published_description import VERSIONS, description

from tympan.domain.dataset import DatasetKind
from tympan.domain.evaluation import ErrorCounts
from tympan.domain.lifecycle import LifecycleRule, expiry
from tympan.domain.resource import Status
from tympan.speech.text import normalizer_for
from tympan.testing.entities import make_base_model, make_dataset, make_endpoint, make_model
from tympan.wire.versions import ApiVersion

V3_0, V3_1, _, DATED = VERSIONS


def url(version, path):
    return f"{version.path}{path}{version.query}"


def test_01_every_answer_is_held_to_the_description_of_its_version():
    check = description(ApiVersion.V3_2).check
    with pytest.raises(AssertionError, match="is not published, yet it answered"):
        check("GET", "/no/such/thing", 200, {})
    with pytest.raises(AssertionError, match="'displayName' is a required property"):
        check("GET", "/projects/x", 200, {"locale": "en-US"})


def test_03_every_new_entity_is_located_where_its_id_is_read(world, base_model):
    body = {"displayName": "X", "locale": "en-US"}
    for version in VERSIONS:
        made = world.client.post(url(version, "/endpoints"), json=body)
        assert made.status_code == 201
        entity_id = made.headers["location"].rsplit("/", 1)[-1].split("?")[0]
        assert world.client.get(url(version, f"/endpoints/{entity_id}")).status_code == 200


def test_04_content_is_read_by_a_plain_get(world):
    dataset = world.add(make_dataset())
    world.imported(dataset.id, files=[world.file("report.json", b'{"a": 1}')])
    (file,) = world.client.get(f"{V32}/datasets/{dataset.id}/files").json()["values"]
    world.client.headers.pop("Ocp-Apim-Subscription-Key")
    assert world.client.get(file["links"]["contentUrl"]).content == b'{"a": 1}'


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({}, "http://speech.test"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "speech.example"}, "https://speech.example"),
    ],
)
def test_05_the_next_page_begins_with_the_callers_own_base_url(world, headers, base):
    for _ in range(3):
        world.add(make_dataset())
    for version in VERSIONS:
        join = "&" if version.is_dated else "?"
        page = world.client.get(f"{url(version, '/datasets')}{join}top=2", headers=headers).json()
        # A published sample cuts as many characters as "scheme://host/speechtotext" has.
        host = f"{base}/speechtotext"
        rest = page["@nextLink"][len(host) :]
        assert page["@nextLink"].startswith(host)
        assert len(world.client.get(f"/speechtotext{rest}").json()["values"]) == 1


def test_06_odd_case_and_a_trailing_slash_are_fine(client):
    assert client.get("/speechtotext/webHooks/?api-version=2024-11-15").status_code == 200
    assert client.get("/SpeechToText/v3.2/WebHooks/").status_code == 200


def test_07_a_client_of_v3_0_sees_nothing_that_it_does_not_know(world, base_model):
    for kind in (DatasetKind.LANGUAGE_MARKDOWN, DatasetKind.OUTPUT_FORMATTING):
        world.add(make_dataset(kind=kind))
    assert world.client.get(url(V3_0, "/datasets?filter=kind eq 'Acoustic'")).json()["values"] == []
    model = world.add(make_model(base_model_id=base_model.id))
    shown = world.client.get(url(V3_0, f"/models/{model.id}")).json()
    assert "files" not in shown["links"]
    assert shown["links"]["copyTo"].endswith("/copyto")
    refused = world.client.post(shown["links"]["copyTo"], json={"targetSubscriptionKey": "x"})
    assert refused.status_code != 404, "the path of v3.0 with a slash is there"


def test_08_a_dataset_is_seen_through_every_version_without_a_project_in_the_dated_one(world, project):
    made = upload(world.client, project=project["self"]).json()["self"].rsplit("/", 1)[-1]
    for version in VERSIONS:
        document = world.client.get(url(version, f"/datasets/{made}")).json()
        assert ("project" in document) is not version.is_dated


def test_09_locales_of_datasets_are_oriented_by_version(world, base_model):
    assert "Acoustic" in world.client.get(url(V3_1, "/datasets/locales")).json()["en-US"]
    assert "en-US" in world.client.get(url(DATED, "/datasets/locales")).json()["Acoustic"]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda one: one.value)
def test_10_logging_has_one_name_to_create_and_another_to_update(world, base_model, version):
    body = {"displayName": "X", "locale": "en-US", "properties": {"loggingEnabled": True}}
    made = world.client.post(url(version, "/endpoints"), json=body).json()
    assert made["properties"]["loggingEnabled"] is True
    changed = world.client.patch(made["self"], json={"properties": {"contentLoggingEnabled": False}}).json()
    assert changed["properties"]["loggingEnabled"] is False
    assert "contentLoggingEnabled" not in changed["properties"]


def test_11_one_model_tested_twice_has_one_transcription(world, base_model):
    dataset = world.add(make_dataset(status=Status.SUCCEEDED))
    body = {
        "displayName": "X",
        "locale": "en-US",
        "dataset": {"self": dataset.id},
        "model1": {"self": base_model.id},
        "model2": {"self": base_model.id},
    }
    made = world.client.post(f"{V32}/evaluations", json=body).json()
    assert made["transcription1"] == made["transcription2"]
    assert world.client.get(made["transcription1"]["self"]).status_code == 200


@pytest.mark.parametrize(
    ("created", "adaptation", "transcription"),
    [
        ((2024, 2, 29), (2025, 4, 15), (2026, 4, 15)),
        ((2024, 7, 14), (2025, 7, 15), (2026, 7, 15)),
        ((2022, 5, 22), (2023, 7, 15), (2024, 7, 15)),
        ((2023, 2, 28), (2024, 4, 15), (2025, 4, 15)),
        ((2024, 7, 15), (2025, 7, 15), (2026, 7, 15)),
        ((2024, 7, 16), (2025, 10, 15), (2026, 10, 15)),
        ((2024, 11, 1), (2026, 1, 15), (2027, 1, 15)),
    ],
)
def test_12_models_expire_on_the_published_dates(created, adaptation, transcription):
    dates = expiry(datetime(*created, tzinfo=UTC), LifecycleRule.QUARTER)
    assert dates.adaptation_at == datetime(*adaptation, tzinfo=UTC)
    assert dates.decoding_at == datetime(*transcription, tzinfo=UTC)


def test_13_published_texts_are_normalised_and_counted_as_published():
    normalizer = normalizer_for("en-US")
    assert normalizer.normalize('"Holy cow!" said Batman.') == "holy cow said batman"
    assert (
        normalizer.normalize('"What?" said Batman\'s sidekick, Robin.') == "what said batman's sidekick robin"
    )
    assert normalizer.normalize("I'm double-jointed") == "i'm double jointed"
    assert normalizer.normalize("104 Elm Street") == "one oh four elm street"
    counts = ErrorCounts(hits=170, substitutions=2, deletions=1, insertions=2)
    assert counts.reference_length == 173
    assert round(counts.rate, 4) == 0.0289


def test_15_words_are_read_in_any_case_and_unknown_members_are_ignored(world, base_model):
    made = upload(world.client, kind="lAnGuAgE").json()
    assert made["kind"] == "Language"
    body = {"displayName": "X", "locale": "EN-us", "diarizationEnabled": True, "self": "nonsense"}
    made = world.client.post(url(DATED, "/endpoints"), json=body | {"project": {"self": "none"}})
    assert made.status_code == 201
    assert made.json()["locale"] == "en-US"


def test_16_errors_have_the_published_shape(world, base_model):
    error_of(world.client.get(f"{V32}/datasets/{base_model.id}"), 404, "NotFound")
    dataset = world.add(make_dataset())
    world.add(make_model(base_model_id=base_model.id, dataset_ids=(dataset.id,)))
    error_of(world.client.delete(f"{V32}/datasets/{dataset.id}"), 409, "Conflict", "InUseViolation")


def test_18_an_expired_model_falls_back_and_says_so_and_batch_work_refuses_it(world):
    now = world.clock.now()
    old = world.add(make_base_model(decoding_expires_at=now + timedelta(days=1)))
    new = world.add(make_base_model(created_at=now + timedelta(seconds=1)))
    endpoint = world.add(make_endpoint(model_id=old.id).deployed(now))
    world.clock.advance(seconds=2 * 86_400)
    answer = world.client.post(
        f"/speech/recognition/conversation/cognitiveservices/v1?cid={endpoint.id}&language=en-US",
        content=wav(),
        headers={"Content-Type": "audio/wav"},
    )
    assert answer.status_code == 200
    assert re.fullmatch(f"expired; model={new.id}", answer.headers["x-model-fallback"])
    body = {
        "displayName": "X",
        "locale": "en-US",
        "contentUrls": ["https://example.com/a.wav"],
        "model": {"self": old.id},
    }
    error_of(world.client.post(f"{V32}/transcriptions", json=body), 400, "InvalidRequest", "ModelDeprecated")
