"""How bundles of this engine are marked; free of imports, so that anybody may ask."""

ENGINE = "whisper-ct2"
"""``Bundle.engine`` of what ``WhisperRecognizer`` takes."""
