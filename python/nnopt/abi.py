"""The C interface of a compiled model in ctypes: NAME.h, line by line.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import ctypes

import numpy as np

from .errors import CPUError, DtypeError, RunError, ShapeError

MAX_RANK = 8
WORKSPACE_ALIGNMENT = 64

# ONNX's numbers of element types. numpy has no bfloat16: its bits travel as uint16.
BFLOAT16 = 16
DTYPES = {
    1: np.dtype(np.float32), 2: np.dtype(np.uint8), 3: np.dtype(np.int8), 4: np.dtype(np.uint16),
    5: np.dtype(np.int16), 6: np.dtype(np.int32), 7: np.dtype(np.int64), 9: np.dtype(np.bool_),
    10: np.dtype(np.float16), 11: np.dtype(np.float64), 12: np.dtype(np.uint32), 13: np.dtype(np.uint64),
    BFLOAT16: np.dtype(np.uint16)
}


def code_of(dtype: np.dtype) -> int:
    """ONNX's number of a numpy type."""
    return next(code for code, entry in DTYPES.items() if entry == dtype)


class Tensor(ctypes.Structure):
    """`nnopt_tensor`."""

    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("shape", ctypes.c_int64 * MAX_RANK)]


class Options(ctypes.Structure):
    """`nnopt_options`."""

    _fields_ = [("threads", ctypes.c_int32), ("parallel_for", ctypes.c_void_p), ("pool", ctypes.c_void_p)]


class ArgumentInfo(ctypes.Structure):
    """`nnopt_argument`."""

    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("dims", ctypes.POINTER(ctypes.c_char_p))]


class Info(ctypes.Structure):
    """`nnopt_info`."""

    _fields_ = [("name", ctypes.c_char_p), ("stamp", ctypes.c_char_p), ("isa", ctypes.c_char_p),
                ("isas", ctypes.POINTER(ctypes.c_char_p)), ("isa_count", ctypes.c_int32),
                ("input_count", ctypes.c_int32), ("output_count", ctypes.c_int32), ("threads", ctypes.c_int32),
                ("inputs", ctypes.POINTER(ArgumentInfo)), ("outputs", ctypes.POINTER(ArgumentInfo)),
                ("workspace_bytes", ctypes.c_int64), ("weight_bytes", ctypes.c_int64)]


# `nnopt_status`: the exception that a code becomes, and its meaning.
WRONG_DTYPE, WRONG_RANK, WRONG_SHAPE, SHAPE_MISMATCH = 2, 3, 4, 5
STATUS = {
    1: (RunError, "a tensor array, a tensor's data or a needed workspace is null"),
    WRONG_DTYPE: (DtypeError, "an input has another element type than the model's"),
    WRONG_RANK: (ShapeError, "an input has another number of dimensions than the model's"),
    WRONG_SHAPE: (ShapeError, "an extent of an input is negative, differs from the model's fixed one, or is beyond what the model takes"),
    SHAPE_MISMATCH: (ShapeError, "two extents that the model takes for equal differ"),
    6: (ShapeError, "the shapes need more bytes than an address can count"),
    7: (RunError, "the workspace is not aligned to 64 bytes"),
    8: (CPUError, "this processor has none of the instruction sets in the object"),
}


def check(status: int, model: str) -> None:
    """Raises the exception that a status other than NNOPT_OK stands for."""
    if status:
        kind, text = STATUS.get(status, (RunError, f"unknown status {status}"))
        raise kind(f"{model}: {text}", status)


def aligned_bytes(size: int) -> np.ndarray:
    """An array of at least `size` bytes whose address is a multiple of the workspace's alignment."""
    size = max(size, 1)  # numpy invents an address for an array without elements
    memory = np.empty(size + WORKSPACE_ALIGNMENT, np.uint8)
    skip = -memory.ctypes.data % WORKSPACE_ALIGNMENT
    return memory[skip:skip + size]
