"""Which examples are shown to the model, in which context and order."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tympan.ports.trainer import TrainingExample
from tympan.speech.audio_context import reduced_context_s, unadapted_context_s
from tympan.training.examples import batches, make_examples
from tympan.training.recipe import Recipe


def recordings(durations, origin="audio"):
    return [
        TrainingExample(audio=f"{i}.flac", text=f"text {i}.", origin=origin, duration_s=d)
        for i, d in enumerate(durations)
    ]


durations = st.lists(st.floats(0.3, 30), min_size=1, max_size=60)


@given(durations, st.integers(1, 8))
def test_every_recording_is_shown_once_alone_in_a_context_it_fits_in(lengths, batch_size):
    recipe = Recipe(is_context_reduced=True)
    made = make_examples(recordings(lengths), {}, recipe, seed=1, batch_size=batch_size)
    singles = [e for e in made if len(e.clip.files) == 1]
    assert Counter(e.clip.files[0] for e in singles) == Counter(f"{i}.flac" for i in range(len(lengths)))
    for example in made:
        assert reduced_context_s(example.duration_s) <= example.clip.context_s <= 30


@given(durations)
def test_joined_examples_hold_different_recordings_and_their_texts_in_order(lengths):
    recipe = Recipe()
    for example in make_examples(recordings(lengths), {}, recipe, seed=1, batch_size=8):
        if len(example.clip.files) > 1:
            assert len(set(example.clip.files)) == len(example.clip.files)
            assert example.text == " ".join(f"text {file[:-5]}." for file in example.clip.files)
            assert example.duration_s <= recipe.joined_max_s


@given(durations)
def test_only_recordings_of_one_language_are_joined_and_none_with_itself(lengths):
    shown_twice = [
        replace(r, language="de" if i % 2 else "en") for i, r in enumerate(recordings(lengths))
    ] * 2
    for example in make_examples(shown_twice, {}, Recipe(joined_share=1.0), seed=1, batch_size=8):
        assert len(set(example.clip.files)) == len(example.clip.files)
        languages = {"de" if int(file[:-5]) % 2 else "en" for file in example.clip.files}
        assert languages == {example.language}


@given(durations)
def test_contexts_are_as_tight_and_as_long_as_the_recipe_allows(lengths):
    tight = Recipe(
        is_context_reduced=True,
        joined_share=0,
        tight_context_share=1.0,
        longer_context_share=0,
        full_context_share=0,
    )
    for example in make_examples(recordings(lengths), {}, tight, seed=1, batch_size=1):
        assert example.clip.context_s == reduced_context_s(example.duration_s) - 0.5
    longer = replace(tight, tight_context_share=0, longer_context_share=1.0, longest_extra_s=2.0)
    for example in make_examples(recordings(lengths), {}, longer, seed=1, batch_size=1):
        least = reduced_context_s(example.duration_s)
        assert least <= example.clip.context_s <= min(30, least + 2.0)


@given(durations)
def test_a_model_is_trained_in_the_context_that_base_models_are_served_with(lengths):
    for example in make_examples(recordings(lengths), {}, Recipe(), seed=1, batch_size=8):
        assert example.clip.context_s == unadapted_context_s(example.duration_s)


@given(durations, st.integers(1, 8), st.integers(1, 3))
def test_an_epoch_shows_every_example_once_in_batches_of_one_context(lengths, batch_size, epoch):
    recipe = Recipe(is_context_reduced=True)
    examples = make_examples(recordings(lengths), {}, recipe, seed=0, batch_size=batch_size)
    made = list(batches(examples, batch_size, seed=0, epoch=epoch))
    assert Counter(e.clip for batch in made for e in batch) == Counter(e.clip for e in examples)
    assert all(len(batch) <= batch_size and len({e.clip.context_s for e in batch}) == 1 for batch in made)
    assert len(made) == len(list(batches(examples, batch_size, seed=0, epoch=epoch + 1)))


def test_the_same_seed_gives_the_same_order_and_another_epoch_another():
    examples = make_examples(recordings([2.0] * 40), {}, Recipe(), seed=5, batch_size=4)
    first, again, later = (list(batches(examples, 4, seed=5, epoch=epoch)) for epoch in (1, 1, 2))
    assert first == again
    assert first != later


def test_labels_replace_transcripts():
    [example] = make_examples(recordings([30.0]), {"0.flac": "Other."}, Recipe(), seed=0, batch_size=1)
    assert example.text == "Other."


def test_most_batches_are_full_although_lengths_differ():
    lengths = [1 + (i * 37 % 100) / 25 for i in range(200)]
    recipe = Recipe(is_context_reduced=True)
    examples = make_examples(recordings(lengths), {}, recipe, seed=0, batch_size=8)
    sizes = [len(batch) for batch in batches(examples, 8, seed=0, epoch=1)]
    assert sum(size == 8 for size in sizes) >= 0.8 * len(sizes)
