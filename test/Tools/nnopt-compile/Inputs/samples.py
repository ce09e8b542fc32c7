"""Writes the calibration data of calibrate.test into a folder.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(1)
x, b = random.standard_normal((40, 24)).astype(np.float32), random.standard_normal((40, 48)).astype(np.float32)
nan = b.copy()
nan[7, 30] = np.nan
FILES = {
    "good": {"x": x, "b": b},
    "missing": {"x": x},
    "unknown": {"x": x, "b": b, "label": x[:, 0]},
    "shape": {"x": x, "b": b[:, 1:]},
    "rank": {"x": x[0], "b": b},
    "type": {"x": x.astype(np.int64), "b": b},
    "counts": {"x": x, "b": b[:39]},
    "nan": {"x": x, "b": nan},
    "few": {"x": x[:3], "b": b[:3]},
    "none": {"x": x[:0], "b": b[:0]},
    "overflow": {"x": np.full_like(x, 3e38), "b": b},
}
for name, arrays in FILES.items():
    np.savez(folder / f"{name}.npz", **arrays)
