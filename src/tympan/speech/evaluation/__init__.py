"""Measures of an evaluation beyond word errors: pure functions over texts, alignments and counts.

Each is described with formula, source and example in ``docs/evaluation.md``.
"""
