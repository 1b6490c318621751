"""Text normalisation for scoring: named, versioned, traceable word by word."""

from tympan.speech.text.catalogue import normalizer_for
from tympan.speech.text.normalizer import Normalizer, StepTrace, WordTrace

__all__ = ["Normalizer", "StepTrace", "WordTrace", "normalizer_for"]
