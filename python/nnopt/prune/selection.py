"""Which elements of weights go, by their magnitude: the compiler's nnopt-prune-magnitude in numpy.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Optional, Union

import numpy as np

from .layouts import Layout
from .masks import Masks
from .patterns import Pattern

SCOPES, NORMS = ("uniform", "global", "erk"), ("l1", "l2")


def _round(value: float) -> int:
    """Halves go up, as C's llround for positive numbers."""
    return math.floor(value + 0.5)


class _Blocks:
    """The blocks of one weight that go together: an index per element, and score and size per block."""

    def __init__(self, matrices: np.ndarray, pattern: Pattern, norm: str) -> None:
        count, outputs, inputs = matrices.shape
        if pattern.kind == "rows":
            grid = np.broadcast_to(np.arange(outputs)[None, :, None], matrices.shape)
        elif pattern.kind == "columns":
            grid = np.broadcast_to(np.arange(inputs), matrices.shape)
        else:
            down, across = -(-outputs // pattern.rows), -(-inputs // pattern.columns)
            rows = (np.arange(outputs) // pattern.rows)[:, None] * across + np.arange(inputs) // pattern.columns
            grid = np.arange(count)[:, None, None] * (down * across) + rows
        self.index = grid.reshape(-1)
        values = np.abs(matrices.reshape(-1).astype(np.float64))
        self.size = np.bincount(self.index)
        total = np.bincount(self.index, values * values if norm == "l2" else values)
        # Single precision, as in the compiler: equal scores go in the order of their places.
        self.score = (total / self.size).astype(np.float32)


def _smallest(blocks: "list[_Blocks]", target: int) -> "list[np.ndarray]":
    """Per weight: which blocks go, smallest first over all weights, as long as `target` elements are not exceeded."""
    score = np.concatenate([b.score for b in blocks])
    size = np.concatenate([b.size for b in blocks])
    order = np.argsort(score, kind="stable")
    count = int(np.searchsorted(np.cumsum(size[order]), target, side="right"))
    gone = np.zeros(score.size, bool)
    gone[order[:count]] = True
    return np.split(gone, np.cumsum([b.score.size for b in blocks])[:-1])


def _within_groups(matrices: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Mask of N:M: the largest N of every M inputs; what is left at the end of a row keeps N too."""
    magnitude = np.abs(matrices)
    kept = np.empty(matrices.shape, bool)
    for start in range(0, matrices.shape[2], pattern.group):
        part = magnitude[:, :, start:start + pattern.group]
        rank = np.argsort(np.argsort(part, axis=2, kind="stable"), axis=2, kind="stable")
        kept[:, :, start:start + pattern.group] = rank >= part.shape[2] - pattern.kept
    return kept


def target_zeros(sizes: Mapping[str, int], shares: Mapping[str, float], sparsity: float, scope: str) -> "dict[str, int]":
    """How many elements of each weight are zero: the same part (`uniform`), or by the Erdos-Renyi kernel (`erk`)."""
    if scope == "uniform":
        return {name: _round(sparsity * size) for name, size in sizes.items()}
    # A weight that would keep more than it has keeps all, and the others share what is left, until all fit.
    full: "set[str]" = set()
    while True:
        left = (1 - sparsity) * sum(sizes.values()) - sum(sizes[name] for name in full)
        total = sum(share for name, share in shares.items() if name not in full)
        scale = left / total if total > 0 else 0.0
        over = {name for name in sizes if name not in full and scale * shares[name] > sizes[name]}
        if not over:
            return {name: 0 if name in full else _round(size - scale * shares[name]) for name, size in sizes.items()}
        full |= over


def _check_options(sparsity: Optional[float], pattern: Pattern, scope: str, norm: str) -> float:
    """The sparsity asked for, by its number or by N:M."""
    implied = pattern.implied_sparsity
    if sparsity is None and implied is None:
        raise ValueError(f"expects a sparsity for pattern '{pattern}'")
    if sparsity is not None and not 0 <= sparsity <= 1:
        raise ValueError(f"expects a sparsity of 0 to 1, got {sparsity}")
    if implied is not None and sparsity is not None and abs(sparsity - implied) > 1e-6:
        raise ValueError(f"pattern '{pattern}' makes a sparsity of {implied:g}, got {sparsity:g}")
    if scope not in SCOPES:
        raise ValueError(f"unknown scope '{scope}', expected {', '.join(SCOPES)}")
    if implied is not None and scope != "uniform":
        raise ValueError(f"pattern '{pattern}' has the same sparsity in every layer, scope '{scope}' does not apply")
    if norm not in NORMS:
        raise ValueError(f"unknown norm '{norm}', expected {', '.join(NORMS)}")
    return implied if sparsity is None else sparsity


def _check_weights(weights: Mapping[str, np.ndarray], layouts: Mapping[str, Layout], pattern: Pattern) -> None:
    for name in layouts:
        if name not in weights:
            raise ValueError(f"there is a layout for '{name}', but no such weight")
    for name, weight in weights.items():
        layout = layouts.get(name) or Layout.guess(weight.shape)
        layout.check(name, weight.shape)
        if not weight.size:
            continue
        _, outputs, inputs = layout.matrices(np.empty(weight.shape, np.bool_)).shape
        if outputs < pattern.rows or inputs < pattern.columns:
            raise ValueError(f"blocks of {pattern} need {pattern.rows} outputs and {pattern.columns} inputs, "
                             f"weight '{name}' has {outputs} and {inputs}")
        if inputs < pattern.group:
            raise ValueError(f"{pattern} needs {pattern.group} inputs, weight '{name}' has {inputs}")
        nan = np.flatnonzero(np.isnan(weight))
        if nan.size:
            raise ValueError(f"weight '{name}' of shape {weight.shape} has a NaN at element {nan[0]}")


def magnitude_masks(weights: Mapping[str, np.ndarray], sparsity: Optional[float] = None, pattern: Union[str, Pattern] = "unstructured",
                    scope: str = "uniform", norm: str = "l1", layouts: Optional[Mapping[str, Layout]] = None) -> Masks:
    """Masks that leave out the smallest magnitudes of `weights` (name to array).

    sparsity: the part of the elements to be zero; N:M says it itself.
    pattern: see `Pattern`. Blocks are ranked by the mean magnitude of their elements (`norm="l2"`: mean square), and leave out
        at most the part asked for.
    scope: `uniform`: the same part of every weight; `global`: one ranking of all; `erk`: by the Erdos-Renyi kernel.
    layouts: how weights are stored; without: two dimensions are a dense layer's [outputs, inputs], more a convolution's.

    Raises ValueError that names the weight and the numbers.
    """
    pattern = Pattern.parse(pattern)
    layouts = layouts or {}
    sparsity = _check_options(sparsity, pattern, scope, norm)
    _check_weights(weights, layouts, pattern)
    layouts = {name: layouts.get(name) or Layout.guess(weight.shape) for name, weight in weights.items()}
    matrices = {name: layouts[name].matrices(np.asarray(weight)) for name, weight in weights.items()}
    if pattern.kind == "nm":
        kept = {name: _within_groups(matrix, pattern) for name, matrix in matrices.items()}
    else:
        blocks = {name: _Blocks(matrix, pattern, norm) for name, matrix in matrices.items() if matrix.size}
        if scope == "global":
            total = sum(matrix.size for matrix in matrices.values())
            gone = dict(zip(blocks, _smallest(list(blocks.values()), _round(sparsity * total)))) if blocks else {}
        else:
            targets = target_zeros({name: m.size for name, m in matrices.items()},
                                   {name: layouts[name].share(weights[name].shape) for name in matrices}, sparsity, scope)
            gone = {name: _smallest([b], targets[name])[0] for name, b in blocks.items()}
        kept = {name: ~gone[name][b.index].reshape(matrices[name].shape) for name, b in blocks.items()}
    masks = {name: layouts[name].restore(kept[name], weight.shape) if name in kept else np.ones(weight.shape, bool)
             for name, weight in weights.items()}
    return Masks(masks, pattern)
