"""How many voices there are."""

import numpy as np
import pytest

from tympan.speech import speaker_clusters
from tympan.speech.speaker_clusters import speaker_centroids


def windows(*counts, spread=0.6, dimensions=64, seed=0):
    """Windows of voices at right angles, in turns of ten, with noise; and whose each is."""
    random = np.random.default_rng(seed)
    whose = np.concatenate([np.full(count, voice) for voice, count in enumerate(counts)])
    order = np.argsort(np.arange(whose.size) // 10 % 7, kind="stable")
    whose = whose[order]
    noise = random.standard_normal((whose.size, dimensions)) * spread / np.sqrt(dimensions)
    vectors = np.eye(dimensions)[whose] + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), whose


def speakers(vectors, **hints):
    return speaker_centroids(vectors, np.full(len(vectors), 0.75, np.float32), **hints)


@pytest.mark.parametrize("counts", [(40,), (40, 30), (40, 30, 20, 10), (2,), (1,)])
def test_as_many_speakers_are_found_as_there_are(counts):
    vectors, whose = windows(*counts)
    centroids = speakers(vectors)
    assert centroids.shape == (len(counts), vectors.shape[1])
    assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)
    nearest = (vectors @ centroids.T).argmax(axis=1)
    assert len({(a, b) for a, b in zip(nearest, whose, strict=True)}) == len(counts)


def test_hints_join_and_part_voices():
    vectors, _ = windows(40, 30, 20)
    assert len(speakers(vectors, most=2)) == 2
    assert len(speakers(vectors, most=1)) == 1
    assert len(speakers(vectors, least=2, most=5)) == 3
    assert len(speakers(vectors, least=4)) == 4
    assert len(speakers(vectors, least=4, most=4)) == 4


def test_more_speakers_than_there_is_speech_for_is_no_error():
    vectors, _ = windows(3, 3)
    assert 1 <= len(speakers(vectors, least=35)) <= 6


def test_a_cough_is_no_speaker():
    vectors, _whose = windows(60, 60, 1)
    assert len(speakers(vectors)) == 2


def test_no_windows_are_no_speakers():
    assert speakers(np.zeros((0, 64), np.float32)).shape == (0, 64)


def test_a_long_recording_is_clustered_in_blocks(monkeypatch):
    compared = []
    merges = speaker_clusters._merges
    monkeypatch.setattr(
        speaker_clusters, "_merges", lambda groups: compared.append(len(groups)) or merges(groups)
    )
    vectors, whose = windows(1500, 1200, 900, 600)
    centroids = speakers(vectors)
    assert len(centroids) == 4
    assert max(compared) <= 2500
    nearest = (vectors @ centroids.T).argmax(axis=1)
    assert len(set(zip(nearest, whose, strict=True))) == 4


def test_what_is_like_nothing_does_not_grow_the_work_without_end(monkeypatch):
    monkeypatch.setattr(speaker_clusters, "_BLOCK", 20)
    monkeypatch.setattr(speaker_clusters, "_MOST_COMPARED", 30)
    random = np.random.default_rng(1).standard_normal((200, 512)).astype(np.float32)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    assert 1 <= len(speakers(random)) <= 30
