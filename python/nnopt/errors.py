"""What can go wrong, as exceptions. All derive from `Error`.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations


class Error(Exception):
    """Any failure that nnopt reports."""


class CompileError(Error):
    """The model cannot be compiled; the text is the compiler's. `exit_code` is nnopt-compile's."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(CompileError, ValueError):
    """nnopt-compile does not know an option or its value."""


class UnsupportedError(CompileError, NotImplementedError):
    """The model uses something that nnopt does not support; the text names the node."""


class InternalCompilerError(CompileError):
    """A bug of nnopt: please report it with the model."""


class LoadError(Error, OSError):
    """A file is not a compiled model, or the loader refuses it."""


class RunError(Error):
    """A model refused a call. `status` is the C interface's status code."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class DtypeError(RunError, TypeError):
    """An input has another element type than the model's."""


class ShapeError(RunError, ValueError):
    """An input's shape does not fit the model, or two inputs' shapes do not fit each other."""


class CPUError(RunError):
    """This processor has none of the instruction sets that the model was compiled for."""
