"""Where speech begins and ends while it is still being spoken, and what of a partial is certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tympan.speech.segmentation import Span

_BEGINS = 0.5
_GOES_ON = 0.35
"""As in ``segmentation.speech_stretches``."""


@dataclass(slots=True)
class Endpointer:
    """Follows the probability of speech frame by frame, 32 ms each.

    It finds the same stretches as ``segmentation.speech_stretches``, and cuts those that become
    too long at their quietest frame, not in the first half.

    Attributes:
        min_silence_frames: Quiet frames in a row that end a stretch.
        longest_frames: A stretch is cut when it becomes longer.
        min_speech_frames: With fewer voiced frames it is a click, and was no stretch.
        start: First frame of the stretch that goes on; None between stretches.
        quiet: Quiet frames at the end of what was heard so far.
    """

    min_silence_frames: int = 16
    longest_frames: int = 375
    min_speech_frames: int = 3
    start: int | None = None
    quiet: int = 0
    _frames: int = 0
    _voiced: int = 0
    _probabilities: list[float] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """Frames heard so far."""
        return self._frames

    @property
    def is_speech(self) -> bool:
        """Whether a stretch goes on that is long enough to be more than a click."""
        return self.start is not None and self._voiced >= self.min_speech_frames

    @property
    def voice(self) -> float:
        """Mean probability of the voiced frames of the stretch that goes on; 0 for none."""
        voiced = [probability for probability in self._probabilities if probability >= _BEGINS]
        return sum(voiced) / len(voiced) if voiced else 0.0

    def hear(self, probabilities: Iterable[float]) -> list[tuple[Span, float]]:
        """Go on with some frames.

        Returns:
            The stretches that ended, as frames, each with the mean probability of its voiced
            frames.

        >>> Endpointer(min_silence_frames=2).hear([0, 0.9, 0.9, 0.2, 0.9, 0, 0, 0.1])
        [((1, 5), 0.9)]
        """
        ended = []
        for probability in probabilities:
            one = self._hear_one(float(probability))
            if one is not None:
                ended.append(one)
        return ended

    def finish(self) -> tuple[Span, float] | None:
        """End the stretch that goes on, if it is one; nothing more will be heard."""
        return self._close(self._frames - self.quiet)

    def _hear_one(self, probability: float) -> tuple[Span, float] | None:
        frame, self._frames = self._frames, self._frames + 1
        if self.start is None:
            self.quiet += 1
            if probability >= _BEGINS:
                self.start, self.quiet, self._voiced, self._probabilities = frame, 0, 1, [probability]
            return None
        self._probabilities.append(probability)
        self._voiced += probability >= _BEGINS
        self.quiet = self.quiet + 1 if probability < _GOES_ON else 0
        if self.quiet >= self.min_silence_frames:
            return self._close(self._frames - self.quiet)
        if len(self._probabilities) - self.quiet > self.longest_frames:
            return self._cut(self.start)
        return None

    def _close(self, end: int) -> tuple[Span, float] | None:
        start, voice, is_speech = self.start, self.voice, self.is_speech
        self.start, self._voiced, self._probabilities = None, 0, []
        return ((start, end), voice) if start is not None and is_speech else None

    def _cut(self, start: int) -> tuple[Span, float]:
        """End the stretch at its quietest frame; the rest goes on as the next."""
        searched = range(self.longest_frames // 2, self.longest_frames + 1)
        place = min(searched, key=self._probabilities.__getitem__)
        first, rest = self._probabilities[:place], self._probabilities[place:]
        voiced = [probability for probability in first if probability >= _BEGINS]
        self.start, self._probabilities = start + place, rest
        self._voiced = sum(probability >= _BEGINS for probability in rest)
        return (start, self.start), sum(voiced) / len(voiced) if voiced else 0.0


@dataclass(slots=True)
class Agreement:
    """What of growing partials can be trusted: the tokens that two in a row agree on.

    What was once agreed on stays for the rest of the stretch, so that a reader never sees it
    change, and the decoder need not write it again.

    Attributes:
        agreed: Tokens that will not change any more; they end where a word ends.

    Source: Liu, Spanakis, Niehues, "Low-Latency Sequence-to-Sequence Speech Recognition and
    Translation by Partial Hypothesis Selection" (2020): local agreement of two.
    """

    agreed: tuple[int, ...] = ()
    _latest: tuple[int, ...] = ()

    def add(self, tokens: Sequence[int], begins_word: Callable[[int], bool]) -> None:
        """Take the next partial.

        Args:
            tokens: All of it; begins with ``agreed``.
            begins_word: Whether a word begins with a token.

        >>> agreement = Agreement()
        >>> for tokens in ([1, 2, 3], [1, 2, 4, 5], [1, 2, 4, 5, 6]):
        ...     agreement.add(tokens, lambda token: token != 4)
        ...     print(agreement.agreed)
        ()
        (1,)
        (1, 2, 4, 5)
        """
        common = len(self.agreed)
        for one, other in zip(tokens[common:], self._latest[common:], strict=False):
            if one != other:
                break
            common += 1
        while common > len(self.agreed) and common < len(tokens) and not begins_word(tokens[common]):
            common -= 1
        # A word at the very end may still go on.
        if common == len(tokens):
            common = max(len(self.agreed), self._last_word(tokens, begins_word))
        self.agreed, self._latest = tuple(tokens[:common]), tuple(tokens)

    @staticmethod
    def _last_word(tokens: Sequence[int], begins_word: Callable[[int], bool]) -> int:
        return max((place for place, token in enumerate(tokens) if begins_word(token)), default=0)
