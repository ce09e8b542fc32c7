"""Weights as training leaves them, into an ONNX file: safetensors, and torch checkpoints with dense or sparse tensors.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from .masks import Masks
from .safetensors import read_safetensors

if TYPE_CHECKING:
    import torch

PathLike = Union[str, "os.PathLike[str]"]


def load_weights(source: "Union[PathLike, Mapping[str, Any], torch.nn.Module]") -> "dict[str, np.ndarray]":
    """Names to dense numpy arrays.

    source: a .safetensors file, a .npz file, a torch checkpoint (.pt, .pth, .bin; needs torch, which reads it with `weights_only`), a
        torch module, or a dictionary of numpy arrays or torch tensors. Sparse torch tensors (COO, CSR, CSC, BSR, BSC, semi-structured) become
        dense with exact zeros; what `torch.nn.utils.prune` keeps as NAME_orig and NAME_mask becomes NAME; bfloat16 becomes float32.

    Raises ValueError that names the file or the tensor.
    """
    return _apply_torch_masks(_read(source))


def _read(source: Any) -> "dict[str, np.ndarray]":
    if hasattr(source, "state_dict"):
        source = source.state_dict()
    if isinstance(source, Mapping):
        return {name: _dense(name, tensor) for name, tensor in source.items()}
    path = pathlib.Path(source)
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays.items())
    if path.suffix not in (".pt", ".pth", ".bin"):
        raise ValueError(f"{path}: expected .safetensors, .npz, .pt, .pth or .bin")
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, Mapping):
        raise ValueError(f"{path}: expected a dictionary of tensors, got {type(state).__name__}")
    return {name: _dense(name, tensor) for name, tensor in state.get("state_dict", state).items() if hasattr(tensor, "shape")}


def _dense(name: str, tensor: Any) -> np.ndarray:
    if isinstance(tensor, np.ndarray):
        return tensor
    if not hasattr(tensor, "layout"):
        raise ValueError(f"weight '{name}' is a {type(tensor).__name__}, expected a numpy array or a torch tensor")
    import torch

    tensor = tensor.detach().to_dense().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).contiguous().numpy()


def _apply_torch_masks(weights: "dict[str, np.ndarray]") -> "dict[str, np.ndarray]":
    """NAME for NAME_orig and NAME_mask, in its place."""
    result = {}
    for name, value in weights.items():
        base, mask = name.removesuffix("_orig"), weights.get(name.removesuffix("_orig") + "_mask")
        if base != name and mask is not None:
            if mask.shape != value.shape:
                raise ValueError(f"mask '{base}_mask' has shape {mask.shape}, weight '{name}' {value.shape}")
            result[base] = np.where(mask != 0, value, np.zeros((), value.dtype))
        elif not (name.endswith("_mask") and name.removesuffix("_mask") + "_orig" in weights):
            result[name] = value
    return result


def _initialisers(model: Any) -> "dict[str, Any]":
    return {tensor.name: tensor for tensor in model.graph.initializer}


def write_weights(model: PathLike, weights: Mapping[str, np.ndarray], out: PathLike, names: Optional[Mapping[str, str]] = None,
                  sparse: bool = False) -> "list[str]":
    """Writes the ONNX file `model` to `out` with `weights` in its initialisers; returns the names of those that were replaced.

    names: initialiser's name to weight's name, for exporters that rename; others match by equal names. A weight that no
        initialiser is called after is left out (a checkpoint holds more than a graph needs), but none at all is an error, and so is
        another shape. Weights that an exporter stored transposed ([inputs, outputs] for MatMul) are matched by their transposed shape when
        `names` names them.
    sparse: weights that are mostly zero become ONNX sparse initialisers (COO), which make a smaller file.

    Raises ValueError that names the initialiser and both shapes.
    """
    import onnx
    from onnx import numpy_helper

    proto = onnx.load(os.fspath(model))
    names = dict(names or {})
    replaced = []
    for name, tensor in _initialisers(proto).items():
        source = names.pop(name, name)
        if source not in weights:
            if source != name:
                raise ValueError(f"initialiser '{name}' is to hold '{source}', but there is no such weight")
            continue
        value, shape = np.asarray(weights[source]), tuple(tensor.dims)
        if source != name and value.shape != shape and value.shape == shape[::-1]:
            value = value.T
        if value.shape != shape:
            raise ValueError(f"initialiser '{name}' has shape {shape}, weight '{source}' {value.shape}")
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        value = np.ascontiguousarray(value.astype(dtype))
        replaced.append(name)
        if sparse and value.ndim >= 1 and np.count_nonzero(value) * 2 < value.size:
            proto.graph.initializer.remove(tensor)
            proto.graph.sparse_initializer.append(_sparse_tensor(name, value))
        else:
            tensor.CopyFrom(numpy_helper.from_array(value, name))
    if names:
        raise ValueError(f"the model has no initialiser called '{next(iter(names))}'")
    if not replaced:
        raise ValueError(f"none of the {len(weights)} weights is called as one of the {len(_initialisers(proto))} initialisers")
    onnx.save(proto, os.fspath(out))
    return replaced


def _sparse_tensor(name: str, value: np.ndarray) -> Any:
    """COO with linear indices in ascending order."""
    import onnx
    from onnx import numpy_helper

    flat = value.reshape(-1)
    places = np.flatnonzero(flat).astype(np.int64)
    return onnx.helper.make_sparse_tensor(numpy_helper.from_array(flat[places], name), numpy_helper.from_array(places, f"{name}_indices"),
                                          list(value.shape))


def mask_onnx(model: PathLike, out: PathLike, masks: Masks) -> None:
    """See `Masks.apply_to_onnx`."""
    import onnx
    from onnx import numpy_helper

    proto = onnx.load(os.fspath(model))
    tensors = _initialisers(proto)
    masks.check({name: tuple(tensor.dims) for name, tensor in tensors.items()})
    for name in masks:
        value = numpy_helper.to_array(tensors[name])
        tensors[name].CopyFrom(numpy_helper.from_array(np.where(masks[name], value, np.zeros((), value.dtype)), name))
    onnx.save(proto, os.fspath(out))
