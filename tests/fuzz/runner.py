"""`make fuzz`: attacks for some minutes, in processes that may die; what breaks a law is kept, each fault once."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from tests.fuzz.attack import Arena, bound_memory
from tests.fuzz.cases import Case, case_of, save
from tests.fuzz.laws import Broken

#: Seconds after which a worker that says nothing is taken for stuck.
_STUCK = 120.0
#: Random scenarios tried between attacks, for each of them.
_SCENARIOS_EVERY = 30
#: Cases after which a worker is replaced by a fresh one: what leaks is not taken for what one case needs.
_CASES_A_WORKER = 2000


class Fault(NamedTuple):
    """A law that a case broke."""

    broken: Broken
    seed: int
    number: int  #: of the case


class _Work:
    """A process that carries out one case after another, and says which one it is at."""

    def __init__(self, seed: int, first: int, step: int, with_scenarios: bool) -> None:
        context = multiprocessing.get_context("fork")
        self.at = context.Value("q", first)
        self.crash = Path(tempfile.mkstemp(prefix="oomsel-fuzz-crash-")[1])
        self.pipe, end = context.Pipe(duplex=False)
        arguments = (seed, first, step, self.at, end, self.crash, with_scenarios)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        self.process.start()
        end.close()

    def messages(self, seconds: float) -> Iterator[Any]:
        """What it says, until it ends, is silent for so long, or has nothing to say for now."""
        try:
            while self.pipe.poll(seconds):
                yield self.pipe.recv()
        except EOFError:
            return

    def end(self) -> None:
        """End it, whatever it does."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.pipe.close()
        self.crash.unlink(missing_ok=True)


def _work(seed: int, first: int, step: int, at: Any, pipe: Connection, crash: Path, with_scenarios: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.dont_write_bytecode = True
    told = crash.open("w")
    faulthandler.enable(told)
    sys.stderr = told
    from tests.fuzz.scenario_laws import broken_by

    with tempfile.TemporaryDirectory(prefix="oomsel-fuzz-") as top:
        arena = Arena(Path(top))
        bound_memory()
        for index in range(first, first + step * _CASES_A_WORKER, step):
            at.value = index
            case = case_of(seed, index)
            found = arena.attack(case)
            of_scenario = 0
            if with_scenarios and index % _SCENARIOS_EVERY == 0:
                found += broken_by(seed, index)
                of_scenario = 1
            pipe.send((index, case.kind, found, of_scenario))
    pipe.send(None)


def warm_up(seed: int) -> None:
    """Import whatever a case may import: that is not what a case needs, and workers that begin have it already."""
    sys.dont_write_bytecode = True
    for name in ("numba", "drgn"):
        with contextlib.suppress(ImportError):
            import_module(name)
    import_module("tests.fuzz.scenario_laws")
    with tempfile.TemporaryDirectory(prefix="oomsel-fuzz-") as top:
        arena = Arena(Path(top))
        for index in range(-60, 0):
            arena.attack(case_of(seed, index))


class Session:
    """A run with its faults and figures."""

    def __init__(self, seed: int, minutes: float, jobs: int, folder: Path, most: int = 0, first: int = 0) -> None:
        self.seed, self.until, self.jobs, self.folder, self.most = (
            seed,
            time.monotonic() + minutes * 60,
            jobs,
            folder,
            most,
        )
        self.first = first
        self.kinds: Counter[str] = Counter()
        self.scenarios = 0
        self.faults: dict[str, Fault] = {}
        self.times: Counter[str] = Counter()

    def run(self) -> int:
        """Attack until the time is up; the exit status."""
        warm_up(self.seed)
        workers = [_Work(self.seed, self.first + number, self.jobs, True) for number in range(self.jobs)]
        heard = [time.monotonic()] * self.jobs
        told = time.monotonic()
        try:
            while time.monotonic() < self.until and not (self.most and self.kinds.total() >= self.most):
                for number, worker in enumerate(workers):
                    is_done = False
                    for message in worker.messages(0.2 / self.jobs):
                        heard[number] = time.monotonic()
                        if message is None:
                            is_done = True
                            break
                        self._note(*message)
                        if time.monotonic() > self.until:
                            break
                    is_stuck = time.monotonic() - heard[number] > _STUCK
                    if is_done or is_stuck or not worker.process.is_alive():
                        workers[number] = self._replaced(worker, is_done, is_stuck)
                        heard[number] = time.monotonic()
                if time.monotonic() - told > 60:
                    told = time.monotonic()
                    self._tell()
        except KeyboardInterrupt:
            pass
        finally:
            for worker in workers:
                worker.end()
        self._tell()
        for name in sorted(self.times, key=lambda name: -self.times[name]):
            fault = self.faults[name]
            print(f"{self.times[name]:6} times, first {fault.number}: {name}")
        return 1 if self.faults else 0

    def _note(self, index: int, kind: str, found: list[Broken], scenarios: int) -> None:
        self.kinds[kind] += 1
        self.scenarios += scenarios
        for broken in found:
            self._fault(broken, index)

    def _fault(self, broken: Broken, index: int) -> None:
        name = str(broken)
        self.times[name] += 1
        if name in self.faults:
            return
        self.faults[name] = Fault(broken, self.seed, index)
        folder = self.folder / f"{self.seed}-{index}"
        case = case_of(self.seed, index)
        save(case, folder)
        (folder / "broken.txt").write_text(f"{name}\n")
        if broken.law.startswith("scenario "):
            import json

            from tests.fuzz.scenarios import scenario_of

            (folder / "scenario.json").write_text(json.dumps(scenario_of(self.seed, index), indent=1))
        print(f"{name}\n  python -m tests.fuzz --again {folder}", flush=True)

    def _replaced(self, worker: _Work, is_done: bool, is_stuck: bool) -> _Work:
        index = worker.at.value
        if not is_done:
            how = "it says nothing for minutes" if is_stuck else f"the process dies of {worker.process.exitcode}"
            case = case_of(self.seed, index)
            self._fault(Broken("it ends", f"{how}: {case.args[0]}, {case.kind}"), index)
            text = worker.crash.read_text(errors="replace")
            folder = self.folder / f"{self.seed}-{index}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "crash.txt").write_text(text)
        worker.end()
        return _Work(self.seed, index + self.jobs, self.jobs, True)

    def _tell(self) -> None:
        kinds = ", ".join(f"{kind} {times}" for kind, times in self.kinds.most_common())
        print(
            f"{self.kinds.total()} attacks ({kinds}), {self.scenarios} random scenarios, {len(self.faults)} faults",
            flush=True,
        )


def again(folder: Path) -> int:
    """Carry out a kept case, and say what it breaks and how it is called by hand."""
    case = Case.from_json((folder / "case.json").read_text())
    import shlex

    stdin = " < stdin" if case.stdin else ""
    print(f"cd {folder / 'files'} && oomsel {shlex.join(case.args)}{stdin}")
    with tempfile.TemporaryDirectory(prefix="oomsel-fuzz-") as top:
        found = Arena(Path(top)).attack(case)
    scenario = folder / "scenario.json"
    if scenario.exists():
        import json

        from tests.fuzz.scenario_laws import broken_of

        found += broken_of(json.loads(scenario.read_text()), random.Random(int(folder.name.partition("-")[0])))
    for broken in found:
        print(broken)
    return 1 if found else 0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=None, help="the same seed makes the same attacks; default: by chance"
    )
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--jobs", type=int, default=max(1, min(8, (os.cpu_count() or 1))))
    parser.add_argument("--most", type=int, default=0, help="attacks, instead of minutes")
    parser.add_argument("--first", type=int, default=0, help="the number of the first attack")
    parser.add_argument("--folder", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--again", type=Path, metavar="FOLDER", help="carry out a kept case")
    parser.add_argument("--scenario", metavar="SEED/NUMBER", help="say which laws a random scenario breaks")
    parser.add_argument("--minimise", type=Path, metavar="FOLDER", help="make a kept case's input smaller, in place")
    given = parser.parse_args()
    if given.again:
        sys.exit(again(given.again))
    if given.scenario:
        from tests.fuzz.scenario_laws import broken_by

        numbers = given.scenario.partition("/")
        print(*broken_by(int(numbers[0]), int(numbers[2])), sep="\n")
        sys.exit(0)
    if given.minimise:
        from tests.fuzz.minimise import minimise

        sys.exit(minimise(given.minimise))
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    print(f"seed {seed}: make fuzz SEED={seed} MINUTES={given.minutes:g} does the same again", flush=True)
    sys.exit(Session(seed, given.minutes, given.jobs, given.folder, given.most, given.first).run())
