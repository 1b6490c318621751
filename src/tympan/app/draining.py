"""A web server that lets connections end in good order."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import uvicorn


class DrainingServer(uvicorn.Server):
    """Ends what runs before it ends the connections, which uvicorn would cut at once.

    Args:
        config: Of the server.
        drain: Lets what runs end; new connections are still taken meanwhile, to be refused.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then end as uvicorn does."""
        await self._drain()
        await super().shutdown(sockets)
