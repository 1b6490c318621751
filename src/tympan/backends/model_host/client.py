"""The Recognizer port over a model host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from tympan.backends.model_host.frames import BUNDLE, RESULTS, STATE, error_from, pack
from tympan.domain.errors import EngineError, UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.recognizer import HostState, Recognition, RecognitionOptions

_CONNECT_S = 2.0
_ANSWER_S = 600.0


class ModelHostClient:
    """Recognises by asking a model host. Thread-safe.

    A host that cannot be reached, is full or goes away in the middle is an UnavailableError;
    the supervisor starts it again, so a later try goes through.

    Args:
        url: Of the host, such as ``http://127.0.0.1:9000``.
        secret: What host and callers share.
    """

    def __init__(self, url: str, secret: str) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
            trust_env=False,  # a proxy of the environment must not see recordings
        )

    def warm(self, bundle: Bundle) -> None:
        """Load the model and recognise a second of silence."""
        self._ask("POST", "/warm", json=BUNDLE.dump_python(bundle, mode="json"))

    def recognize(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], options: RecognitionOptions
    ) -> Sequence[Recognition]:
        """Recognise recordings, one result each, in their order."""
        answer = self._ask("POST", "/recognize", content=b"".join(pack(bundle, recordings, options)))
        return RESULTS.validate_json(answer.content)

    def unload(self, digest: str) -> None:
        """Free the model's memory once its running calls have ended."""
        self._ask("POST", "/unload", json={"digest": digest})

    def state(self) -> HostState:
        """What is loaded now."""
        return STATE.validate_json(self._ask("GET", "/state", timeout=_CONNECT_S).content)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(
        self,
        method: str,
        path: str,
        **request: Any,  # noqa: ANN401  httpx has many types of body
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as reason:
            raise UnavailableError(
                "The model host cannot be reached; it may be starting. Try again in a few seconds.",
                retry_after_s=2,
            ) from reason
        if answer.is_success:
            return answer
        try:
            document = answer.json()
        except ValueError:
            document = None
        if isinstance(document, dict) and "error" in document:
            raise error_from(document)
        raise EngineError(f"The model host answered {answer.status_code}. Its log says why.")
