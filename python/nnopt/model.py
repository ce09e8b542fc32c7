"""Loads a compiled model and runs it on numpy arrays.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import pathlib
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from . import abi
from .compiler import PathLike
from .errors import DtypeError, LoadError, ShapeError


@dataclasses.dataclass(frozen=True)
class Argument:
    """An input or output as the model declares it."""

    name: str
    dtype: np.dtype  #: uint16 for bfloat16, whose bits it holds
    shape: tuple[Union[int, str], ...]  #: extents; a name such as "batch" where it may differ from call to call

    @classmethod
    def _of(cls, info: abi.ArgumentInfo) -> "Argument":
        shape = (info.shape[d] if info.shape[d] >= 0 else info.dims[d].decode() for d in range(info.rank))
        return cls(info.name.decode(), abi.DTYPES[info.dtype], tuple(shape))

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


def c_name(path: PathLike) -> str:
    """The name of a model's C functions: that of the file, with what C does not allow replaced by `_`."""
    name = re.sub(r"\W", "_", pathlib.Path(path).stem, flags=re.ASCII)
    return f"_{name}" if not name or name[0].isdigit() else name


class Model:
    """A compiled model in this process, made by `load`.

    `inputs` and `outputs` are tuples of `Argument`. `isa` is the instruction set that runs here, `isas` are all in the file,
    `stamp` says which model and compiler made it. `weight_bytes` and `workspace_bytes` are memory in bytes; the latter is
    None if it depends on the shapes.

    Calls are thread safe: each Python thread has a workspace of its own, which it keeps, and calls run without the
    interpreter lock.
    """

    def __init__(self, library: ctypes.CDLL, name: str, threads: int) -> None:
        try:
            self._plan, self._run = getattr(library, f"{name}_plan"), getattr(library, f"{name}_run")
            info = getattr(library, f"{name}_info")
        except AttributeError:
            raise LoadError(f"{library._name} has no model called '{name}'; pass the name it was compiled under as name=") from None
        info.restype = ctypes.POINTER(abi.Info)
        self._info = facts = info().contents
        self.name = facts.name.decode()
        self.stamp = facts.stamp.decode()
        self.isa = facts.isa.decode()
        self.isas = tuple(facts.isas[i].decode() for i in range(facts.isa_count))
        self.inputs = tuple(Argument._of(facts.inputs[i]) for i in range(facts.input_count))
        self.outputs = tuple(Argument._of(facts.outputs[i]) for i in range(facts.output_count))
        self._codes = tuple(facts.inputs[i].dtype for i in range(facts.input_count))
        self.weight_bytes = facts.weight_bytes
        self.workspace_bytes = None if facts.workspace_bytes < 0 else facts.workspace_bytes
        self.threads = threads
        self._local = threading.local()

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(map(str, arguments)) for arguments in (self.inputs, self.outputs))
        return f"<nnopt.Model {self.name}({inputs}) -> ({outputs}), {self.isa}>"

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[np.ndarray, ...]:
        """Runs the model once and returns its outputs as new arrays, in the order of `outputs`.

        Inputs go by position, by name, or both. A numpy array must have the input's dtype (nothing is converted behind
        your back); one that is not dense and row-major is copied. Other values go through numpy.asarray.

        Raises TypeError for a missing, repeated or unknown input, DtypeError, ShapeError, CPUError.
        """
        return self._execute(self._collect(args, kwargs), self.threads)

    def run(self, feeds: Mapping[str, Any], threads: Optional[int] = None) -> dict[str, np.ndarray]:
        """Runs the model once on inputs by name; returns outputs by name. `threads` overrules that of `load`."""
        outputs = self._execute(self._collect((), feeds), self.threads if threads is None else threads)
        return {argument.name: array for argument, array in zip(self.outputs, outputs)}

    def bind(self, *args: Any, **kwargs: Any) -> "BoundCall":
        """Prepares repeated calls on the same arrays, which then allocate nothing. See `BoundCall`."""
        return BoundCall(self, self._collect(args, kwargs))

    def _collect(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[np.ndarray]:
        """The inputs in the model's order, checked against what the model declares."""
        names = [argument.name for argument in self.inputs]
        if len(args) > len(names):
            raise TypeError(f"{self.name} takes {len(names)} inputs, got {len(args)}")
        values = dict(zip(names, args))
        for name, value in kwargs.items():
            if name not in names:
                raise TypeError(f"{self.name} has no input '{name}'; it has {', '.join(names)}")
            if name in values:
                raise TypeError(f"input '{name}' was given twice")
            values[name] = value
        missing = [name for name in names if name not in values]
        if missing:
            raise TypeError(f"{self.name} also needs the input{'s' * (len(missing) > 1)} {', '.join(missing)}")
        arrays = [_as_array(argument, values[argument.name]) for argument in self.inputs]
        _check_shapes(self.inputs, arrays)
        return arrays

    def _tensors(self, arrays: Sequence[np.ndarray]) -> Any:
        tensors = (abi.Tensor * max(1, len(arrays)))()
        for tensor, array, code in zip(tensors, arrays, self._codes):
            tensor.data, tensor.dtype, tensor.rank = array.ctypes.data, code, array.ndim
            tensor.shape[:array.ndim] = array.shape
        return tensors

    def _allocate(self, inputs: Any) -> tuple[Any, list[np.ndarray], int]:
        """Output tensors and arrays of their shapes, and the bytes of workspace that these inputs need."""
        outputs, size = (abi.Tensor * max(1, len(self.outputs)))(), ctypes.c_size_t()
        abi.check(self._plan(inputs, outputs, ctypes.byref(size)), self.name)
        arrays = []
        for argument, tensor in zip(self.outputs, outputs):
            arrays.append(np.empty(tensor.shape[:tensor.rank], argument.dtype))
            tensor.data = arrays[-1].ctypes.data
        return outputs, arrays, size.value

    def _workspace(self, size: int) -> int:
        """Address of this thread's workspace, of at least `size` bytes."""
        memory = getattr(self._local, "memory", None)
        if memory is None or memory.size < size:
            memory = self._local.memory = abi.aligned_bytes(size)
        return memory.ctypes.data

    def _execute(self, arrays: Sequence[np.ndarray], threads: int) -> tuple[np.ndarray, ...]:
        inputs = self._tensors(arrays)
        outputs, results, size = self._allocate(inputs)
        workspace = ctypes.c_void_p(self._workspace(size))
        abi.check(self._run(inputs, outputs, workspace, ctypes.byref(abi.Options(threads))), self.name)
        return tuple(results)


class BoundCall:
    """A model with its arrays: calling it runs the model on what `inputs` then hold and writes into `outputs`.

    Both are tuples of numpy arrays that stay the same from call to call; write new data into the inputs in place. An input
    that was given as a dense array of the right dtype is that array, not a copy. One call at a time.
    """

    def __init__(self, model: Model, inputs: Sequence[np.ndarray]) -> None:
        self.model, self.inputs = model, tuple(inputs)
        self._in = model._tensors(inputs)
        self._out, results, size = model._allocate(self._in)
        self.outputs = tuple(results)
        self._memory = abi.aligned_bytes(size)
        self._workspace = ctypes.c_void_p(self._memory.ctypes.data)
        self._options = abi.Options(model.threads)

    def __call__(self) -> tuple[np.ndarray, ...]:
        status = self.model._run(self._in, self._out, self._workspace, ctypes.byref(self._options))
        if status:
            abi.check(status, self.model.name)
        return self.outputs


def _as_array(argument: Argument, value: Any) -> np.ndarray:
    """`value` as a dense row-major array of the input's dtype."""
    array = value if isinstance(value, np.ndarray) else np.asarray(value, argument.dtype)
    if array.dtype != argument.dtype:
        raise DtypeError(f"input '{argument.name}': expected {argument.dtype}, got {array.dtype}", abi.WRONG_DTYPE)
    return array if array.flags.c_contiguous else np.array(array, order="C")


def _check_shapes(arguments: Sequence[Argument], arrays: Sequence[np.ndarray]) -> None:
    """Checks ranks, fixed extents, and that extents of one name agree. What the model would refuse, but with names."""
    seen: dict[str, tuple[int, str]] = {}
    for argument, array in zip(arguments, arrays):
        where = f"input '{argument.name}'"
        if array.ndim != len(argument.shape):
            raise ShapeError(f"{where}: expected {len(argument.shape)} dimensions, got {array.ndim}", abi.WRONG_RANK)
        for d, (want, have) in enumerate(zip(argument.shape, array.shape)):
            if isinstance(want, int):
                if want != have:
                    raise ShapeError(f"{where}: dimension {d} must be {want}, got {have}", abi.WRONG_SHAPE)
                continue
            first, owner = seen.setdefault(want, (have, argument.name))
            if first != have:
                raise ShapeError(f"{where}: dimension {d} ('{want}') must be {first} as in '{owner}', got {have}",
                                 abi.SHAPE_MISMATCH)


def load(path: PathLike, *, threads: int = 0, name: Optional[str] = None) -> Model:
    """Loads a shared library that `nnopt.compile` made.

    threads: how many a call uses; 0 means what the OpenMP runtime is set to (`OMP_NUM_THREADS`, else all cores).
    name: of the model, if the file was renamed after it was compiled.

    Raises LoadError if there is no such file, if it is no shared library, or if it holds no model of that name.
    """
    file = pathlib.Path(path).absolute()
    if file.suffix == ".o":
        raise LoadError(f"{file} is an object file; compile to a .so to load it here")
    try:
        library = ctypes.CDLL(os.fspath(file))
    except OSError as error:
        raise LoadError(str(error)) from None
    return Model(library, name or c_name(file), threads)
