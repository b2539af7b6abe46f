"""This machine's devices to the Trax Loop that trains on them: the first, or all by Trax's data parallelism."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import Errors, SentimentError

logger = logging.getLogger(__name__)


@contextmanager
def devices(data_parallel: bool) -> Iterator[int]:
    """Have a Loop that is made and run within this train on the first device, or on all.

    YIELDS: Their number.

    Raises SentimentError where all are asked for and the installed JAX cannot.
    """
    from ..model.trax_backend import fastmath, jax

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
    """Let Trax find JAX as it was: `device_put_replicated` is gone, and `pmap` takes nothing that has been put on one
    device, as `tl.on_cpu` does.
    """
    from ..model.trax_backend import jax, tl

    if not hasattr(jax, "pmap"):
        raise SentimentError(Errors.S048.format(version=jax.__version__))
    with _replaced(vars(tl), "on_cpu", lambda values: values):
        if hasattr(jax, "device_put_replicated"):
            yield
        else:
            with _replaced(vars(jax), "device_put_replicated", _put_replicated):
                yield


def _put_replicated(value: Any, devices: Sequence[Any]) -> Any:
    """RETURNS: The value, on each of the devices: of its shape with their number before it."""
    from ..model.trax_backend import jax

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
