"""Runs ONNX's own backend tests through compiled objects: `python -m nnopt_conformance`.

Every case of `onnx.backend.test` (all but the model downloads) is compiled by nnopt-compile into a shared library, called through
the C ABI and compared with the case's reference outputs. A case ends as passed, unsupported (the compiler said so in one error and
exit code 3), wrong (an answer, a message or an exit code that should be another) or crashed (a signal, an internal error, a limit).

SPDX-License-Identifier: Apache-2.0
"""
