"""Transcripts side by side: nothing that was said or heard is lost or moved."""

from hypothesis import given
from hypothesis import strategies as st

from tympan.portal.grids import grid
from tympan.speech.metrics import align

WORDS = st.lists(st.sampled_from("abc"), max_size=6)


def columns(said, heard):
    """The alignment as score files have it."""
    for pair in align(said, heard).pairs:
        column = {"op": str(pair.operation)}
        if pair.reference is not None:
            column["ref"] = said[pair.reference]
        if pair.hypothesis is not None:
            column["hyp"] = heard[pair.hypothesis]
        yield column


@given(WORDS, WORDS, WORDS)
def test_reading_along_a_row_gives_back_what_was_said_and_what_each_model_heard(said, first, second):
    places = grid([list(columns(said, heard)) for heard in (first, second)])
    assert [place.said for place in places if place.said] == said
    for at, heard in enumerate((first, second)):
        assert [place.cells[at].word for place in places if place.cells[at].word] == heard
        assert [place.said for place in places if place.cells[at].op in ("C", "S", "D")] == said


def test_insertions_of_two_models_at_one_place_share_columns():
    first = [{"op": "I", "hyp": "um"}, {"op": "I", "hyp": "well"}, {"op": "C", "ref": "a", "hyp": "a"}]
    second = [{"op": "I", "hyp": "uh"}, {"op": "D", "ref": "a"}]
    places = grid([first, second])
    assert [[cell.word for cell in place.cells] for place in places] == [
        ["um", "uh"],
        ["well", ""],
        ["a", ""],
    ]
    assert [place.is_right for place in places] == [False, False, False]


def test_a_recording_without_score_files_has_no_places():
    assert grid([[], []]) == []
