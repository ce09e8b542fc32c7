"""How the elements of a weight are matrices of outputs and inputs.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a layer stores its weight.

    kind: `linear` [..., outputs, inputs], as PyTorch's Linear; `linear_kn` [..., inputs, outputs], as ONNX's MatMul;
        `conv` [outputs, inputs / groups, kernel...]; `conv_transpose` [inputs, outputs / groups, kernel...].
    groups: of the convolution.
    """

    kind: str = "linear"
    groups: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("linear", "linear_kn", "conv", "conv_transpose"):
            raise ValueError(f"unknown layout '{self.kind}', expected linear, linear_kn, conv or conv_transpose")

    @classmethod
    def guess(cls, shape: "tuple[int, ...]") -> "Layout":
        """What PyTorch stores under this shape: a dense layer with two dimensions, a convolution with more."""
        return cls("linear" if len(shape) == 2 else "conv")

    def check(self, name: str, shape: "tuple[int, ...]") -> None:
        if len(shape) < 2:
            raise ValueError(f"weight '{name}' of shape {shape} is no matrix: it has {len(shape)} dimensions")
        if self.groups < 1 or (self._is_filter and shape[0] % self.groups):
            raise ValueError(f"weight '{name}' of shape {shape} does not split into {self.groups} groups")

    @property
    def _is_filter(self) -> bool:
        return self.kind.startswith("conv")

    def matrices(self, weight: np.ndarray) -> np.ndarray:
        """`weight` as [matrices, outputs, inputs]: one matrix per group and tap, or per matrix of a batch."""
        if not self._is_filter:
            count = int(np.prod(weight.shape[:-2], dtype=np.int64))
            matrices = weight.reshape(count, *weight.shape[-2:])
            return matrices if self.kind == "linear" else matrices.swapaxes(1, 2)
        taps = int(np.prod(weight.shape[2:], dtype=np.int64))
        grouped = weight.reshape(self.groups, weight.shape[0] // self.groups, weight.shape[1], taps)
        order = (0, 3, 1, 2) if self.kind == "conv" else (0, 3, 2, 1)
        parts = grouped.transpose(order)
        return parts.reshape(self.groups * taps, *parts.shape[2:])

    def restore(self, matrices: np.ndarray, shape: "tuple[int, ...]") -> np.ndarray:
        """The reverse of `matrices` for a weight of `shape`."""
        if not self._is_filter:
            matrices = matrices if self.kind == "linear" else matrices.swapaxes(1, 2)
            return matrices.reshape(shape)
        taps = int(np.prod(shape[2:], dtype=np.int64))
        parts = matrices.reshape(self.groups, taps, *matrices.shape[1:])
        order = (0, 2, 3, 1) if self.kind == "conv" else (0, 3, 2, 1)
        return parts.transpose(order).reshape(shape)

    def share(self, shape: "tuple[int, ...]") -> float:
        """Outputs + inputs + kernel extents, per group: what the Erdos-Renyi kernel keeps a part proportional to."""
        if not self._is_filter:
            return float(shape[-1] + shape[-2])
        return float(self.groups * (shape[0] // self.groups + shape[1] + sum(shape[2:])))
