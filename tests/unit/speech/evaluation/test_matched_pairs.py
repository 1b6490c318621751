"""Two recognisers on the same recordings, against a judge where there is one."""

import math
import random
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.evaluation.matched_pairs import holm, indistinct_groups, matched_pairs, segment_errors
from tympan.speech.metrics import align
from tympan.testing.sclite import sclite_command

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)

# Reference, first, second: worked out by hand, see the test below.
EXAMPLE = [
    (
        "the cat sat on the mat today",
        "the hat sat on the mat to day",
        "the cat sat on mat today",
        [(1, 0), (2, 1)],
    ),
    (
        "one two three four five six seven eight",
        "one two three for five six seven ate",
        "one two three four five six seven eight",
        [(1, 0), (1, 0)],
    ),
    ("hello there my friend", "hello there my friend", "hello there my friend please", [(0, 1)]),
]


def segments_of(reference, first, second):
    return list(segment_errors(align(reference, first), align(reference, second)))


@pytest.mark.parametrize(("reference", "first", "second", "expected"), EXAMPLE)
def test_two_words_that_both_have_right_end_a_segment(reference, first, second, expected):
    assert segments_of(reference.split(), first.split(), second.split()) == expected


def test_the_statistic_is_that_of_the_paper():
    result = matched_pairs(segment for *_, segments in EXAMPLE for segment in segments)
    # Differences -1 -1 -1 -1 +1: mean -0.6, variance 0.8, W = -0.6 / sqrt(0.8 / 5) = -1.5.
    assert result.segments == 5
    assert result.statistic == pytest.approx(-1.5)
    assert result.p_value == pytest.approx(0.1336, abs=1e-4)
    assert not result.is_reliable


@given(WORDS, WORDS, WORDS)
def test_every_error_is_in_one_segment_and_sides_can_be_exchanged(reference, first, second):
    segments = segments_of(reference, first, second)
    for side, hypothesis in enumerate((first, second)):
        assert sum(one[side] for one in segments) == align(reference, hypothesis).counts.errors
    assert segments_of(reference, second, first) == [(b, a) for a, b in segments]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30))
def test_p_values_are_probabilities_and_the_same_for_both_sides(segments):
    result, turned = matched_pairs(segments), matched_pairs([(b, a) for a, b in segments])
    assert 0 <= result.p_value <= 1
    assert result.p_value == pytest.approx(turned.p_value)
    assert result.mean_difference == pytest.approx(-turned.mean_difference)


def test_equal_differences_are_judged_by_their_signs():
    assert matched_pairs([(1, 0)] * 10).p_value == pytest.approx(2 / 1024)
    assert matched_pairs([(1, 1)] * 10).p_value == 1
    assert matched_pairs([]).p_value == matched_pairs([(3, 0)]).p_value == 1


def test_holm_never_lowers_a_value_and_keeps_the_order():
    # Worked by hand: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1, then no later one below an earlier.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_groups_are_runs_of_a_ranking():
    assert indistinct_groups(3, set()) == [(0, 1, 2)]
    assert indistinct_groups(3, {(0, 1), (0, 2), (1, 2)}) == []
    assert indistinct_groups(3, {(0, 2)}) == [(0, 1), (1, 2)]


def test_sc_stats_gives_the_same_p_value(tmp_path):
    chance = random.Random(3)
    texts = [[chance.choice("abcdefgh") for _ in range(15)] for _ in range(60)]
    systems = [
        [[word if chance.random() > rate else chance.choice("xyz") for word in text] for text in texts]
        for rate in (0.1, 0.12)
    ]
    for name, lines in (("ref", texts), ("h1", systems[0]), ("h2", systems[1])):
        rows = (f"{' '.join(words)} (u_{number})\n" for number, words in enumerate(lines))
        (tmp_path / f"{name}.trn").write_text("".join(rows))
    sgml = b""
    for name in ("h1", "h2"):
        inputs = ["-r", "ref.trn", "trn", "-h", f"{name}.trn", "trn", "-i", "rm"]
        run([*sclite_command(), *inputs, "-o", "sgml", "-n", name], tmp_path)
        sgml += (tmp_path / f"{name}.sgml").read_bytes()
    run([*sclite_command("sc_stats"), "-p", "-t", "mapsswe", "-u", "-n", "out"], tmp_path, sgml)
    [judged] = re.findall(r"h1\.trn\s.*?(\d\.\d+)", (tmp_path / "out.stats.unified").read_text())
    result = matched_pairs(
        segment
        for reference, first, second in zip(texts, *systems, strict=True)
        for segment in segments_of(reference, first, second)
    )
    assert 0.01 < result.p_value < 0.5
    # sc_stats looks the normal distribution up in a table with two decimals of W.
    assert math.isclose(result.p_value, float(judged), abs_tol=0.004)


def run(command, folder, data=None):
    done = subprocess.run(command, cwd=folder, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
