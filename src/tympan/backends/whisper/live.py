"""The LiveRecognizer port in this process, on top of ``WhisperRecognizer``."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack

from tympan.backends.whisper.live_pool import LivePool
from tympan.backends.whisper.live_stream import HeldModel, WhisperStream
from tympan.backends.whisper.recognizer import WhisperRecognizer
from tympan.domain.model import Bundle
from tympan.ports.live_recognition import LiveEvent, LiveOptions, LiveStream


class WhisperLive:
    """Follows many streams with few threads.

    One thread listens for voice in all of them, which is cheap; the threads of a pool decode.

    Args:
        recognizer: Holds the models.
        threads: Decodings at once.
        most: Most streams; None: as many as the measured cost allows.
    """

    def __init__(self, recognizer: WhisperRecognizer, *, threads: int, most: int | None = None) -> None:
        self._recognizer = recognizer
        self._pool = LivePool(threads, most=most)
        self._calls: queue.SimpleQueue[WhisperStream | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._listener: threading.Thread | None = None

    def open(self, bundle: Bundle, options: LiveOptions, on_event: Callable[[LiveEvent], None]) -> LiveStream:
        """Begin to listen; see ``ports.live_recognition``."""
        self._pool.admit()
        with self._lock:
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="live-listening", daemon=True)
                self._listener.start()
        holding = ExitStack()
        try:
            loaded = holding.enter_context(self._recognizer.hold(bundle))
            model = HeldModel(
                recognizer=self._recognizer,
                bundle=bundle,
                partials=loaded.partials(),
                rules=loaded.rules,
                language=loaded.network.language_of(options.locale),
                let_go=holding.close,
            )
        except BaseException:
            holding.close()
            self._pool.leave()
            raise
        return WhisperStream(
            model=model, pool=self._pool, options=options, on_event=on_event, call=self._calls.put
        )

    @property
    def active(self) -> int:
        """Streams that are open."""
        return self._pool.active

    def close(self) -> None:
        """End the threads; open streams say nothing more."""
        self._pool.close()
        self._calls.put(None)

    def _listen(self) -> None:
        while (stream := self._calls.get()) is not None:
            stream.listen()
