"""Units spread over Ray actors, each with the model loaded once.

Actors read; the process that asked keeps the folder, so there is one writer. A unit's result is the local engine's,
bit for bit when both use the same number of threads, because a unit is read whole by one actor. An actor that dies is
replaced and its unit read again, up to `ATTEMPTS` times: a unit that kills every worker is an error with a name.
Ray sends Python objects between its processes by its own pickling; nothing of that is written into a study.
"""

import importlib
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

import torch

from polyvalues.config import EngineSpec, ModelSpec
from polyvalues.errors import EngineError, MissingExtra, PolyvaluesError
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.study.work_units import Made, Unit, read_unit

ATTEMPTS: Final = 3
AHEAD: Final = 2
"""Units a worker is given at once: the one it reads, and the next."""

K = TypeVar("K")


class Read(Protocol):
    """Reads units on workers."""

    def __call__(self, units: Iterator[tuple[K, Unit]], /) -> Iterator[tuple[K, Made]]:
        """Their artefacts, as they are done."""
        ...


class Reader:
    """Runs in a worker process.

    Args:
        model: which, loaded when the worker starts.
        fingerprint: what the model must be; another one means that the workers see other files.
        threads: torch threads.
    """

    def __init__(self, model: ModelSpec, fingerprint: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self._handle: ModelHandle = load_model(model)
        if self._handle.fingerprint != fingerprint:
            raise EngineError(
                f"{model.id}: a worker loads fingerprint {self._handle.fingerprint}, the study has {fingerprint}; give "
                "a path that is the same files on every node"
            )

    def read(self, unit: Unit) -> Made:
        """The unit's artefact."""
        return read_unit(self._handle, unit, lambda _count: None)


@contextmanager
def ray_workers(model: ModelSpec, fingerprint: str, engine: EngineSpec) -> Iterator["Read"]:
    """Workers with the model loaded, for as long as the block runs.

    Args:
        model: loaded by every worker.
        fingerprint: of the model.
        engine: cluster, number of workers, what each may use.

    Returns:
        A function from units, each with a key to know it by and taken only as fast as workers ask, to their artefacts,
        as they are done. It raises what a unit raises here, and EngineError for a unit that was lost too often.

    Raises:
        MissingExtra: Ray is not installed.
        EngineError: the cluster cannot be reached, or has no room for a worker.
    """
    ray = _ray()
    started = _connect(ray, engine)
    workers: list[Any] = []
    try:
        actor = ray.remote(num_cpus=engine.threads, num_gpus=engine.gpus, max_restarts=0)(Reader)
        count = engine.workers or _room(ray, engine)
        workers += [actor.remote(model, fingerprint, engine.threads) for _ in range(count)]
        yield lambda units: _spread(ray, units, workers, lambda: actor.remote(model, fingerprint, engine.threads))
    finally:
        if started:
            ray.shutdown()
        else:
            for worker in workers:
                ray.kill(worker)


class _Crew:
    """Workers, each with the units it was given in the order it reads them."""

    def __init__(self, workers: list[Any], make: Callable[[], Any]) -> None:
        self.workers, self._make = workers, make
        self.given: dict[Any, deque[tuple[Any, Any, Unit, int]]] = {worker: deque() for worker in workers}

    def room(self) -> Any | None:
        """The worker with the fewest units, None when all have enough."""
        worker = min(self.given, key=lambda one: len(self.given[one]))
        return worker if len(self.given[worker]) < AHEAD else None

    def give(self, worker: Any, key: Any, unit: Unit, lost: int) -> None:
        """Have a worker read a unit after those it has; `lost`: how many workers have died of it."""
        self.given[worker].append((worker.read.remote(unit), key, unit, lost))

    def waiting(self) -> list[Any]:
        """What the workers are reading now."""
        return [queue[0][0] for queue in self.given.values() if queue]

    def owner(self, task: Any) -> Any:
        """The worker that reads this."""
        return next(worker for worker, queue in self.given.items() if queue and queue[0][0] == task)

    def replace(self, worker: Any) -> deque[tuple[Any, Any, Unit, int]]:
        """Put another in the place of a worker that died; what it had been given."""
        self.workers[self.workers.index(worker)] = fresh = self._make()
        self.given[fresh] = deque()
        return self.given.pop(worker)


def _spread(
    ray: Any, units: Iterator[tuple[K, Unit]], workers: list[Any], make: Callable[[], Any]
) -> Iterator[tuple[K, Made]]:
    """Keep every worker busy, with a unit in advance so that it need not wait for this process; replace the dead."""
    crew = _Crew(workers, make)
    again: deque[tuple[K, Unit, int]] = deque()
    while True:
        while (worker := crew.room()) is not None:
            fresh = None if again else next(units, None)
            if not again and fresh is None:
                break
            crew.give(worker, *(again.popleft() if fresh is None else (*fresh, 0)))
        if not (waiting := crew.waiting()):
            return
        (done,), _ = ray.wait(waiting, num_returns=1)
        worker = crew.owner(done)
        _, key, unit, lost = crew.given[worker][0]
        try:
            made = ray.get(done)
        except ray.exceptions.RayActorError as error:
            if lost + 1 == ATTEMPTS:
                raise EngineError(
                    f"{unit.label}: {ATTEMPTS} workers died while reading it ({_reason(error)}); everything read "
                    "before is kept. If they run out of memory lower reading.batch_tokens or the number of workers"
                ) from None
            _, *unread = crew.replace(worker)
            again.append((key, unit, lost + 1))
            again.extend(rest[1:] for rest in unread)
            continue
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, PolyvaluesError):
                raise error.cause from None
            raise
        crew.given[worker].popleft()
        yield key, made


def _ray() -> Any:
    # Before Ray starts: it offers to report usage over the network, and sets what devices a worker sees.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise MissingExtra("--engine ray needs Ray, which is not installed: pip install 'polyvalues[ray]'") from None


def _connect(ray: Any, engine: EngineSpec) -> bool:
    """Reach the cluster, or start one here; True when it was started and is ours to stop."""
    if ray.is_initialized():
        return False
    host, colon, port = (engine.address or "").rpartition(":")
    try:
        # Ray ends the whole process when nothing answers there, so it is tried before.
        if colon and port.isdigit():
            socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=10).close()
        ray.init(
            address=engine.address or "local", log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = engine.address or "this machine"
        raise EngineError(f"engine ray: no cluster at {where}: {_reason(error)}") from None
    return engine.address is None


def _room(ray: Any, engine: EngineSpec) -> int:
    """How many workers the cluster has room for."""
    there = ray.cluster_resources()
    count = int(there.get("CPU", 0) // engine.threads)
    if engine.gpus:
        count = min(count, int(there.get("GPU", 0) / engine.gpus))
    if count == 0:
        raise EngineError(
            f"engine ray: the cluster has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs, a worker "
            f"needs {engine.threads} and {engine.gpus:g}; lower engine.threads or engine.gpus"
        )
    return count


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("polyvalues.errors.")]
    return (ours or lines or [type(error).__name__])[0]
