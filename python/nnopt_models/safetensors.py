"""Reads a safetensors file as the package nnopt does, with errors of this one.

SPDX-License-Identifier: Apache-2.0
"""

from nnopt.prune.safetensors import read_safetensors as read

from .errors import ModelError


def read_safetensors(path):
    """Returns a dictionary from names to numpy arrays (views of one mapping of the file)."""
    try:
        return read(path)
    except ValueError as error:
        raise ModelError(str(error)) from None
