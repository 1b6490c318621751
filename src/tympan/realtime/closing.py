"""How a connection ends, so that the SDKs show the reason and do not try again in vain.

Source: real-time protocol, section 6.1: after 1007 and 4429 nobody tries again; after 1011 the
audio is sent once more.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from tympan.domain.errors import EngineError, ModelDamagedError, ServiceError, UnavailableError
from tympan.wire.usp.messages import close_reason

IDLE = 1000
BAD_REQUEST = 1007
FAILED = 1011
RESTARTING = 1012
TOO_MANY = 4429

_CROWDED = ("TooManyRequests", "QuotaViolation")


def close_code(error: ServiceError) -> int:
    """The code that tells an SDK whether to try again."""
    if isinstance(error, UnavailableError):
        return TOO_MANY if error.code in _CROWDED else FAILED
    return FAILED if isinstance(error, (EngineError, ModelDamagedError)) else BAD_REQUEST


async def send_if_there(socket: WebSocket, text: str, patience_s: float) -> None:
    """Send a text frame; a client that is gone is noticed where its messages are read.

    Raises:
        UnavailableError: The client took nothing for so long.
    """
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    try:
        await asyncio.wait_for(socket.send_text(text), patience_s)
    except WebSocketDisconnect:
        return
    except TimeoutError as reason:
        raise UnavailableError(f"The client took no message for {patience_s:g} s.") from reason


async def close_for(socket: WebSocket, error: ServiceError) -> None:
    """Close a connection and say why, unless it is closed already."""
    if socket.application_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect):
            await socket.close(close_code(error), close_reason(error))
