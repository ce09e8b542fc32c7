"""Pruning while training: schedules, masks, and what carries them from a training framework to the compiler.

    from nnopt import prune

    pruner = prune.TorchPruner(model, prune.Cubic(0.9, begin=500, end=3000, frequency=100), scope="global")
    for step, batch in enumerate(batches):
        ...
        optimizer.step()
        pruner.step(step)           # raises the sparsity when it is due, and keeps pruned weights at zero
    masks = pruner.masks
    masks.save("masks.npz")         # or: the exported ONNX file has the zeros already
    nnopt.compile("model.onnx", "model.so", mask=masks)

Everything but `TorchPruner` works on dictionaries of numpy arrays and needs no framework. Masks are chosen exactly as the compiler's
`--prune=magnitude` chooses zeros.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from .layouts import Layout
from .masks import Masks
from .patterns import Pattern
from .schedules import Constant, Cubic, Linear, Schedule, Steps
from .selection import magnitude_masks, target_zeros
from .torch_pruner import TorchPruner, layouts_of
from .weights import load_weights, write_weights

__all__ = [
    "Constant", "Cubic", "Layout", "Linear", "Masks", "Pattern", "Schedule", "Steps", "TorchPruner", "layouts_of", "load_weights",
    "magnitude_masks", "target_zeros", "write_weights"
]
