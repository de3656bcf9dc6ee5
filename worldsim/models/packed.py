"""Matrices and convolutions that multiply from oneDNN's own blocked layout, which saves much time.

Of a frame's tokens a fifth; of one picture's convolutions half and more, whose weights are
otherwise cast and laid out anew for each.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Packable(nn.Module):
    """Has a weight, and a blocked copy of it for inference on the CPU once it is packed."""

    weight: Tensor
    _packed: Tensor | None = None

    def pack(self, dtype: torch.dtype | None = None) -> None:
        """Keep a blocked copy of the weight as it is now and multiply from it, where that works.

        dtype: to multiply in; the weight's own by default.
        """
        if self.weight.device.type != "cpu":
            return
        weight = self.weight.detach().to(dtype or self.weight.dtype)
        try:
            self._packed = self._blocked(weight)
        except (AttributeError, RuntimeError):  # a torch without oneDNN, or not in this dtype
            self._packed = None

    def _blocked(self, weight: Tensor) -> Tensor:
        """The blocked copy, tried out."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        # The blocked copy can be neither copied nor pickled.
        return {**self.__dict__, "_packed": None}

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self._packed = None  # the weight moves or changes its type
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]


class PackableLinear(_Packable, nn.Linear):
    """A linear map without bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The products (..., outputs) of x (..., inputs)."""
        if self._packed is None:
            return super().forward(x)
        return _product(x, self._packed)

    def _blocked(self, weight: Tensor) -> Tensor:
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())
        _product(weight[:1], packed)
        return packed


class PackableConv2d(_Packable, nn.Conv2d):
    """A convolution with bias, and with a leaky rectifier after it where one is asked for."""

    _bias: Tensor | None = None
    _size: tuple[int, int] = (0, 0)  # of the pictures for which the blocked copy is laid out

    def forward(self, x: Tensor, leak: float | None = None) -> Tensor:
        """The outputs (b c h w), those below 0 times `leak`; in the dtype packed for, if it is."""
        if self._packed is None:
            out = super().forward(x)
            return out if leak is None else F.leaky_relu(out, leak)
        size = x.shape[-2], x.shape[-1]
        if size != self._size:
            weight = self.weight.detach().to(self._packed.dtype)
            self._packed, self._size = self._laid_out(weight, size), size
        return self._convolved(x.to(self._packed.dtype), self._packed, leak)

    def _blocked(self, weight: Tensor) -> Tensor:
        self._bias = None if self.bias is None else self.bias.detach().to(weight.dtype)
        side = max(self.kernel_size)
        self._size = side, side
        packed = self._laid_out(weight, self._size)
        self._convolved(weight.new_zeros(1, self.in_channels, side, side), packed, 0.5)
        return packed

    def _laid_out(self, weight: Tensor, size: tuple[int, int]) -> Tensor:
        # What layout is fastest hangs on the pictures' size; in another one the weight is laid out
        # anew for each product, which on processors without AMX takes forty times as long.
        shape = [1, self.in_channels, *size]
        packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
            weight, *self._where, self.groups, shape
        )
        return packed

    @property
    def _where(self) -> tuple[list[Any], list[Any], list[Any]]:
        return list(self.padding), list(self.stride), list(self.dilation)

    def _convolved(self, x: Tensor, packed: Tensor, leak: float | None) -> Tensor:
        after = ("none", []) if leak is None else ("leaky_relu", [leak])
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, packed, self._bias, *self._where, self.groups, *after, ""
        )
        return result


def pack(module: nn.Module, dtype: torch.dtype | None = None) -> None:
    """Pack all that can be in a module whose weights will not change any more; see `_Packable`."""
    with torch.inference_mode():
        for part in module.modules():
            if isinstance(part, _Packable):
                part.pack(dtype)


def _product(x: Tensor, packed: Tensor) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
    return result
