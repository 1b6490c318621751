"""Our counts are sclite's. Needs sclite; without it this fails and says how to install it."""

import jiwer

from tympan.speech.metrics import count_words
from tympan.speech.text import normalizer_for
from tympan.testing.sclite import random_texts, sclite_counts

PAIRS = 2000


def normalised_pairs():
    normalize = normalizer_for("en-US").words
    return [(normalize(left), normalize(right)) for left, right in random_texts(PAIRS, seed=20_260_101)]


def test_counts_of_every_pair_are_equal_to_sclites():
    pairs = normalised_pairs()
    ours = [count_words(*pair) for pair in pairs]
    differing = [number for number, counts in enumerate(sclite_counts(pairs)) if counts != ours[number]]
    assert differing == []


def test_errors_are_jiwers_wherever_its_least_count_is_also_the_cheapest():
    more = 0
    for left, right in normalised_pairs():
        ours, least = count_words(left, right), jiwer.process_words(" ".join(left), " ".join(right))
        errors = least.substitutions + least.deletions + least.insertions
        cost = 4 * ours.substitutions + 3 * (ours.deletions + ours.insertions)
        least_cost = 4 * least.substitutions + 3 * (least.deletions + least.insertions)
        assert ours.errors >= errors
        assert cost <= least_cost
        more += ours.errors != errors
    assert more < PAIRS * 0.05
