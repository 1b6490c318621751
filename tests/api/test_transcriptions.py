"""Batch transcriptions over HTTP, in every version of the API."""

import json

import pytest
from tests.api.conftest import V32, error_of
from tests.api.published_description import VERSIONS

from tympan.app.writers import WRITERS
from tympan.domain.dataset import DatasetKind
from tympan.domain.job import JobKind, JobState
from tympan.domain.resource import Status
from tympan.testing.entities import make_base_model, make_dataset, make_model
from tympan.testing.fetcher import Page
from tympan.testing.listening import FakeListening
from tympan.usecases.job_states import begin_attempt, end_job
from tympan.usecases.publishing import Publishing
from tympan.usecases.transcribing import Transcribing
from tympan.usecases.transcription_sources import Sources

V3_0, V3_1, V3_2, DATED = VERSIONS
URL = "https://recordings.example.com/a.wav"
every_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.value)


def address(version, *segments):
    return "/".join([version.path, "transcriptions", *segments]) + version.query


def body_of(version=V3_2, **members):
    properties = {"timeToLiveHours": 48} if version.is_dated else {}
    properties |= members.pop("properties", {})
    known = {"displayName": "Calls", "locale": "en-US", "contentUrls": [URL], "properties": properties}
    return {name: value for name, value in (known | members).items() if value is not None}


def create(client, version=V3_2, **members):
    where = f"{version.path}/transcriptions:submit{version.query}" if version.is_dated else address(version)
    return client.post(where, json=body_of(version, **members))


def id_of(document):
    return document["self"].split("?")[0].rsplit("/", 1)[-1]


class Context:
    def __init__(self, job):
        self.job = job

    def progress(self, fraction, message, **counters):
        pass

    def event(self, kind, payload):
        pass


@pytest.fixture
def pages(world):
    served = world.services.transcriptions.fetcher.pages
    served[URL] = Page(body=b"Hello world.\nGoodbye.")
    return served


def work(world, document, tmp_path):
    """What a worker does to a transcription."""
    transcriptions = world.services.transcriptions
    transcription = transcriptions.get(id_of(document))
    shared = {"store": world.store, "blobs": world.blobs, "clock": world.clock, "writers": WRITERS}
    sources = Sources(
        store=world.store,
        blobs=world.blobs,
        fetcher=transcriptions.fetcher,
        containers=transcriptions.containers,
        work_dir=tmp_path,
    )
    steps = {
        "transcribe": Transcribing(sources=sources, listening=FakeListening(), **shared).run_transcribe,
        "publish": Publishing(containers=transcriptions.containers, **shared).run_publish,
    }
    for step in JobKind.RUN_TRANSCRIPTION.steps:
        with world.store.write() as tx:
            job = begin_attempt(tx, tx.jobs.get(transcription.job_id), world.clock.now(), step=step)
        steps[step](Context(job))
    with world.store.write() as tx:
        end_job(tx, tx.jobs.get(transcription.job_id), world.clock.now(), JobState.SUCCEEDED)


@every_version
def test_a_transcription_is_made_read_changed_and_deleted(world, base_model, pages, version, tmp_path):
    answer = create(world.client, version)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == made["self"]
    assert made["status"] == "NotStarted"
    assert answer.headers["retry-after"]
    assert "contentUrls" not in made
    error_of(world.client.delete(made["self"]), 409, "Conflict", "DeleteNotAllowed")
    work(world, made, tmp_path)
    done = world.client.get(made["self"]).json()
    assert done["status"] == "Succeeded"
    length = {"durationMilliseconds": 2000} if version.is_dated else {"duration": "PT2S"}
    assert length.items() <= done["properties"].items()
    assert done["tympan"]["recordings"] == {"succeeded": 1, "failed": 0}
    changed = world.client.patch(made["self"], json={"displayName": "New", "customProperties": {"a": "b"}})
    assert changed.json()["displayName"] == "New"
    assert [one["displayName"] for one in world.client.get(address(version)).json()["values"]] == ["New"]
    assert world.client.delete(made["self"]).status_code == 204
    assert world.client.delete(made["self"]).status_code == 204
    error_of(world.client.get(made["self"]), 404, "NotFound")


@every_version
def test_every_published_file_is_json_and_the_subtitles_are_elsewhere(
    world, base_model, pages, version, tmp_path
):
    made = create(world.client, version).json()
    assert world.client.get(made["links"]["files"]).json() == {"values": []}
    work(world, made, tmp_path)
    files = world.client.get(made["links"]["files"]).json()["values"]
    assert [(file["name"], file["kind"]) for file in files] == [
        ("contenturl_0.json", "Transcription"),
        ("report.json", "TranscriptionReport"),
    ]
    for file in files:
        content = world.client.get(file["links"]["contentUrl"], headers={"Ocp-Apim-Subscription-Key": ""})
        assert content.json()
        assert len(content.content) == file["properties"]["size"]
        assert world.client.get(file["self"]).json()["name"] == file["name"]
    result = world.client.get(files[0]["links"]["contentUrl"]).json()
    assert ("durationMilliseconds" in result) is version.is_dated
    subtitles = world.client.get(world.client.get(made["self"]).json()["tympan"]["subtitles"]).json()
    assert [file["name"] for file in subtitles["values"]] == ["contenturl_0.srt", "contenturl_0.vtt"]
    srt = world.client.get(subtitles["values"][0]["links"]["contentUrl"])
    assert srt.text.startswith("1\n00:00:00,000")


@every_version
def test_defaults_are_echoed(world, base_model, version):
    properties = create(world.client, version).json()["properties"]
    common = {
        "wordLevelTimestampsEnabled": False,
        "channels": [0, 1],
        "punctuationMode": "DictatedAndAutomatic",
        "profanityFilterMode": "Masked",
    }
    if version.is_dated:
        assert properties == common | {"displayFormWordLevelTimestampsEnabled": False, "timeToLiveHours": 48}
    elif version is V3_0:
        assert properties == common | {"diarizationEnabled": False}
    else:
        later = {"diarizationEnabled": False, "displayFormWordLevelTimestampsEnabled": False}
        assert properties == common | later


@every_version
def test_the_model_is_always_named_in_v3_and_in_the_dated_version_only_when_the_client_did(
    world, base_model, version
):
    silent = create(world.client, version).json()
    named = create(world.client, version, model={"self": f"{V32}/models/base/{base_model.id}"}).json()
    assert named["model"]["self"].split("?")[0].endswith(f"/models/base/{base_model.id}")
    assert ("model" in silent) is not version.is_dated


@pytest.mark.parametrize(
    ("version", "asked", "shown"),
    [
        (V3_0, {"diarizationEnabled": True}, {V3_0: True, V3_2: True, DATED: {"enabled": True}}),
        (
            V3_1,
            {"diarizationEnabled": True, "diarization": {"speakers": {"minCount": 3, "maxCount": 5}}},
            {V3_2: {"speakers": {"minCount": 3, "maxCount": 5}}, DATED: {"enabled": True, "maxSpeakers": 5}},
        ),
        (
            DATED,
            {"diarization": {"enabled": True, "maxSpeakers": 4}},
            {V3_1: {"speakers": {"maxCount": 4}}, DATED: {"enabled": True, "maxSpeakers": 4}},
        ),
        (DATED, {"diarization": {"enabled": False, "maxSpeakers": 4}}, {V3_2: False, DATED: None}),
    ],
)
def test_speakers_are_spelled_as_each_version_spells_them(world, base_model, version, asked, shown):
    made = create(world.client, version, properties=asked).json()
    for other, expected in shown.items():
        properties = world.client.get(address(other, id_of(made))).json()["properties"]
        name = "diarizationEnabled" if isinstance(expected, bool) else "diarization"
        assert properties.get(name) == expected


@pytest.mark.parametrize(
    ("asked", "in_v3", "in_dated"),
    [("P2D", "P2D", 48), ("PT12H", "PT12H", 12), ("P1DT90M", "P1DT1H30M", 26), ("0", None, 0), ("", None, 0)],
)
def test_the_time_to_live_is_a_duration_or_hours(world, base_model, asked, in_v3, in_dated):
    made = create(world.client, properties={"timeToLive": asked}).json()
    assert made["properties"].get("timeToLive") == in_v3
    dated = world.client.get(address(DATED, id_of(made))).json()
    assert dated["properties"]["timeToLiveHours"] == in_dated


def test_languages_are_chosen_from_candidates(world, base_model):
    german = world.add(make_base_model(locale="de-DE"))
    asked = {
        "languageIdentification": {
            "mode": "single",
            "candidateLocales": ["en-us", "de-DE"],
            "speechModelMapping": {"de-DE": {"self": f"{V32}/models/base/{german.id}"}},
        }
    }
    made = create(world.client, properties=asked).json()
    shown = made["properties"]["languageIdentification"]
    assert (shown["mode"], shown["candidateLocales"]) == ("Single", ["en-US", "de-DE"])
    assert list(shown["speechModelMapping"]) == ["de-DE"]
    kept = world.services.transcriptions.get(id_of(made))
    assert dict(kept.model_ids) == {"en-US": base_model.id, "de-DE": german.id}


def test_an_older_version_cannot_read_what_it_has_no_words_for(world, base_model):
    for properties, since in (
        ({"displayFormWordLevelTimestampsEnabled": True}, V3_1),
        ({"languageIdentification": {"candidateLocales": ["en-US", "de-DE"], "mode": "Single"}}, V3_2),
    ):
        world.add(make_base_model(locale="de-DE"))
        made = create(world.client, properties=properties).json()
        for version in VERSIONS:
            answer = world.client.get(address(version, id_of(made)))
            listed = [id_of(one) for one in world.client.get(address(version)).json()["values"]]
            assert (id_of(made) in listed) is (version >= since)
            if version >= since:
                assert answer.status_code == 200
                continue
            error = error_of(answer, 400, "InvalidRequest", "InvalidTranscription")
            assert error["message"] == (
                "The API version cannot be used to access this transcription. "
                f"Please use API version {since.value} or higher."
            )


REFUSED = [
    ({"contentContainerUrl": "https://a.example/c"}, "InvalidRequest", "OnlyOneOfUrlsOrContainerOrDataset"),
    ({"contentUrls": None}, "InvalidRequest", "OnlyOneOfUrlsOrContainerOrDataset"),
    ({"contentUrls": []}, "InvalidRequest", "OnlyOneOfUrlsOrContainerOrDataset"),
    ({"contentUrls": [URL] * 1001}, "InvalidRequest", "ExceededNumberOfRecordingsUris"),
    ({"contentUrls": ["ftp://a.example/a.wav"]}, "InvalidRequest", "InvalidRecordingsUri"),
    ({"contentUrls": ["http://127.0.0.1/a.wav"]}, "InvalidRequest", "InvalidRecordingsUri"),
    ({"contentUrls": "https://a.example"}, "InvalidRequest", "InvalidPayload"),
    ({"properties": {"channels": []}}, "InvalidRequest", "InvalidChannels"),
    ({"properties": {"channels": [0, 0]}}, "InvalidRequest", "InvalidChannels"),
    ({"properties": {"channels": [-1]}}, "InvalidRequest", "InvalidChannels"),
    ({"properties": {"channels": [True]}}, "InvalidRequest", "InvalidChannels"),
    ({"properties": {"timeToLive": "P32D"}}, "InvalidRequest", "InvalidTimeToLive"),
    ({"properties": {"timeToLive": "two days"}}, "InvalidRequest", "InvalidTimeToLive"),
    ({"properties": {"punctuationMode": "Sometimes"}}, "InvalidRequest", "InvalidPayload"),
    (
        {"properties": {"diarizationEnabled": True, "diarization": {"speakers": {"maxCount": 36}}}},
        "InvalidRequest",
        "InvalidPayload",
    ),
    (
        {"properties": {"languageIdentification": {"candidateLocales": ["en-US"]}}},
        "InvalidRequest",
        "InvalidPayload",
    ),
    (
        {"properties": {"languageIdentification": {"candidateLocales": ["de-DE", "fr-FR"]}}},
        "InvalidRequest",
        "InvalidPayload",
    ),
    ({"properties": {"destinationContainerUrl": "file:///x"}}, "InvalidRequest", "InvalidRecordingsUri"),
    ({"locale": "xx-YY"}, "InvalidArgument", "InvalidLocale"),
    ({"displayName": " "}, "InvalidRequest", "InvalidPayload"),
]


def test_marks_are_dictated_in_languages_with_a_table_only(world, base_model):
    world.add(make_base_model(locale="ja-JP"))
    dictated = {"punctuationMode": "Dictated"}
    refused = create(world.client, locale="ja-JP", properties=dictated)
    error_of(refused, 400, "InvalidRequest", "InvalidPayload")
    assert "ja-JP" in refused.text
    assert create(world.client, locale="en-US", properties=dictated).status_code == 201
    assert create(world.client, locale="ja-JP").status_code == 201


@pytest.mark.parametrize(("members", "code", "detailed"), REFUSED, ids=lambda value: str(value)[:60])
def test_what_breaks_a_rule_is_refused_with_the_published_code(world, base_model, members, code, detailed):
    error_of(create(world.client, **members), 400, code, detailed)
    assert world.services.transcriptions.count() == 0
    assert list(world.blobs.list("transcriptions")) == []


@pytest.mark.parametrize(
    ("version", "properties"),
    [(V3_2, {"diarizationEnabled": True}), (DATED, {"diarization": {"enabled": True}})],
)
def test_speakers_are_refused_at_once_where_they_cannot_be_told_apart(world, base_model, version, properties):
    life = {"timeToLiveHours": 48} if version == DATED else {}
    assert create(world.client, version, properties=properties | life).status_code == 201
    world.services.transcriptions.embedder.is_installed = False
    refused = create(world.client, version, properties=properties | life)
    error_of(refused, 400, "InvalidRequest", "InvalidPayload")
    assert "DiarizationNotInstalled" in refused.text
    assert "pip install" in refused.text
    assert world.services.transcriptions.count() == 1
    assert create(world.client, version, properties=life).status_code == 201


@pytest.mark.parametrize("hours", [None, 5, 745, 6.5, "48"])
def test_the_dated_version_wants_hours(world, base_model, hours):
    answer = create(world.client, DATED, properties={"timeToLiveHours": hours})
    error_of(answer, 400, "InvalidRequest", "InvalidTimeToLive")


def test_models_and_datasets_that_do_not_fit_are_refused(world, base_model):
    german, old = world.add(make_base_model(locale="de-DE")), world.clock.now()
    expired = world.add(make_base_model(decoding_expires_at=old))
    untrained = world.add(make_model(base_model_id=base_model.id))
    texts = world.add(make_dataset(kind=DatasetKind.LANGUAGE, status=Status.SUCCEEDED))
    running = world.add(make_dataset(kind=DatasetKind.AUDIO_FILES, status=Status.RUNNING))

    def model(entity):
        return {"model": {"self": f"{V32}/models/{entity.id}"}}

    def dataset(entity):
        return {"contentUrls": None, "dataset": {"self": f"{V32}/datasets/{entity.id}"}}

    error_of(create(world.client, **model(german)), 400, "InvalidRequest", "ModelMismatch")
    error = error_of(create(world.client, **model(expired)), 400, "InvalidRequest", "ModelDeprecated")
    assert error["message"].startswith("The specified model is deprecated")
    error_of(create(world.client, **model(untrained)), 400, "InvalidRequest", "InvalidModel")
    error_of(create(world.client, **dataset(texts)), 400, "InvalidRequest", "InvalidDataset")
    error_of(create(world.client, **dataset(running)), 409, "Conflict", "InvalidPrerequisite")


def test_a_dataset_in_use_stays(world, base_model):
    dataset = world.add(make_dataset(kind=DatasetKind.AUDIO_FILES, status=Status.SUCCEEDED))
    made = create(world.client, contentUrls=None, dataset={"self": f"{V32}/datasets/{dataset.id}"}).json()
    assert made["tympan"]["dataset"]["self"].endswith(dataset.id)
    answer = world.client.delete(f"{V32}/datasets/{dataset.id}")
    assert "transcription 'Calls'" in error_of(answer, 409, "Conflict", "InUseViolation")["message"]


def test_a_model_in_use_stays(world, base_model):
    model = world.add(
        make_model(base_model_id=base_model.id, status=Status.SUCCEEDED, bundle=base_model.bundle)
    )
    create(world.client, model={"self": f"{V32}/models/{model.id}"})
    error_of(world.client.delete(f"{V32}/models/{model.id}"), 409, "Conflict", "InUseViolation")


def test_fixed_members_cannot_be_changed(world, base_model):
    other = world.add(make_base_model())
    made = create(world.client, model={"self": base_model.id}).json()
    assert world.client.patch(made["self"], json={"model": made["model"]}).status_code == 200
    for change in ({"locale": "de-DE"}, {"model": {"self": f"{V32}/models/base/{other.id}"}}):
        error_of(world.client.patch(made["self"], json=change), 400, "InvalidRequest", "UnsupportedDelta")


def test_secrets_are_not_shown_again(world, base_model):
    secret = {"destinationContainerUrl": "https://store.example.com/out?sv=1&sig=secret"}
    made = create(world.client, properties=secret)
    assert made.json()["properties"]["destinationContainerUrl"] == "https://store.example.com/out"
    assert "secret" not in made.text
    assert "secret" not in world.client.get(made.json()["self"]).text


def test_what_is_not_done_is_said(world, base_model):
    quiet = create(world.client, properties={"email": "me@example.com", "diarization": {"speakers": {}}})
    assert len(quiet.json()["tympan"]["warnings"]) == 2


def test_a_project_lists_and_counts_its_transcriptions(world, base_model, project):
    made = create(world.client, project={"self": project["self"]}).json()
    create(world.client)
    listed = world.client.get(project["links"]["transcriptions"]).json()["values"]
    assert [one["self"] for one in listed] == [made["self"]]
    assert world.client.get(project["self"]).json()["properties"]["transcriptionCount"] == 1
    world.client.delete(project["self"])
    assert "project" not in world.client.get(made["self"]).json()


@every_version
def test_locales_are_a_list_until_the_dated_version_tells_batch_from_fast(world, base_model, version):
    document = world.client.get(address(version, "locales")).json()
    assert document == ({"Submit": ["en-US"], "Transcribe": ["en-US"]} if version.is_dated else ["en-US"])


def test_each_version_has_its_own_way_to_create(world, base_model):
    error_of(world.client.post(address(DATED), json=body_of(DATED)), 404, "NotFound")
    answer = world.client.post(f"{V32}/transcriptions:submit", json=body_of())
    error_of(answer, 404, "NotFound")


def test_transcriptions_can_be_filtered(world, base_model):
    create(world.client, displayName="A")
    create(world.client, displayName="B")
    found = world.client.get(f"{V32}/transcriptions", params={"filter": "displayName eq 'B'"}).json()
    assert [one["displayName"] for one in found["values"]] == ["B"]
    assert world.client.get(f"{V32}/transcriptions?top=1").json()["@nextLink"]


@every_version
def test_the_transcriptions_of_an_evaluation_are_real(world, base_model, version):
    dataset = world.add(make_dataset(status=Status.SUCCEEDED, manifest_key="m"))
    other = world.add(make_base_model())

    def evaluate(*models):
        body = {"displayName": "Test", "locale": "en-US", "dataset": {"self": dataset.id}}
        body |= {f"model{n}": {"self": model.id} for n, model in enumerate(models, start=1)}
        return world.client.post(f"{version.path}/evaluations{version.query}", json=body).json()

    made = evaluate(base_model, other)
    assert made["transcription1"] != made["transcription2"]
    same = evaluate(base_model, base_model)
    assert same["transcription1"] == same["transcription2"]
    read = world.client.get(made["transcription2"]["self"]).json()
    assert read["status"] == "NotStarted"
    assert id_of({"self": read["tympan"]["evaluation"]["self"]}) == id_of(made)
    assert world.client.get(address(version)).json()["values"] == [], "lists show what owners made"
    answer = world.client.delete(made["transcription1"]["self"])
    error_of(answer, 409, "Conflict", "DeleteNotAllowed")
    evaluation = world.services.evaluations.get(id_of(made))
    with world.store.write() as tx:
        job = tx.jobs.get(evaluation.job_id)
        job = begin_attempt(tx, job, world.clock.now(), step="recognize")
    assert world.client.get(made["transcription1"]["self"]).json()["status"] == "Running"
    with world.store.write() as tx:
        end_job(tx, tx.jobs.get(job.id), world.clock.now(), JobState.SUCCEEDED)
    world.client.delete(made["self"])
    error_of(world.client.get(made["transcription1"]["self"]), 404, "NotFound")


def test_a_job_names_its_transcription(world, base_model):
    made = create(world.client).json()
    job = world.client.get(made["tympan"]["job"]["self"]).json()
    assert job["resource"]["self"] == made["self"]
    assert job["steps"] == ["transcribe", "publish"]


def test_a_cancelled_transcription_has_failed_and_can_be_deleted(world, base_model):
    made = create(world.client).json()
    assert world.client.post(f"{made['tympan']['job']['self']}:cancel").status_code < 300
    read = world.client.get(made["self"]).json()
    assert (read["status"], read["properties"]["error"]["code"]) == ("Failed", "Cancelled")
    assert world.client.delete(made["self"]).status_code == 204


def test_urls_are_kept_outside_the_row(world, base_model):
    made = create(world.client, contentUrls=[f"{URL}?n={n}" for n in range(1000)]).json()
    kept = world.services.transcriptions.get(id_of(made))
    assert b"".join(world.blobs.stream(kept.urls_key)).count(b"\n") == 1000
    assert len(json.dumps(str(kept))) < 3000


@every_version
def test_phrases_are_kept_beside_the_row_favoured_and_reported(world, base_model, pages, version, tmp_path):
    listed = {"phrases": ["hello world", "Szymborska", " "], "biasingWeight": 1.5}
    made = create(world.client, version, properties={"phraseList": listed})
    assert made.status_code == 201, made.text
    document = made.json()
    assert document["tympan"]["phraseList"] == {"count": 2, "biasingWeight": 1.5}
    transcription = world.services.transcriptions.get(id_of(document))
    kept = json.loads(b"".join(world.blobs.stream(transcription.phrases_key)))
    assert kept == ["hello world", "Szymborska"]
    work(world, document, tmp_path)
    files = world.client.get(address(version, id_of(document), "files")).json()["values"]
    read = {one["kind"]: world.client.get(one["links"]["contentUrl"]).json() for one in files}
    ours = read["Transcription"]["tympan"]
    assert ours["phraseList"] == {"count": 2, "biasingWeight": 1.5}
    assert ours["phraseListMatches"] == ["hello world"]
    assert read["TranscriptionReport"]["details"][0]["tympan"] == {"phraseListMatches": 1}
    world.client.delete(address(version, id_of(document)))
    world.services.transcriptions.expire()
    assert not world.blobs.exists(transcription.phrases_key)


def test_without_phrases_nothing_is_said_of_them(world, base_model, pages, tmp_path):
    document = create(world.client).json()
    assert "phraseList" not in document["tympan"]
    work(world, document, tmp_path)
    files = world.client.get(address(V3_2, id_of(document), "files")).json()["values"]
    read = {one["kind"]: world.client.get(one["links"]["contentUrl"]).json() for one in files}
    assert "phraseListMatches" not in read["Transcription"]["tympan"]
    assert "tympan" not in read["TranscriptionReport"]["details"][0]
