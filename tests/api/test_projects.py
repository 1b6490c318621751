import pytest
from tests.api.conftest import V32, error_of

from tympan.testing.entities import make_dataset, make_project

PROJECTS = f"{V32}/projects"


def test_a_new_project_is_answered_with_its_location_links_and_counts(client):
    answer = client.post(
        PROJECTS,
        json={
            "displayName": "My Project",
            "locale": "en-us",
            "description": "For phones",
            "customProperties": {"PortalAPIVersion": "3"},
            "unknownMember": 1,
            "self": "http://read-only.is/ignored",
        },
    )
    project = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == project["self"]
    assert project["self"].startswith("http://speech.test/speechtotext/v3.2/projects/")
    assert project["links"]["datasets"] == project["self"] + "/datasets"
    assert project["properties"]["datasetCount"] == 0
    assert project["locale"] == "en-US"
    assert project["createdDateTime"] == "2026-01-05T09:00:00Z"
    assert "status" not in project
    assert client.get(project["self"]).json() == project


def test_an_update_changes_what_it_names_and_merges_custom_properties(client):
    made = client.post(
        PROJECTS, json={"displayName": "A", "locale": "en-US", "customProperties": {"a": "1", "b": "2"}}
    ).json()
    answer = client.patch(
        made["self"],
        json={"displayName": "B", "customProperties": {"a": None, "c": "3"}},
        headers={"Content-Type": "application/merge-patch+json; charset=utf-8"},
    )
    assert answer.json()["displayName"] == "B"
    assert answer.json()["customProperties"] == {"b": "2", "c": "3"}


def test_a_fixed_member_cannot_be_changed_but_may_be_repeated(client, project):
    assert client.patch(project["self"], json={"locale": "en-US", "displayName": "B"}).status_code == 200
    answer = client.patch(project["self"], json={"locale": "de-DE"})
    error_of(answer, 400, "InvalidRequest", "UnsupportedDelta")


def test_deleting_a_project_keeps_its_members_and_takes_their_reference(world, client, project):
    project_id = project["self"].rsplit("/", 1)[-1]
    dataset = world.add(make_dataset(project_id=project_id))
    answer = client.delete(project["self"])
    assert answer.status_code == 204
    assert client.delete(project["self"]).status_code == 204
    assert "project" not in client.get(f"{V32}/datasets/{dataset.id}").json()
    error_of(client.get(project["self"]), 404, "NotFound")


def test_sublists_show_only_members_of_the_project(world, client, project):
    project_id = project["self"].rsplit("/", 1)[-1]
    inside = world.add(make_dataset(project_id=project_id, display_name="inside"))
    world.add(make_dataset(display_name="outside"))
    listed = client.get(project["links"]["datasets"]).json()["values"]
    assert [one["self"].rsplit("/", 1)[-1] for one in listed] == [inside.id]
    assert client.get(project["self"]).json()["properties"]["datasetCount"] == 1
    for kind in ("models", "evaluations", "endpoints", "transcriptions"):
        assert client.get(project["links"][kind]).json() == {"values": []}


def test_pages_follow_each_other_from_the_base_address_of_the_caller(world, client):
    for number in range(5):
        world.clock.advance(1)
        client.post(PROJECTS, json={"displayName": f"P{number}", "locale": "en-US"})
    names, url = [], f"http://speech.test{PROJECTS}?top=2&filter=locale eq 'en-US'"
    while url:
        page = client.get(url).json()
        names += [one["displayName"] for one in page["values"]]
        url = page.get("@nextLink")
        assert url is None or url.startswith(f"http://speech.test{PROJECTS}?")
    assert names == ["P0", "P1", "P2", "P3", "P4"]


def test_addresses_follow_the_proxy_in_front(client, project):
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "speech.example.com"}
    seen = client.get(project["self"], headers=proxied).json()
    assert seen["self"] == project["self"].replace("http://speech.test", "https://speech.example.com")


def test_a_bad_page_is_refused(client):
    for query in ("top=0", "top=-1", "skip=-1", "top=many"):
        error_of(client.get(f"{PROJECTS}?{query}"), 400, "InvalidArgument", "UnsupportedPagination")
    assert client.get(f"{PROJECTS}?top=1000").status_code == 200


def test_filters_combine_and_compare_what_clients_see(world, client):
    old = world.add(make_project(display_name="Robin's"))
    found = client.get(
        PROJECTS,
        params={
            "filter": "(DisplayName EQ 'Robin''s' or displayName eq 'x') and not description eq 'y' "
            "and createdDateTime eq 2026-01-05T09:00:00Z"
        },
    )
    assert [one["self"].rsplit("/", 1)[-1] for one in found.json()["values"]] == [old.id]


def test_a_filter_that_cannot_be_used_says_why(client):
    for text in (
        "status eq 'Failed'",
        "displayName gt 'a'",
        "displayName eq 'a",
        "x",
        "(locale eq 'a'",
        "locale eq a",
    ):
        answer = client.get(PROJECTS, params={"filter": text})
        error_of(answer, 400, "InvalidArgument", "UnsupportedFilter")


def test_an_option_nobody_knows_is_refused(client):
    error_of(client.get(f"{PROJECTS}?orderBy=name"), 400, "InvalidArgument", "InvalidParameter")


def test_members_that_break_a_rule_are_named(client):
    for body, target in (
        ({"locale": "en-US"}, "displayName"),
        ({"displayName": "a"}, "locale"),
        ({"displayName": 3, "locale": "en-US"}, "displayName"),
        ({"displayName": "a", "locale": "en-US", "customProperties": {"k": 1}}, "customProperties.k"),
        (
            {"displayName": "a", "locale": "en-US", "customProperties": {str(i): "" for i in range(11)}},
            "customProperties",
        ),
    ):
        answer = client.post(PROJECTS, json=body)
        assert error_of(answer, 400, "InvalidRequest", "InvalidPayload")["target"] == target
    answer = client.post(PROJECTS, json={"displayName": "a", "locale": "English"})
    error_of(answer, 400, "InvalidArgument", "InvalidLocale")


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800"])
def test_text_that_no_database_can_keep_is_refused(client, text):
    body = f'{{"displayName": "{text}", "locale": "en-US"}}'.encode()
    answer = client.post(PROJECTS, content=body, headers={"Content-Type": "application/json"})
    error_of(answer, 400, "InvalidRequest", "InvalidPayload")
    assert client.delete(f"{PROJECTS}/%00").status_code == 204


def test_bodies_must_be_json(client):
    json_type = {"Content-Type": "application/json"}
    error_of(client.post(PROJECTS, content=b"", headers=json_type), 400, "InvalidRequest", "EmptyRequest")
    for body in (b"{", b"[]", b'{"a":1,}'):
        answer = client.post(PROJECTS, content=body, headers=json_type)
        error_of(answer, 400, "InvalidRequest", "InvalidRequestBodyFormat")
    answer = client.post(PROJECTS, content=b"{}", headers={"Content-Type": "text/plain"})
    error_of(answer, 415, "UnsupportedMediaType")


def test_paths_are_read_in_any_case_and_with_a_trailing_slash(client, project):
    odd = project["self"].replace("speechtotext/v3.2/projects", "SpeechToText/V3.2/Projects").upper()
    odd = odd.replace("HTTP://SPEECH.TEST", "http://speech.test") + "/"
    assert client.get(odd).json() == project


def test_an_id_of_wrong_form_is_not_found(client):
    error_of(client.get(f"{PROJECTS}/nonsense"), 404, "NotFound")
    error_of(client.get(f"{V32}/nonsense"), 404, "NotFound")
