"""Text to Whisper's token ids and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.training.weights import read_decoder_limits

_MULTILINGUAL_VOCABULARY = 51865

# Written without spaces, so Whisper's own transcripts do not begin with one.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue", "bo"})


class TextTokens:
    """The tokenizer of one bundle, set to one language.

    Attributes:
        prefix: Ids that every transcript begins with: start, language and task where the
            model is multilingual, and "no timestamps".
        end: Id that ends a transcript.
        suppressed: Ids that must never be written: symbols, specials, timestamps.
        suppressed_first: Ids that must not be written first.
    """

    def __init__(self, folder: Path, language: str, vocabulary_size: int) -> None:
        self._tokenizer = _tokenizer(folder)
        self._language = language
        self._is_multilingual = vocabulary_size >= _MULTILINGUAL_VOCABULARY
        self.end = self._id("<|endoftext|>")
        self.prefix = self.prefix_of(language)
        limits = read_decoder_limits(folder)
        symbols = {int(i) for i in limits.get("suppress_ids", ()) if 0 <= int(i) < vocabulary_size}
        specials = range(self.end + 1, vocabulary_size)
        self.suppressed = tuple(sorted((symbols | set(specials)) - {self.end}))
        self.suppressed_first = tuple(
            int(i) for i in limits.get("suppress_ids_begin", ()) if 0 <= int(i) < vocabulary_size
        )

    def encode(self, text: str, language: str = "") -> list[int]:
        """Ids of a transcript, without prefix and end; none for an empty one.

        Args:
            text: In display form.
            language: Whisper code; empty for the tokenizer's own.
        """
        if not text.strip():
            return []
        lead = "" if (language or self._language) in _UNSPACED else " "
        ids: list[int] = self._tokenizer.encode(lead + text.strip(), add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; specials are left out."""
        text: str = self._tokenizer.decode([i for i in ids if i < self.end])
        return text.strip()

    def prefix_of(self, language: str) -> tuple[int, ...]:
        """What transcripts of a language begin with; empty for the tokenizer's own language.

        Raises:
            InvalidInputError: The base model does not know the language.
        """
        language = language or self._language
        start, plain = self._id("<|startoftranscript|>"), self._id("<|notimestamps|>")
        if not self._is_multilingual:
            if language != "en":
                raise InvalidInputError(
                    f"The base model knows English only, not '{language}'. Choose a multilingual base model.",
                    code="InvalidLocale",
                    target="locale",
                )
            return (start, plain)
        return (start, self._id(f"<|{language}|>", is_language=True), self._id("<|transcribe|>"), plain)

    def _id(self, token: str, *, is_language: bool = False) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is not None:
            return int(found)
        if is_language:
            raise InvalidInputError(
                f"The base model does not know the language {token}. Choose another base model.",
                code="InvalidLocale",
                target="locale",
            )
        raise ModelDamagedError(f"tokenizer.json lacks {token}. Import the model again.")


def _tokenizer(folder: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises plain Exception
        raise ModelDamagedError(
            f"tokenizer.json of the model cannot be read: {error}. Import the model again.",
            target="tokenizer.json",
        ) from error
