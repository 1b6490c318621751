"""Walking through long lists by the links that the server gives."""

import pytest
from tests.api.conftest import V32, error_of

from tympan.testing.entities import make_dataset


def walk(client, address):
    while address:
        page = client.get(address).json()
        yield [dataset["self"].rsplit("/", 1)[-1] for dataset in page["values"]]
        address = page.get("@nextLink")


def test_what_is_deleted_while_a_client_pages_makes_it_miss_nothing(world):
    ids = sorted(world.add(make_dataset()).id for _ in range(7))
    seen = []
    for page in walk(world.client, f"{V32}/datasets?top=3"):
        seen += page
        for dataset_id in page:
            world.client.delete(f"{V32}/datasets/{dataset_id}")
    assert sorted(seen) == ids


def test_skip_and_top_alone_still_page(world):
    ids = sorted(world.add(make_dataset()).id for _ in range(5))
    (page,) = walk(world.client, f"{V32}/datasets?skip=3&top=2")
    assert page == ids[3:]


def test_a_link_keeps_the_filter(world):
    for number in range(6):
        world.add(make_dataset(display_name="even" if number % 2 == 0 else "odd"))
    pages = list(walk(world.client, f"{V32}/datasets?top=2&filter=displayName eq 'even'"))
    assert [len(page) for page in pages] == [2, 1]


@pytest.mark.parametrize("after", ["x", "", "MjAyNi0wMS0wNVQwOTowMDowMCsw", "MjAyNi0wMS0wNSBh"])
def test_a_place_nobody_gave_is_refused(client, after):
    error_of(client.get(f"{V32}/datasets?after={after}"), 400, "InvalidArgument", "UnsupportedPagination")
