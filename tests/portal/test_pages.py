import io
import json
import zipfile

import pytest

from tympan.domain.dataset import DatasetCounts, StoredFile
from tympan.domain.evaluation import Comparison, ErrorCounts, Interval, ModelScore
from tympan.domain.job import JobEvent
from tympan.domain.resource import Failure
from tympan.testing.entities import (
    make_base_model,
    make_dataset,
    make_endpoint,
    make_evaluation,
    make_job,
    make_key,
    make_log,
    make_model,
)

TABS = ("data", "testing", "training", "deployment")


def stored(site, name, document, kind):
    blob = site.blobs.put_content([json.dumps(document).encode()])
    return StoredFile(id=name, name=name, kind=kind, key=blob.key, size_bytes=blob.size_bytes)


def test_every_page_leads_to_the_sign_in_without_a_session(site, project):
    paths = ["/projects", "/base-models", "/limits", *(f"/projects/{project.id}/{tab}" for tab in TABS)]
    for path in paths:
        answer = site.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_the_cookie_is_hidden_from_scripts_and_other_sites_and_holds_no_key(site):
    answer = site.sign_in()
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("tympan_session"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "0123456789abcdef" not in cookie


def test_a_wrong_key_signs_nobody_in(site):
    answer = site.sign_in("wrong")
    assert answer.status_code == 401
    assert "tympan_session" not in answer.cookies
    assert site.client.get("/projects").status_code == 303


def test_an_endpoint_key_signs_nobody_in(site):
    site.add("keys", make_key("e" * 64, endpoint_id="00000000-0000-0000-0000-000000000000"))
    assert site.sign_in("e" * 64).status_code == 403


def test_a_form_of_another_site_is_refused(site):
    assert site.sign_in(token="forged").status_code == 403
    site.client.headers["Sec-Fetch-Site"] = "cross-site"
    assert site.sign_in().status_code == 403


def test_a_session_ends_with_time_with_its_key_and_at_the_door(signed_in):
    site = signed_in
    assert site.client.get("/projects").status_code == 200
    token = site.page("/projects").all("input", name="token")[0]["value"]
    assert site.client.post("/sign-out", data={"token": token}).headers["location"] == "/sign-in"
    assert site.client.get("/projects").status_code == 303
    site.sign_in()
    site.clock.advance(12 * 3600)
    assert site.client.get("/projects").status_code == 303
    site.sign_in()
    with site.store.write() as tx:
        for key in tx.keys.list():
            tx.keys.delete(key.id)
    assert site.client.get("/projects").status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "a.99999999999.00", "a.1.ä"])
def test_a_forged_session_opens_nothing(site, cookie):
    answer = site.client.get("/projects", headers={"Cookie": f"tympan_session={cookie}".encode("latin-1")})
    assert answer.status_code == 303


def test_pages_load_nothing_from_elsewhere_and_hold_no_script_of_their_own(signed_in, project):
    for path in ("/sign-in", "/projects", f"/projects/{project.id}/data"):
        answer = signed_in.client.get(path)
        page = signed_in.page(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert all(script["src"].startswith("/static/") for script in page.all("script"))
        assert not any("style" in attrs for _, attrs in page.tags)
        assert page.all("a", href="#main")
        assert len(page.all("h1")) == 1
    [sheet] = page.all("link", rel="stylesheet")
    style = signed_in.client.get(sheet["href"])
    assert "immutable" in style.headers["cache-control"]
    assert "http" not in style.text


def test_projects_are_listed_with_their_counts_and_names_are_escaped(signed_in, project):
    signed_in.add("datasets", make_dataset(project_id=project.id))
    page = signed_in.page("/projects")
    assert f"/projects/{project.id}/data" in page.links
    assert "<b>Phone</b>" in page.text
    assert all(header.get("scope") for header in page.all("th"))


def test_long_tables_have_pages_newest_first(signed_in, project):
    for number in range(60):
        made_at = signed_in.clock.advance(1)
        signed_in.add(
            "datasets",
            make_dataset(project_id=project.id, display_name=f"set{number:02}", created_at=made_at),
        )
    first = signed_in.page(f"/projects/{project.id}/data")
    assert "set59" in first.text
    assert "set09" not in first.text
    assert "?page=2" in first.links
    second = signed_in.page(f"/projects/{project.id}/data?page=2")
    assert "set09" in second.text
    assert "set10" not in second.text


def test_an_empty_table_says_what_to_do(signed_in, project):
    for tab in TABS:
        assert "tympan " in signed_in.page(f"/projects/{project.id}/{tab}").text


def test_a_dataset_shows_what_its_import_found(signed_in, project):
    issue = {
        "severity": "error",
        "code": "TabMissing",
        "file": "trans.txt",
        "line": 3,
        "message": "No <tab>.",
    }
    row = {"file": "trans.txt", "line": 3, "status": "rejected", "codes": ["TabMissing"]}
    document = {"issues": [issue], "rows": [row]}
    report = stored(signed_in, "report.json", document, "DatasetReport")
    made = make_dataset(project_id=project.id).imported(
        signed_in.clock.now(), manifest_key="m", counts=DatasetCounts(accepted=5, rejected=1), files=(report,)
    )
    signed_in.add("datasets", made)
    page = signed_in.page(f"/projects/{project.id}/data/{made.id}")
    for words in ("TabMissing", "No <tab>.", "trans.txt", "Succeeded", "report.json"):
        assert words in page.text
    [file] = [link for link in page.links if "/files/" in link]
    download = signed_in.client.get(file)
    assert download.json() == document
    assert download.headers["content-disposition"].startswith("attachment")
    failed = make_dataset(project_id=project.id).failed(
        signed_in.clock.now(), Failure(code="InvalidDataset", message="Nothing usable.")
    )
    signed_in.add("datasets", failed)
    assert "Nothing usable." in signed_in.page(f"/projects/{project.id}/data/{failed.id}").text


def test_an_evaluation_shows_verdict_figures_and_the_worst_recordings(signed_in, project):
    base, custom = (
        signed_in.add("base_models", make_base_model(display_name=name)) for name in ("Base", "Custom")
    )

    def score(model, errors):
        counts = ErrorCounts(hits=100 - errors, substitutions=errors)
        return ModelScore(
            model_id=model.id,
            words=counts,
            characters=counts,
            tokens=counts,
            token_edits={},
            sentence_count=1,
            sentence_error_count=1,
            word_error_rate_interval=Interval(low=0.1, high=0.2),
            audio_s=1,
            cpu_s=1,
        )

    better = Comparison(
        model_id=custom.id,
        baseline_id=base.id,
        difference=Interval(low=-0.2, high=-0.1),
        relative_change=-0.5,
        probability_better=1.0,
        verdict="better",
    )
    counts = {"words": 3, "correct": 2, "substitutions": 1, "deletions": 1, "insertions": 1}
    rows = [{"audio": "a.wav", "reference": "call <robin> now", "models": [{"counts": counts}] * 2}]
    alignment = [
        {"op": "C", "ref": "call", "hyp": "call"},
        {"op": "S", "ref": "robin", "hyp": "<i>robbing"},
        {"op": "D", "ref": "now"},
        {"op": "I", "hyp": "please"},
    ]
    files = [stored(signed_in, "summary.json", {"recordings": rows}, "EvaluationDetails")]
    for number in (1, 2):
        detail = {"wordErrorRate": 0.5, "alignment": alignment}
        files.append(stored(signed_in, f"a.wav.model{number}_score.json", detail, "EvaluationDetails"))
    made = make_evaluation(project_id=project.id, model_ids=(base.id, custom.id)).scored(
        signed_in.clock.now(),
        normalizer="tympan-en/1",
        scores=(score(base, 20), score(custom, 10)),
        comparisons=(better,),
        warnings=("Two recordings were also trained on.",),
        files=tuple(files),
    )
    signed_in.add("evaluations", made)
    page = signed_in.page(f"/projects/{project.id}/testing/{made.id}")
    assert "Custom is better than Base" in page.text
    assert "Two recordings were also trained on." in page.text
    assert "robin Base: <i>robbing S (substituted)" in page.text
    assert "now Base: now D (deleted)" in page.text
    assert "Custom: please I (inserted)" in page.text
    assert "-50.0 %" in page.text
    assert "Better Base Custom 20.0 % 10.0 %" in signed_in.page(f"/projects/{project.id}/testing").text


def test_a_model_shows_its_dates_curves_and_report(signed_in, project):
    job = signed_in.add("jobs", make_job())
    with signed_in.store.write() as tx:
        for step in range(3):
            for kind, payload in (("loss", {"loss": 2.7 - step}), ("dev_wer", {"wer": 0.21 - step / 50})):
                payload["step"] = step
                tx.jobs.add_event(
                    JobEvent(job_id=job.id, sequence=0, kind=kind, payload=payload, at=job.created_at)
                )
    base = signed_in.add("base_models", make_base_model(display_name="Base"))
    report = stored(signed_in, "report.json", {"engine": "torch"}, "ModelReport")
    made = make_model(project_id=project.id, base_model_id=base.id, job_id=job.id, files=(report,))
    signed_in.add("models", made)
    page = signed_in.page(f"/projects/{project.id}/training/{made.id}")
    assert "Base" in page.text
    assert "no end date" in page.text
    assert "torch" in page.text
    assert len(page.all("polyline")) == 2
    assert "3 step 0 2" in page.text, "the axis of the loss ends on a round figure"
    assert "0.0 % 15.0 % 30.0 % step 0 2" in page.text, "error rates in per cent, from zero"


def test_an_endpoint_shows_its_addresses_and_a_sample_that_works(signed_in, project):
    base = signed_in.add("base_models", make_base_model())
    made = make_endpoint(project_id=project.id, model_id=base.id, is_suspended=True)
    signed_in.add("endpoints", made)
    page = signed_in.page(f"/projects/{project.id}/deployment/{made.id}")
    address = f"http://speech.test/speech/recognition/conversation/cognitiveservices/v1?cid={made.id}"
    assert f'"{address}&language=en-US&format=detailed"' in page.text
    assert "suspended" in page.text


def test_what_is_not_there_is_a_page_too(signed_in, project):
    other = signed_in.add("datasets", make_dataset())
    for path in ("/nothing", "/projects/x/data", f"/projects/{project.id}/data/{other.id}"):
        assert "Not found" in signed_in.page(path, status=404).text


def test_the_limits_are_shown_with_what_changes_them(signed_in):
    page = signed_in.page("/limits")
    assert "/limits" in page.links
    assert "Endpoints on this server 50 endpoints TYMPAN_ENDPOINTS_LIMIT" in page.text
    assert "Custom properties 10 entries fixed" in page.text


def test_an_endpoint_says_whether_it_logs_and_gives_its_logs(signed_in, project):
    site = signed_in
    quiet = site.add("endpoints", make_endpoint(project_id=project.id))
    page = site.page(f"/projects/{project.id}/deployment/{quiet.id}")
    assert "Nothing is kept" in page.text
    assert not [link for link in page.links if link.endswith("logs.zip")]
    endpoint = site.add("endpoints", make_endpoint(project_id=project.id, is_logging=True))
    log = site.add("logs", make_log(place=endpoint.id))
    site.blobs.put(log.key, [b"RIFF"])
    page = site.page(f"/projects/{project.id}/deployment/{endpoint.id}")
    assert "every request are kept" in page.text
    (link,) = [link for link in page.links if link.endswith("logs.zip")]
    answer = site.client.get(link)
    assert answer.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read(f"2026-01-05/{log.name}") == b"RIFF"


def test_the_model_page_of_a_copy_is_shown_without_its_base_model(signed_in, project):
    origin = {"resourceId": "/there", "model": "m", "baseModelName": "20260101 tiny"}
    model = signed_in.add("models", make_model(project_id=project.id, origin=origin))
    page = signed_in.page(f"/projects/{project.id}/training/{model.id}")
    assert "Copied from another server" in page.text
    assert "20260101 tiny" in page.text
