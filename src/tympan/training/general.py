"""General sentences in display form, spoken as replay so that training forgets less."""

from importlib import resources


def general_sentences(language: str) -> tuple[str, ...]:
    """The sentences of a language; empty where there are none.

    Args:
        language: Whisper code, such as ``en``.
    """
    file = resources.files("tympan.training") / "general_sentences" / f"{language}.txt"
    if not file.is_file():
        return ()
    return tuple(line for line in file.read_text(encoding="utf-8").splitlines() if line)
