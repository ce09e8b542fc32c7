"""Masks by the names of weights: in memory, in a file, on a model.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Union

import numpy as np

from .patterns import Pattern


class Masks(Mapping):
    """Name of a weight to a bool array of its shape, true where the weight stays.

    The file is what `nnopt-compile --mask` reads: a .npz of `NAME:bits` (uint8; eight elements a byte, lowest bit first, row-major), `NAME:shape` (int64)
    and `NAME:pattern` (text as uint8).
    """

    def __init__(self, masks: Mapping[str, np.ndarray], pattern: Union[str, Pattern, Mapping[str, str]] = "unstructured") -> None:
        self._masks = {name: np.asarray(mask) for name, mask in masks.items()}
        for name, mask in self._masks.items():
            if mask.dtype != np.bool_:
                raise ValueError(f"mask '{name}' is {mask.dtype}, expected bool")
        #: name to the pattern's text
        self.patterns = {name: str(Pattern.parse(pattern[name] if isinstance(pattern, Mapping) else pattern)) for name in self._masks}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._masks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)

    def __repr__(self) -> str:
        return f"<Masks of {len(self)} weights, {self.sparsity():.1%} zero>"

    def sparsity(self) -> float:
        """The part of all elements that is left out."""
        elements = sum(mask.size for mask in self._masks.values())
        return 1 - sum(int(mask.sum()) for mask in self._masks.values()) / elements if elements else 0.0

    def table(self) -> "dict[str, tuple[int, int]]":
        """Name to (zeros, elements)."""
        return {name: (mask.size - int(mask.sum()), mask.size) for name, mask in self._masks.items()}

    def apply(self, weights: Mapping[str, np.ndarray]) -> "dict[str, np.ndarray]":
        """`weights` with zeros; those without a mask as they are. Raises ValueError if a mask has no weight or another shape."""
        self.check({name: np.shape(weight) for name, weight in weights.items()})
        return {name: np.where(self[name], weight, np.zeros((), np.asarray(weight).dtype)) if name in self else weight
                for name, weight in weights.items()}

    def check(self, shapes: "Mapping[str, tuple[int, ...]]") -> None:
        """Raises ValueError unless every mask has a weight of its shape."""
        for name, mask in self._masks.items():
            if name not in shapes:
                raise ValueError(f"mask '{name}' matches none of the {len(shapes)} weights")
            if tuple(shapes[name]) != mask.shape:
                raise ValueError(f"mask '{name}' of shape {mask.shape} does not fit its weight of shape {tuple(shapes[name])}")

    def renamed(self, names: Mapping[str, str]) -> "Masks":
        """The same masks under the names that `names` gives; others keep theirs. For exporters that rename weights."""
        return Masks({names.get(name, name): mask for name, mask in self.items()},
                     {names.get(name, name): pattern for name, pattern in self.patterns.items()})

    def save(self, path: "Union[str, os.PathLike[str]]") -> None:
        arrays = {}
        for name, mask in self._masks.items():
            arrays[f"{name}:bits"] = np.packbits(mask.reshape(-1), bitorder="little")
            arrays[f"{name}:shape"] = np.array(mask.shape, np.int64)
            arrays[f"{name}:pattern"] = np.frombuffer(self.patterns[name].encode(), np.uint8)
        with open(path, "wb") as file:  # savez would add a suffix to a name without one
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: "Union[str, os.PathLike[str]]") -> "Masks":
        """Reads a file of `save`, or plain bool arrays by name. Raises ValueError that names the entry."""
        masks, patterns = {}, {}
        with np.load(path, allow_pickle=False) as arrays:
            for entry in arrays.files:
                name, _, part = entry.rpartition(":")
                if part in ("shape", "pattern") and name:
                    if f"{name}:bits" not in arrays.files:
                        raise ValueError(f"{os.fspath(path)}: '{entry}' has no '{name}:bits' beside it")
                elif part == "bits" and name:
                    masks[name] = _unpack(path, name, arrays)
                    patterns[name] = arrays[f"{name}:pattern"].tobytes().decode() if f"{name}:pattern" in arrays.files else "unstructured"
                else:
                    masks[entry], patterns[entry] = arrays[entry], "unstructured"
        return cls(masks, patterns)

    def apply_to_torch(self, module: object) -> None:
        """Sets parameters of a torch module to zero in place; names are those of `named_parameters`."""
        from .torch_pruner import apply_masks
        apply_masks(module, self)

    def apply_to_onnx(self, model: "Union[str, os.PathLike[str]]", out: "Union[str, os.PathLike[str]]") -> None:
        """Writes the ONNX file `model` to `out` with zeros in its initialisers, by name."""
        from .weights import mask_onnx
        mask_onnx(model, out, self)


def _unpack(path: "Union[str, os.PathLike[str]]", name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if f"{name}:shape" not in arrays:
        raise ValueError(f"{os.fspath(path)}: '{name}:bits' has no '{name}:shape' beside it")
    bits, shape = arrays[f"{name}:bits"], arrays[f"{name}:shape"]
    if bits.dtype != np.uint8 or bits.ndim != 1 or shape.dtype != np.int64 or shape.ndim != 1 or (shape < 0).any():
        raise ValueError(f"{os.fspath(path)}: '{name}:bits' and '{name}:shape' expect vectors of uint8 and int64, "
                         f"got {bits.dtype}{list(bits.shape)} and {shape.dtype}{list(shape.shape)}")
    extents = [int(extent) for extent in shape]
    count = 1
    for extent in extents:
        count *= extent
    if bits.size != (count + 7) // 8:
        raise ValueError(f"{os.fspath(path)}: '{name}:bits' holds {bits.size} bytes, the shape {extents} needs {(count + 7) // 8}")
    return np.unpackbits(bits, count=count, bitorder="little").astype(bool).reshape(extents)
