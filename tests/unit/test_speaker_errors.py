"""The error rate that the benchmark of speakers reports, by cases a person can check."""

import pytest
from benchmarks.speaker_errors import Reference, errors_of

TRUE = (Reference("anna", 0, 10), Reference("bert", 10, 20))


def test_names_do_not_matter_but_who_is_who_does():
    right = (Reference("2", 0, 10), Reference("1", 10, 20))
    assert errors_of(TRUE, right, 20).rate == 0
    half = (Reference("1", 0, 15), Reference("2", 15, 20))
    assert errors_of(TRUE, half, 20).rate == pytest.approx(5 / 20)
    assert errors_of(TRUE, half, 20).confused_rate == pytest.approx(5 / 20)


def test_missed_and_false_speech_count():
    assert errors_of(TRUE, (), 20).rate == pytest.approx(1)
    early = (Reference("1", 0, 8), Reference("2", 10, 20), Reference("2", 20, 24))
    found = errors_of(TRUE, early, 30)
    assert (found.missed, found.false, found.confused, found.speech) == (200, 400, 0, 2000)


def test_overlapped_speech_counts_for_each_speaker():
    both = (Reference("anna", 0, 10), Reference("bert", 5, 10))
    found = errors_of(both, (Reference("1", 0, 10),), 10)
    assert (found.missed, found.speech) == (500, 1500)


def test_a_collar_forgives_what_is_near_an_edge():
    late = (Reference("1", 0, 10.2), Reference("2", 10.2, 20))
    assert errors_of(TRUE, late, 20).rate == pytest.approx(0.2 / 20)
    assert errors_of(TRUE, late, 20, collar_s=0.25).rate == 0


def test_more_found_than_true_speakers_leave_some_unmatched():
    many = tuple(Reference(str(index), 4 * index, 4 * index + 4) for index in range(5))
    assert errors_of(TRUE, many, 20).confused_rate == pytest.approx(12 / 20)
