"""Compares arrays as onnx's test runner does, and says in one line where they differ.

SPDX-License-Identifier: Apache-2.0
"""

import numpy as np


# The last place of half precision, relative. Two of them are allowed: onnx's runner does so for bfloat16; its float16 references round after
# every operation, and a sum in float32 may be nearer to the truth (test_attention_4d_causal_fp16: truth 0.46919, reference 0.46948, we 0.46899).
LAST_PLACE = {"bfloat16": 2**-7, "float16": 2**-10}


def widen(array):
    """Types that numpy cannot promote (bfloat16, the eight-bit floats) as float32, which holds them exactly."""
    return array if array.dtype.kind in "biufc" else array.astype(np.float32)


def difference(got, want, rtol, atol):
    """None when `got` is `want` within |got - want| <= atol + rtol * |want|, otherwise a line that says why not."""
    if got.dtype != want.dtype:
        return f"type {got.dtype}, expected {want.dtype}"
    if got.shape != want.shape:
        return f"shape {list(got.shape)}, expected {list(want.shape)}"
    if got.dtype.name in LAST_PLACE:
        rtol = max(rtol, 2 * LAST_PLACE[got.dtype.name])
    got, want = widen(got), widen(want)
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    if close.all():
        return None
    bad = np.argwhere(~close)
    at = tuple(int(i) for i in bad[0])
    return f"{len(bad)} of {got.size} elements differ; [{', '.join(map(str, at))}] is {got[at]}, expected {want[at]}"
