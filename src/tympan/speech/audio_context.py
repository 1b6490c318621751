"""How much audio Whisper is shown, and how much it may write.

Whisper pads everything to 30 s. A model trained here is shown the recording plus one
second instead, which makes the encoder about ten times cheaper. Trainer and serving
engine must cut in the same way, so the rule lives here.
"""

import math

FULL_CONTEXT_S = 30.0
"""What Whisper was built for; also the longest a recording may be in one piece."""

_MARGIN_S = 1.0
_GRID_S = 0.5


def reduced_context_s(duration_s: float) -> float:
    """The context for a recording: its length plus one second, up to the next half second.

    >>> reduced_context_s(3.2), reduced_context_s(29.4)
    (4.5, 30.0)
    """
    return min(FULL_CONTEXT_S, math.ceil((duration_s + _MARGIN_S) / _GRID_S) * _GRID_S)


def unadapted_context_s(duration_s: float) -> float:
    """The context for a model that was not trained with less than 30 s.

    Much less makes such a model repeat itself; half of the window is safe and costs a
    third. The recogniser decodes again with all of it when a text repeats itself anyway.

    >>> unadapted_context_s(3.2), unadapted_context_s(13.0)
    (15.0, 30.0)
    """
    if duration_s + _UNADAPTED_MARGIN_S <= _UNADAPTED_CONTEXT_S:
        return _UNADAPTED_CONTEXT_S
    return FULL_CONTEXT_S


_UNADAPTED_CONTEXT_S = 15.0
_UNADAPTED_MARGIN_S = 3.0


def token_cap(duration_s: float, language: str = "en") -> int:
    """The most tokens a recording may be given; people rarely speak faster.

    Without a cap a decoder that has fallen into a loop costs both words and time.

    Args:
        duration_s: Length of the recording in seconds.
        language: Whisper's code. Scripts that its vocabulary covers badly need up to nine
            times the tokens of English.

    >>> token_cap(2.5), token_cap(2.5, "kn")
    (30, 90)
    """
    return 10 + int(_TOKENS_A_SECOND.get(language, _COMMON_TOKENS_A_SECOND) * duration_s)


def longest_segment_s(language: str) -> float:
    """The longest stretch whose words fit into what Whisper may write at once.

    Half of its 448 positions are for the text. Ordinary speech needs two thirds of
    ``token_cap``; in Kannada that is 10 s, in most languages more than the audio window.

    >>> longest_segment_s("en"), longest_segment_s("kn")
    (28.0, 10.0)
    """
    ordinary = _TOKENS_A_SECOND.get(language, _COMMON_TOKENS_A_SECOND) / 1.5
    return min(_LONGEST_SEGMENT_S, float(int(MOST_TOKENS / ordinary)))


MOST_TOKENS = 224
"""Text that fits beside a prompt. Source: Whisper's ``n_text_ctx // 2``."""

# Shorter than the window by a margin for what the voice activity detector cuts off.
_LONGEST_SEGMENT_S = 28.0

_COMMON_TOKENS_A_SECOND = 8
# Counted on the same three sentences with the tokenizer of the multilingual models: English
# needs 18 tokens, Greek 28, Hindi 57, Bengali 91, Telugu 107, Malayalam 129, Burmese 177.
_TOKENS_A_SECOND = (
    dict.fromkeys(
        ("ar", "cy", "el", "fa", "he", "is", "kk", "ps", "sd", "tg", "th", "tt", "ur", "vi", "yi"), 12
    )
    | dict.fromkeys(("hi", "mn", "mr", "ne", "sa", "ta"), 20)
    | dict.fromkeys(
        ("am", "as", "bn", "bo", "gu", "hy", "ka", "km", "kn", "lo", "ml", "my", "pa", "si", "te"), 32
    )
)
