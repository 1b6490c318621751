"""An inverse normaliser that knows a handful of numbers in each language."""

from __future__ import annotations

import re

from tympan.speech.itn_languages import language_of

_KNOWN = {
    "da": {"femogtyve": "25", "fem procent": "5 procent"},
    "de": {"fünfundzwanzig": "25", "fünf prozent": "5 Prozent"},
    "en": {"twenty five": "25", "twenty-five": "25", "five percent": "5%"},
    "es": {"veinticinco": "25", "cinco por ciento": "5 %"},
    "fr": {"vingt-cinq": "25", "cinq pour cent": "5 %"},
    "it": {"venticinque": "25", "cinque per cento": "5%"},
    "nl": {"vijfentwintig": "25", "vijf procent": "5 procent"},
    "pt": {"vinte e cinco": "25", "cinco por cento": "5%"},
}


class FakeInverseNormalizer:
    """Writes what its table holds, and nothing else."""

    def normalize(self, text: str, locale: str) -> str:
        """Write what stands for a number as it is written."""
        for spoken, written in _KNOWN.get(language_of(locale), {}).items():
            text = re.sub(rf"(?<!\w){spoken}(?!\w)", written, text, flags=re.IGNORECASE)
        return text
