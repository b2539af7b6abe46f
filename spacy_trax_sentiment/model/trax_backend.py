"""Trax and JAX for the rest of the package: the only module that imports them, and makes the import quick and quiet.

Import it inside the functions that train, never at the top of a module that serves.
"""

import inspect
import logging
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from tempfile import TemporaryFile
from types import FrameType
from typing import Any, TextIO

import numpy as np

from ..errors import missing_train_extra

__all__ = ["fastmath", "jax", "jaxboard", "optimizers", "tl", "training", "trax"]

_IMPORT_LOCK = threading.Lock()


def _light_stack(context: int = 1) -> list[inspect.FrameInfo]:
    """Return the same as `inspect.stack`, but without source lines: to find them, it searches every loaded module."""
    frames = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        frames.append(inspect.FrameInfo(frame, *_light_getframeinfo(frame)))
        frame = frame.f_back
    return frames


def _light_getframeinfo(frame: Any, context: int = 1) -> inspect.Traceback:
    """Return the same as `inspect.getframeinfo`, but without source lines."""
    if inspect.istraceback(frame):
        lineno, frame = frame.tb_lineno, frame.tb_frame
    else:
        lineno = frame.f_lineno
    return inspect.Traceback(frame.f_code.co_filename, lineno, frame.f_code.co_name, None, None)


@contextmanager
def _light_inspection() -> Iterator[None]:
    """Replace the functions of `inspect` by light ones.

    While Trax is imported, `trax.layers.assert_shape` inspects the stack 65 times for a file name and a line number.
    That takes 18 of the import's 21 seconds.
    """
    with _IMPORT_LOCK:
        stack, getframeinfo = inspect.stack, inspect.getframeinfo
        inspect.stack, inspect.getframeinfo = _light_stack, _light_getframeinfo  # type: ignore[assignment]
        try:
            yield
        finally:
            inspect.stack, inspect.getframeinfo = stack, getframeinfo


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Hide what Gym, TensorFlow and JAX print while they are imported, unless one of the imports fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    with suppress(ImportError):
        import gym_notices.notices

        gym_notices.notices.notices.clear()
    # TensorFlow's C++ code writes to the file descriptor before it reads its log level.
    sys.stderr.flush()
    with TemporaryFile() as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stderr = os.dup(2)
        os.dup2(printed.fileno(), 2)
        try:
            yield
        except BaseException:
            printed.seek(0)
            os.write(stderr, printed.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _see_one_device(jax: Any) -> list[str]:
    """Let JAX see the first accelerator only, unless the user chose some, and return the options that were changed.

    JAX takes most of the memory of each accelerator that it sees.
    """
    names = ("jax_cuda_visible_devices", "jax_rocm_visible_devices")
    options = [name for name in names if getattr(jax.config, name, None) == "all"]
    for option in options:
        jax.config.update(option, "0")
    return options


def see_all_devices() -> None:
    """Let JAX see all accelerators. Call this before JAX computes anything."""
    for option in _NARROWED:
        jax.config.update(option, "all")


try:
    with _light_inspection(), _quiet_import():
        import jax

        _NARROWED = _see_one_device(jax)
        import trax
        from trax import fastmath, jaxboard, optimizers
        from trax import layers as tl
        from trax.supervised import training
except ImportError as error:
    raise missing_train_extra(error) from error


@contextmanager
def same_random_state() -> Iterator[None]:
    """Restore Python's and NumPy's global generators at the end: Trax's layers draw from them, its Loop seeds them."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextmanager
def quiet_loop() -> Iterator[TextIO]:
    """Hide what a Trax Loop prints, restore the global generators at the end, and yield the true standard output."""
    stdout, handler = sys.stdout, logging.NullHandler()
    # absl, by which Trax logs, gives the root logger a handler if it has none, which would repeat our own lines.
    logging.root.addHandler(handler)
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), warnings.catch_warnings(), same_random_state():
            warnings.filterwarnings("ignore", message=r"jax\.\w+ has been renamed")  # Trax uses host_count
            yield stdout
    finally:
        logging.root.removeHandler(handler)
