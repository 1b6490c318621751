"""The training recipe: every constant that was measured or chosen, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train. The owner's settings stand in ``ports.trainer.TrainingSettings``.

    Attributes:
        learning_rate: Peak, of AdamW without weight decay.
        warmup_share: Share of all steps in which the rate rises from 0 to the peak.
        last_rate_share: Share of the peak that the linear decay ends at.
        alpha_per_rank: LoRA alpha divided by LoRA rank.
        dropout: On the input of the LoRA layers.
        gradient_norm: Gradients are clipped to it.
        evaluations_per_epoch: How often dev is decoded and a checkpoint is written.
        min_steps_between_evaluations: For small data.
        joined_share: Joined examples per short example. Training on short examples
            alone teaches the model to stop early.
        joined_min_s, joined_max_s: Lengths of joined examples in seconds.
        gap_s: Silence between the parts of a joined example in seconds.
        is_context_reduced: Whether the model is served with little more context than the recording.
            That halves the cost of recognising, and makes the model forget: with the context that
            base models are served with, there is only the new speech to learn. The shares of
            contexts below count only then.
        tight_context_share: Examples shown with half a second less than the reduced context.
        longer_context_share: Examples shown with more context than needed.
        longest_extra_s: Most seconds that such examples are shown beyond the reduced context.
        full_context_share: Examples shown with all 30 s.
        replay_divergence_weight: Weight of the divergence from the base model's word
            probabilities on replay examples. Elsewhere it would hold new words down.
        replay_label_weight: Weight of the sentences themselves on replay examples. Few voices speak
            them: what is learnt from their labels is those voices.
        is_divergence_everywhere: Whether it is taken on all examples: right where all texts are
            the base model's own.
    """

    learning_rate: float = 5e-4
    warmup_share: float = 0.1
    last_rate_share: float = 0.05
    alpha_per_rank: float = 2.0
    dropout: float = 0.05
    gradient_norm: float = 1.0
    evaluations_per_epoch: int = 2
    min_steps_between_evaluations: int = 5
    joined_share: float = 0.2
    joined_min_s: float = 5.0
    joined_max_s: float = 20.0
    gap_s: float = 0.25
    is_context_reduced: bool = False
    tight_context_share: float = 0.0
    longer_context_share: float = 0.1
    longest_extra_s: float = 10.0
    full_context_share: float = 0.02
    replay_divergence_weight: float = 1.0
    replay_label_weight: float = 1.0
    is_divergence_everywhere: bool = False


DEFAULT_RECIPE = Recipe()
