"""Have Trax's Loop train on the first device, or on all devices by its data parallelism."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...errors import Errors, SentimentError
from ...model.trax_backend import fastmath, jax, tl

logger = logging.getLogger(__name__)


@contextmanager
def devices(data_parallel: bool) -> Iterator[int]:
    """Yield the number of devices for a Loop that is created and run within this context: all, or the first one."""
    n_devices = jax.local_device_count()
    if n_devices == 1:
        yield 1
    elif data_parallel:
        with _mended():
            yield n_devices
    else:
        logger.warning("JAX sees %d devices; the first one trains. --data-parallel trains on all.", n_devices)
        backend = fastmath.ops.backend()
        with _replaced(backend, "local_device_count", lambda: 1):
            yield 1


@contextmanager
def _mended() -> Iterator[None]:
    """Undo two changes in JAX that break Trax's data parallelism.

    `jax.device_put_replicated` is gone, and `pmap` no longer takes arrays committed to one device, as `tl.on_cpu`
    returns them.
    """
    if not hasattr(jax, "pmap"):
        raise SentimentError(Errors.S048.format(version=jax.__version__))
    with _replaced(vars(tl), "on_cpu", lambda values: values):
        if hasattr(jax, "device_put_replicated"):
            yield
        else:
            with _replaced(vars(jax), "device_put_replicated", _put_replicated):
                yield


def _put_replicated(value: Any, devices: Sequence[Any]) -> Any:
    """Put a value of shape (...) on each device: (n_devices, ...)."""
    sharding = jax.sharding.NamedSharding(
        jax.sharding.Mesh(np.array(devices), ("batch",)), jax.sharding.PartitionSpec("batch")
    )
    return jax.device_put(np.stack([np.asarray(value)] * len(devices)), sharding)


@contextmanager
def _replaced(names: dict[str, Any], name: str, value: Any) -> Iterator[None]:
    is_there, before = name in names, names.get(name)
    names[name] = value
    try:
        yield
    finally:
        if is_there:
            names[name] = before
        else:
            del names[name]
