"""Calls a compiled model's C functions on numpy arrays, with guards around every buffer it may write.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes

import ml_dtypes
import numpy as np

# ONNX's numbers of element types, which the header uses.
DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16,
          11: np.float64, 12: np.uint32, 13: np.uint64, 16: ml_dtypes.bfloat16}
CODES = {np.dtype(value): key for key, value in DTYPES.items()}

MAX_RANK = 8
ALIGNMENT = 64
GUARD_BYTES = 256
GUARD = 0xA5


class AbiError(Exception):
    """The model refused a call, or what came back breaks a promise of its header."""


class Tensor(ctypes.Structure):
    """`nnopt_tensor`."""

    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("shape", ctypes.c_int64 * MAX_RANK)]

    @classmethod
    def of(cls, buffer, array):
        if array.dtype not in CODES:
            raise AbiError(f"an array of {array.dtype} has no place in the C ABI")
        return cls(buffer, CODES[array.dtype], array.ndim, (ctypes.c_int64 * MAX_RANK)(*array.shape))


class Buffer:
    """Aligned memory between two guards; `address` is 64-byte aligned."""

    def __init__(self, size):
        self.size = size
        self.memory = np.full(size + 2 * GUARD_BYTES + ALIGNMENT, GUARD, np.uint8)
        self.start = GUARD_BYTES + -(self.memory.ctypes.data + GUARD_BYTES) % ALIGNMENT
        self.address = self.memory.ctypes.data + self.start

    @classmethod
    def holding(cls, array):
        buffer = cls(array.nbytes)
        buffer.bytes()[:] = np.frombuffer(array.tobytes(), np.uint8)
        return buffer

    def bytes(self):
        return self.memory[self.start:self.start + self.size]

    def intact(self):
        outside = self.memory.copy()
        outside[self.start:self.start + self.size] = GUARD
        return bool((outside == GUARD).all())


class Model:
    """The functions of one shared library."""

    def __init__(self, path, name):
        library = ctypes.CDLL(str(path))
        self.plan, self.run = getattr(library, f"{name}_plan"), getattr(library, f"{name}_run")

    def __call__(self, inputs, output_types):
        """Runs the model; `output_types` are the types that the caller expects, by output."""
        inputs = [np.ascontiguousarray(array).reshape(np.shape(array)) for array in map(np.asarray, inputs)]
        arguments = [Buffer.holding(array) for array in inputs]
        ins = (Tensor * max(1, len(inputs)))(*(Tensor.of(b.address, a) for b, a in zip(arguments, inputs)))
        outs = (Tensor * max(1, len(output_types)))()
        size = ctypes.c_size_t()
        self.check("plan", self.plan(ins, outs, ctypes.byref(size)))
        results, types = [], []
        for index in range(len(output_types)):
            out = outs[index]
            if out.dtype not in DTYPES or not 0 <= out.rank <= MAX_RANK:
                raise AbiError(f"plan describes output {index} with type {out.dtype} and rank {out.rank}")
            dtype, shape = np.dtype(DTYPES[out.dtype]), tuple(out.shape[:out.rank])
            results.append(Buffer(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize))
            types.append((dtype, shape))
            out.data = results[-1].address
        workspace = Buffer(size.value)
        before = [bytes(buffer.bytes()) for buffer in arguments]
        self.check("run", self.run(ins, outs, ctypes.c_void_p(workspace.address), None))
        self.check_guards(arguments, results, workspace)
        if before != [bytes(buffer.bytes()) for buffer in arguments]:
            raise AbiError("run changed an input")
        return [np.frombuffer(bytes(b.bytes()), dtype).reshape(shape) for b, (dtype, shape) in zip(results, types)]

    @staticmethod
    def check(what, status):
        if status:
            raise AbiError(f"{what} answers with status {status}")

    @staticmethod
    def check_guards(arguments, results, workspace):
        places = [(f"input {i}", b) for i, b in enumerate(arguments)] + [(f"output {i}", b) for i, b in enumerate(results)]
        for place, buffer in [*places, ("the workspace", workspace)]:
            if not buffer.intact():
                raise AbiError(f"run wrote outside {place}")
