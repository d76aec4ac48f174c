"""Processes that work for this one."""

from __future__ import annotations


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
