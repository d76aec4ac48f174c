"""Where a sweep's trials run: here, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import get_context

from oomsel.errors import UsageError
from oomsel.workers import Pool

#: Seconds to wait for a scheduler.
_PATIENCE = 10
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
        pool = Pool(jobs, mp_context=get_context("spawn"))
        try:
            yield pool, 4 * jobs
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise UsageError("--dask needs distributed; pip install distributed") from None
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"--dask: no address of a scheduler: {address}; use one like tcp://scheduler:8786")
    before = logging.root.manager.disable
    logging.disable()  # tornado, asyncio and distributed print tracebacks of what is told in a line below
    try:
        _knock(address)
        client = distributed.Client(address, timeout=f"{_PATIENCE}s", set_as_default=False)
    except Exception as error:  # an answer that is none of Dask's can end in anything
        logging.disable(before)
        said = _said(error) if isinstance(error, OSError) else ": what answers is something else"
        raise UsageError(f"--dask {address}: no scheduler answers there{said}") from None
    try:
        executor: Executor = client.get_executor(retries=_RETRIES)
        workers = max(1, sum(client.nthreads().values()))
        yield executor, max(16, 4 * workers)
    except Exception as error:
        module = type(error).__module__
        if isinstance(error, CancelledError | OSError) or module.startswith(("distributed", "tornado")):
            raise UsageError(f"--dask {address}: the cluster gave up, --resume goes on{_said(error)}") from None
        raise
    finally:
        with suppress(Exception):  # a cluster that is gone need not say goodbye
            client.close(timeout=2)
        logging.disable(before)


def _knock(address: str) -> None:
    """Raises an error of any kind where no Dask scheduler answers; a Client that finds none cannot be taken away."""
    import asyncio

    connect = import_module("distributed.comm").connect

    async def knock() -> None:
        (await connect(address, timeout=_PATIENCE)).abort()

    asyncio.run(asyncio.wait_for(knock(), _PATIENCE + 1))


def _said(error: Exception) -> str:
    """What an error says, after a colon; nothing where it has no words."""
    text = " ".join(str(error).split())
    return f": {text}" if text else ""
