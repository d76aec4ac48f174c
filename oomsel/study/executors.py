"""Where a sweep's trials run: here, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from oomsel.errors import UsageError
from oomsel.workers import end_with_parent

#: So often Dask tries a trial whose worker died before it gives up.
_RETRIES = 10
_ADDRESS = re.compile(r"(?:tcp|tls)://[^\s/]+:[0-9]{1,5}")


@contextmanager
def executor_for(jobs: int, dask: str | None) -> Iterator[tuple[Executor | None, int]]:
    """An executor and how many trials it may hold at a time; None runs them here, one after another.

    `dask` is a scheduler's address.  Raises UsageError where the cluster cannot be used.
    """
    if dask is not None:
        with _dask_executor(dask) as found:
            yield found
    elif jobs == 1:
        yield None, 1
    else:
        pool = _Pool(jobs, mp_context=get_context("spawn"), initializer=end_with_parent)
        try:
            yield pool, 4 * jobs
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Pool(ProcessPoolExecutor):
    """Ctrl-C is for the process that keeps what is done: workers, which start when they are needed, never get it."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **keys: Any) -> Future[Any]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            return super().submit(function, *arguments, **keys)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise UsageError("--dask needs the extra: pip install 'oomsel[dask]'") from None
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"--dask: no address of a scheduler: {address}; use one like tcp://scheduler:8786")
    try:
        client = distributed.Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"--dask {address}: no scheduler answers there: {' '.join(str(error).split())}") from None
    with client:
        executor: Executor = client.get_executor(retries=_RETRIES)
        workers = max(1, sum(client.nthreads().values()))
        try:
            yield executor, max(16, 4 * workers)
        except Exception as error:
            if isinstance(error, CancelledError) or type(error).__module__.startswith("distributed"):
                what = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise UsageError(f"--dask {address}: the cluster gave up, --resume goes on: {what}") from None
            raise
