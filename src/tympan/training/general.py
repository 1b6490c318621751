"""General sentences in display form, to be spoken: some as replay in training, others at the gate."""

from importlib import resources


def general_sentences(language: str) -> tuple[str, ...]:
    """Sentences for replay, so that training forgets less; empty where there are none.

    Args:
        language: Whisper code, such as ``en``.
    """
    return _sentences("general_sentences", language)


def gate_sentences(language: str) -> tuple[str, ...]:
    """Sentences that no training sees, to find out what one has forgotten; empty where there are none.

    Args:
        language: Whisper code, such as ``en``.
    """
    return _sentences("gate_sentences", language)


def _sentences(folder: str, language: str) -> tuple[str, ...]:
    file = resources.files("tympan.training") / folder / f"{language}.txt"
    if not file.is_file():
        return ()
    return tuple(line for line in file.read_text(encoding="utf-8").splitlines() if line)
