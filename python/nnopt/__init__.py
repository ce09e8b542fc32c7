"""nnopt compiles trained networks to machine code and runs them on numpy arrays.

    import numpy as np, nnopt

    nnopt.compile("efficientnet-lite0.onnx", "efficientnet_lite0.so")
    model = nnopt.load("efficientnet_lite0.so")
    logits, = model(np.zeros((1, 3, 224, 224), np.float32))

The compiler is the program nnopt-compile. A compiled model is a shared library with a C interface, which this package
calls through ctypes: nothing here is compiled against a version of Python, and calls run without the interpreter lock.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from .compiler import compile
from .errors import (CompileError, CPUError, DtypeError, Error, InternalCompilerError, LoadError, RunError, ShapeError,
                     UnsupportedError, UsageError)
from .model import Argument, BoundCall, Model, load

__version__ = "0.1.0"

__all__ = [
    "Argument", "BoundCall", "CPUError", "CompileError", "DtypeError", "Error", "InternalCompilerError", "LoadError", "Model",
    "RunError", "ShapeError", "UnsupportedError", "UsageError", "compile", "load"
]
