"""Child processes that are started again when they die, and end together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tympan.domain.errors import UnavailableError

_LOOK_S = 0.1
_ANSWER_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a supervisor waits for its children.

    Attributes:
        first_wait_s: Before a child that died is started again; doubles with each death.
        longest_wait_s: The most it grows to.
        healthy_after_s: A child that lived so long starts with the first wait again.
        start_deaths: Deaths of one child before the server was ever ready that end the start.
        drain_s: Between asking the children to end and killing them.
    """

    first_wait_s: float = 0.2
    longest_wait_s: float = 10.0
    healthy_after_s: float = 10.0
    start_deaths: int = 3
    drain_s: float = 30.0


class Child:
    """One child process, started again and again.

    Args:
        name: What it is.
        program: What to run; this process's pid is added, and the descriptor if any.
        environment: The child's whole environment.
        patience: When to start it again.
        descriptor: A file descriptor that it inherits.
    """

    def __init__(
        self,
        name: str,
        program: Sequence[str],
        environment: Mapping[str, str],
        patience: Patience,
        descriptor: int | None = None,
    ) -> None:
        self.name = name
        self.deaths = 0
        self._program = program
        self._environment = environment
        self._patience = patience
        self._descriptors = () if descriptor is None else (descriptor,)
        self._process: subprocess.Popen[bytes] | None = None
        self._wait_s = patience.first_wait_s
        self._start_at = 0.0
        self._started_at = 0.0

    def start(self) -> None:
        """Start it now. Call it from the main thread: the child dies with the thread."""
        words = [*self._program, str(os.getpid()), *map(str, self._descriptors)]
        self._process = subprocess.Popen(  # noqa: S603  our own programs
            words,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self._descriptors,
        )
        self._started_at = time.monotonic()

    def tend(self) -> None:
        """Start it again if it has died and its wait is over."""
        if self._process is None:
            if time.monotonic() >= self._start_at:
                self.start()
            return
        status = self._process.poll()
        if status is None:
            return
        self.deaths += 1
        self._process = None
        if time.monotonic() - self._started_at >= self._patience.healthy_after_s:
            self._wait_s = self._patience.first_wait_s
        log.warning(
            "process ended, starting it again",
            extra={"child": self.name, "status": status, "wait_s": self._wait_s},
        )
        self._start_at = time.monotonic() + self._wait_s
        self._wait_s = min(self._patience.longest_wait_s, 2 * self._wait_s)

    def ended(self) -> int | None:
        """Its exit status, or None while it runs."""
        return 0 if self._process is None else self._process.poll()

    def signal(self, number: int) -> None:
        """Send it a signal, with all that it started when the signal is a kill."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)


class Supervisor:
    """Starts children, keeps them running, and ends them in order.

    Args:
        preparation: Runs to its end before the children start.
        children: Kept running.
        needed: Kept running too; the others need them, so they are ended last. They do
            without the preparation, so they start before it.
        patience: How long to wait for what.
    """

    def __init__(
        self, preparation: Child, children: Sequence[Child], needed: Sequence[Child], patience: Patience
    ) -> None:
        self._preparation = preparation
        self._children = children
        self._needed = needed
        self._patience = patience
        self._ending = threading.Event()
        self._hurrying = threading.Event()
        self._ready = threading.Event()

    def run(self, url: str, on_ready: Callable[[], None]) -> None:
        """Run until SIGTERM or SIGINT; a second one ends at once.

        Args:
            url: Where ``/health/ready`` will answer.
            on_ready: Called once it does.

        Raises:
            UnavailableError: The preparation failed, or a child cannot start.
        """
        watch = threading.Thread(target=self._watch, args=(url, on_ready), daemon=True)
        with self._signals():
            try:
                for child in self._needed:
                    child.start()
                self._prepare()
                watch.start()
                while not self._ending.is_set():
                    self._tend()
                    self._ending.wait(_LOOK_S)
            finally:
                self._ending.set()
                self._end(self._children)
                self._end(self._needed)
                if watch.is_alive():
                    watch.join(_ANSWER_S)

    def _prepare(self) -> None:
        self._preparation.start()
        while (status := self._preparation.ended()) is None:
            if self._ending.wait(_LOOK_S / 4):
                self._end([self._preparation])
                return
        if status:
            raise UnavailableError("The server could not be prepared; see the message above.")

    def _tend(self) -> None:
        for child in (*self._needed, *self._children):
            child.tend()
            if child.deaths >= self._patience.start_deaths and not self._ready.is_set():
                raise UnavailableError(
                    f"The {child.name} ended {child.deaths} times while the server started; "
                    "see its messages above."
                )

    def _watch(self, url: str, on_ready: Callable[[], None]) -> None:
        # A proxy of the environment must not be asked for an address on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while not self._ending.is_set():
            try:
                with opener.open(f"{url}/health/ready", timeout=_ANSWER_S):
                    self._ready.set()
                    on_ready()
                    return
            except (urllib.error.URLError, OSError):
                self._ending.wait(_LOOK_S / 2)

    def _end(self, children: Sequence[Child]) -> None:
        for child in children:
            child.signal(signal.SIGTERM)
        until = time.monotonic() + self._patience.drain_s
        while any(child.ended() is None for child in children):
            if time.monotonic() > until or self._hurrying.is_set():
                for child in children:
                    child.signal(signal.SIGKILL)
            time.sleep(_LOOK_S / 4)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: object) -> None:
            if self._ending.is_set():
                self._hurrying.set()
            self._ending.set()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
