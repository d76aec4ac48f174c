"""Processes that work for this one."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Ctrl-C is for the process that keeps what is done; writing to a worker that was killed is an error, no reason to end.
_BLOCKED = (signal.SIGINT, signal.SIGPIPE) if hasattr(signal, "pthread_sigmask") else ()  # Windows has none


class Pool(ProcessPoolExecutor):
    """A pool of processes that end with this one.  They start when they are needed, and never get Ctrl-C."""

    def __init__(self, workers: int, **keys: Any) -> None:
        super().__init__(workers, initializer=end_with_parent, **keys)

    def submit(self, function: Callable[P, T], /, *arguments: P.args, **keys: P.kwargs) -> Future[T]:
        """As the executor's own; the threads and processes that it starts have the signals blocked."""
        if not _BLOCKED:
            return super().submit(function, *arguments, **keys)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
        try:
            return super().submit(function, *arguments, **keys)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """What a worker calls first: it ends when the process that started it has ended.

    It would else wait for its next task for ever, and hold the pipes open that it inherited.
    """
    import os
    from multiprocessing import parent_process
    from threading import Thread

    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()
