"""Reads safetensors files.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import os
from typing import Union

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?"}


def read_safetensors(path: "Union[str, os.PathLike[str]]") -> "dict[str, np.ndarray]":
    """Names to arrays: views of one mapping of the file, which cannot be written; bfloat16 becomes float32.

    The file is a length, a JSON index, and raw little-endian tensors. Raises ValueError that names the file and the tensor.
    """
    data = np.memmap(path, np.uint8, "r") if os.path.getsize(path) else np.empty(0, np.uint8)
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    if data.size < 8 or start > data.size:
        raise ValueError(f"{path}: the index ends at byte {start} of {data.size}")
    try:
        index = json.loads(data[8:start].tobytes())
    except ValueError as error:
        raise ValueError(f"{path}: the index is no JSON: {error}") from None
    return {name: _tensor(path, name, entry, data[start:]) for name, entry in index.items() if name != "__metadata__"}


def _tensor(path: "Union[str, os.PathLike[str]]", name: str, entry: "dict", data: np.ndarray) -> np.ndarray:
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in DTYPES:
        raise ValueError(f"{path}: tensor '{name}' has the unknown type {kind}")
    dtype = np.dtype(DTYPES[kind])
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if not 0 <= begin <= end <= data.size or end - begin != count * dtype.itemsize:
        raise ValueError(f"{path}: tensor '{name}' of {kind}{shape} lies at bytes {begin} to {end} of {data.size}")
    array = data[begin:end].view(dtype).reshape(shape)
    return (array.astype(np.uint32) << 16).view(np.float32) if kind == "BF16" else array
