"""Label style, dev split and text to be spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.manifest import PronunciationEntry
from tympan.speech.dev_split import SMALLEST_SET, dev_indexes
from tympan.speech.label_style import is_plain, restyle
from tympan.speech.term_text import carry, pick_sentences, split_sentences


@pytest.mark.parametrize(
    ("transcript", "heard", "expected"),
    [
        ("it made me feel good", "It made me feel good.", "It made me feel good."),
        ("the man john saw left", "The man John saw, left. The man", "The man John saw, left."),
        ("are you there", "Are you there?", "Are you there?"),
        ("are you there", "Are you near?", "Are you there."),
        ("i think i'm late", "", "I think I'm late."),
        ("we went home", "We went. Home. We went. Home.", "We went home."),
        ("hello", "Goodbye!", "Hello."),
    ],
)
def test_words_stay_and_take_the_case_and_marks_that_were_heard(transcript, heard, expected):
    assert restyle(transcript, heard, "en") == expected


def test_plain_is_decided_for_all_texts_together_and_only_where_there_are_capitals():
    assert is_plain(["so it is"] * 19 + ["It is."])
    assert not is_plain(["so it is", "It is."])
    assert not is_plain(["你好"])
    assert not is_plain([])


@given(st.lists(st.sampled_from(["abcdefghij", "klmno"]), min_size=1).map(" ".join), st.text(max_size=40))
def test_restyling_never_changes_a_word(transcript, heard):
    styled = restyle(transcript, heard, "de")
    assert [w.strip(".,?!").casefold() for w in styled.split()] == transcript.split()


@given(st.lists(st.integers(0, 30).map(str), max_size=300), st.integers(0, 5))
def test_no_group_is_on_both_sides_and_dev_is_no_more_than_a_third(groups, seed):
    dev = dev_indexes(groups, seed)
    assert not {groups[i] for i in dev} & {g for i, g in enumerate(groups) if i not in dev}
    assert len(dev) <= max(8, len(groups) / 3)
    assert dev == dev_indexes(groups, seed)


def test_too_few_recordings_or_a_single_speaker_hold_nothing_out():
    assert dev_indexes([str(i) for i in range(SMALLEST_SET - 1)], 0) == frozenset()
    assert dev_indexes(["one"] * 500, 0) == frozenset()
    assert 8 <= len(dev_indexes([str(i) for i in range(SMALLEST_SET)], 0)) <= 10


def test_entries_are_spoken_as_they_sound_and_written_as_they_show():
    sentences = carry(PronunciationEntry(display="IEEE", spoken="i triple e", line=1), "en")
    assert len(sentences) >= 5
    assert all("I triple E" in s.spoken and "IEEE" in s.written for s in sentences)
    assert carry(PronunciationEntry(display="X", spoken="ix", line=1), "zu")[0].written == "X."


def test_sentences_with_new_words_are_picked_first():
    fresh = [f"word{i} again" for i in range(50)]
    assert set(pick_sentences([*fresh, "again", "again again"], 50, seed=0)) >= set(fresh[:48])
    assert len(pick_sentences(fresh, 20, seed=0)) == 20
    assert pick_sentences(["b", "a", "b"], 9, seed=0) == ("b", "a")


def test_a_long_transcript_is_cut_into_sentences():
    assert split_sentences("It rains. Does it? ... Yes") == ("It rains.", "Does it?", "Yes")
    assert split_sentences("下雨了。真的吗？") == ("下雨了。", "真的吗？")
