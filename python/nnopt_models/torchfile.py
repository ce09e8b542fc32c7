"""Reads the tensors of a PyTorch checkpoint without PyTorch, and without running what a pickle may ask for.

A checkpoint is a pickle whose tensors name storages by persistent ids. Only the handful of names that a state dict
needs can be resolved; anything else stops the reader. Both containers are understood: the zip archive written since
PyTorch 1.6 and the plain sequence of pickles before it.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import io
import pickle
import zipfile

import numpy as np

from .errors import ModelError

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

STORAGE_TYPES = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


class Storage:
    """A flat array that tensors are views of. The old container fills it after the pickle is read."""

    def __init__(self, dtype, count):
        self.array = np.zeros(count, dtype)


class LazyTensor:
    """What `torch._utils._rebuild_tensor_v2` would have made."""

    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def numpy(self):
        array = self.storage.array
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides))
        if 0 not in self.shape and not (0 <= self.offset <= last < array.size and min((0, *self.strides)) >= 0):
            raise ModelError(f"checkpoint: a tensor ends at element {last} of a storage of {array.size}")
        strides = [s * array.itemsize for s in self.strides]
        return np.lib.stride_tricks.as_strided(array[self.offset:], self.shape, strides).copy()


class StateDictUnpickler(pickle.Unpickler):
    """Resolves only what a dictionary of tensors needs."""

    ALLOWED = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): LazyTensor,
        ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    }

    def __init__(self, file, storages):
        super().__init__(file, encoding="utf-8")
        self.storages = storages

    def find_class(self, module, name):
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise ModelError(f"checkpoint: refuses to load '{module}.{name}'") from None

    def persistent_load(self, pid):
        kind, dtype, key, _, count = pid[:5]
        if kind != "storage":
            raise ModelError(f"checkpoint: unknown persistent object '{kind}'")
        return self.storages.setdefault(key, Storage(dtype, count))


def read_zip(archive, storages):
    """Reads the container of PyTorch 1.6 and later."""
    index = next((n for n in archive.namelist() if n.endswith("/data.pkl")), None)
    if index is None:
        raise ModelError("checkpoint: the archive has no data.pkl")
    state = StateDictUnpickler(io.BytesIO(archive.read(index)), storages).load()
    folder = index[:-len("data.pkl")]
    for key, storage in storages.items():
        storage.array = np.frombuffer(archive.read(f"{folder}data/{key}"), storage.array.dtype)
    return state


def read_legacy(file, storages):
    """Reads the container before PyTorch 1.6: magic, version, machine, the state, then the storages one by one."""
    def load():
        return StateDictUnpickler(file, storages).load()

    if load() != LEGACY_MAGIC:
        raise ModelError("checkpoint: neither a zip archive nor an old PyTorch file")
    load()  # protocol version
    load()  # sizes of the writing machine's C types
    state = load()
    for key in load():
        array = storages[key].array
        count = int.from_bytes(file.read(8), "little")
        data = file.read(array.nbytes)
        if count != array.size or len(data) != array.nbytes:
            raise ModelError(f"checkpoint: storage '{key}' has {count} elements, expected {array.size}")
        storages[key].array = np.frombuffer(data, array.dtype)
    return state


def read_state_dict(path):
    """Returns the checkpoint as a dictionary from names to numpy arrays."""
    storages = {}
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                state = read_zip(archive, storages)
        else:
            with open(path, "rb") as file:
                state = read_legacy(file, storages)
    except (pickle.UnpicklingError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: {error}") from error
    return {name: value.numpy() for name, value in state.items() if isinstance(value, LazyTensor)}
