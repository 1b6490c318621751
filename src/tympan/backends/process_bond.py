"""Ties the life of a child process to its parent's.

A parent that is killed outright cannot take its children along; the kernel (on Linux) and
the children themselves can.
"""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_LOOK_INTERVAL_S = 0.5


def die_with_parent(parent_pid: int) -> None:
    """Make this process end when its parent does; call it first thing.

    On Linux the kernel kills it at the same moment. Everywhere, a thread looks every half
    second whether the parent is still the same and else kills the whole process group,
    which also reaches grandchildren.

    The kernel's signal comes when the *thread* that started this process ends, so a parent
    must start such children from a thread that lives as long as itself.

    Args:
        parent_pid: The process that started this one, as it calls itself; if it is gone
            already, this process ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)
    threading.Thread(target=_watch, args=(parent_pid,), name="parent-watch", daemon=True).start()


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_LOOK_INTERVAL_S)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
