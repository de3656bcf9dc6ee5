"""Floating-point operations: how many a call takes, and how many a second the machine is able to.

A share of the machine's own speed tells what is left to gain; on another machine, frames a second
differ and shares hardly do.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from worldsim.device import matmul_seconds

_SIZE = 1024  # of the square matrices that are multiplied


def peak(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large matrix product, the best of several."""
    return 2 * _SIZE**3 / matmul_seconds(device, dtype, _SIZE)


def operations(call: Callable[[], object]) -> float:
    """Operations of all products and convolutions of a call."""
    with FlopCounterMode(display=False, custom_mapping=_packed()) as counter:
        call()
    return float(counter.get_total_flops())


def _packed() -> dict[Any, Any]:
    """How to count the products of `models.packed`, where torch has them."""
    try:
        packed = torch.ops.mkldnn
        return {
            packed._linear_pointwise: _of_linear,
            packed._convolution_pointwise: _of_convolution,
        }
    except AttributeError:  # a torch without oneDNN
        return {}


def _of_linear(x: Tensor, *rest: Any, out_val: Tensor, **named: Any) -> int:
    return 2 * out_val.numel() * x.shape[-1]


def _of_convolution(x: Tensor, weight: Tensor, *rest: Any, out_val: Tensor, **named: Any) -> int:
    return 2 * out_val.numel() * weight.shape[1:].numel()


# with tensors, not their shapes
_of_linear._get_raw = True  # type: ignore[attr-defined]
_of_convolution._get_raw = True  # type: ignore[attr-defined]
