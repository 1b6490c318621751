"""German: number words in one form."""

from __future__ import annotations

import re

from tympan.speech.text.rewriting import Step, replacing

_UNITS = "ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun"
_TENS = "zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig"
_APART = re.compile(rf"(?<!\S)({_UNITS}) und ({_TENS})(?!\S)")
_ONE = re.compile(r"(?<!\S)ein(?=hundert|tausend)")

GERMAN_WORD_STEPS = (
    Step(name="drei und zwanzig", edits=replacing(_APART, lambda match: f"{match[1]}und{match[2]}")),
    Step(name="einhundert", edits=replacing(_ONE, "")),
)
"""``drei und zwanzig`` is ``dreiundzwanzig``, ``einhundert`` is ``hundert``. Need lower case."""
