"""Recognition with Whisper on CTranslate2."""
