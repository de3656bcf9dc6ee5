"""Where tensors live and in which type they multiply: picked once, by measuring, never assumed."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, ParamSpec, TypeVar

import torch

from worldsim.errors import UserError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

_GAIN = 1.3
"""How many times faster bf16 has to be before its lost digits are worth it."""

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def pick_device(name: str = "auto") -> torch.device:
    """The device by name; `auto` is the first there is of cuda, mps and cpu.

    Raises:
        UserError: an unknown device, or one that this machine lacks.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there["cpu"] = True
    if name == "auto":
        name = next(kind for kind, exists in there.items() if exists)
    kind = name.split(":")[0]
    if kind not in there:
        raise UserError(f"device is {name!r}; needed auto, {', '.join(there)}")
    if not there[kind]:
        raise UserError(f"device {name!r} is not available to torch here (use device=auto)")
    return torch.device(name)


def pick_dtype(device: torch.device, name: str = "auto") -> torch.dtype:
    """The type for matrix products: bf16 where it measures clearly faster than fp32, else fp32.

    `auto` times both once in a process; a name (`float32`, `bfloat16`) overrides the measurement.

    Raises:
        UserError: an unknown name.
    """
    if name == "auto":
        return _measured_dtype(device)
    if name not in DTYPES:
        raise UserError(f"dtype is {name!r}; needed auto, {', '.join(DTYPES)}")
    return DTYPES[name]


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """A context in which matrix products run in `dtype`; for float32 it changes nothing."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


def compile_or_eager(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function compiled on its first call, or itself where no compiler works."""
    compiled: Callable[_P, _R] | None = torch.compile(function, dynamic=False)

    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        nonlocal compiled
        if compiled is not None:
            try:
                return compiled(*args, **kwargs)
            except Exception as problem:
                _log.info("torch.compile does not work here, running eagerly: %s", problem)
                compiled = None
        return function(*args, **kwargs)

    return call


@cache
def _measured_dtype(device: torch.device) -> torch.dtype:
    try:
        gain = matmul_seconds(device, torch.float32) / matmul_seconds(device, torch.bfloat16)
    except (RuntimeError, TypeError):  # no bf16 kernels here
        return torch.float32
    return torch.bfloat16 if gain > _GAIN else torch.float32


def matmul_seconds(device: torch.device, dtype: torch.dtype, size: int = 512) -> float:
    """Seconds of one square matrix product, the best of several."""
    matrix = torch.ones(size, size, device=device, dtype=dtype)
    times = []
    for _ in range(8):
        _synchronize(device)
        start = time.perf_counter()
        matrix @ matrix
        _synchronize(device)
        times.append(time.perf_counter() - start)
    return min(times)


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
