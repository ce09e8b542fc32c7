"""Writes the mask files of mask.test into a folder, good.npz as nnopt.prune does.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import pathlib
import sys

import numpy as np

from nnopt.prune import Masks

folder = pathlib.Path(sys.argv[1])
blocks = np.arange(48 * 24).reshape(48, 24) // 24 // 4 % 2 == 0
Masks({"w1": blocks, "w2": np.zeros((16, 48), bool)}, {"w1": "4x1", "w2": "unstructured"}).save(folder / "good.npz")
BITS, SHAPE = np.zeros(1, np.uint8), np.array([3, 3])
FILES = {
    "name": {"w9": np.ones(3, bool)},
    "shape": {"w1": np.ones((1, 3), bool)},
    "type": {"w1": np.ones(3, np.float32)},
    "bits": {"w1:bits": BITS, "w1:shape": SHAPE},
    "vector": {"w1:bits": np.zeros(1, np.float32), "w1:shape": SHAPE},
    "huge": {"w1:bits": BITS, "w1:shape": np.array([2**62, 2**62])},
    "lone": {"w1:shape": SHAPE},
    "noshape": {"w1:bits": BITS},
    "pattern": {"w1:bits": BITS, "w1:shape": np.array([2, 3]), "w1:pattern": np.frombuffer(b"4by1", np.uint8)},
}
for name, arrays in FILES.items():
    np.savez(folder / f"{name}.npz", **arrays)
