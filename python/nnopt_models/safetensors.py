"""Reads a safetensors file: a length, a JSON index, raw little-endian tensors.

SPDX-License-Identifier: Apache-2.0
"""

import json

import numpy as np

from .errors import ModelError

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1", "BOOL": "?"}


def read_safetensors(path):
    """Returns a dictionary from names to numpy arrays (views of one mapping of the file)."""
    data = np.memmap(path, mode="r")
    if data.size < 8:
        raise ModelError(f"{path}: not a safetensors file")
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    if start > data.size:
        raise ModelError(f"{path}: the index ends at byte {start} of {data.size}")
    index = json.loads(data[8:start].tobytes())
    tensors = {}
    for name, entry in index.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in DTYPES:
            raise ModelError(f"{path}: tensor '{name}' has the unknown type {entry['dtype']}")
        begin, end = (start + offset for offset in entry["data_offsets"])
        tensors[name] = data[begin:end].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors
