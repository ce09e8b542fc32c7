"""Pruned copies of the models that the benchmarks run: zeros in plain dense initializers, as training tools leave them.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import pathlib

import numpy as np
import onnx
from onnx import numpy_helper


@dataclasses.dataclass(frozen=True)
class Layer:
    """A node with a constant weight. `to_matrix` and `from_matrix` see it as `[outputs, elements of the sum]`."""

    name: str
    op: str
    weight: str
    shape: tuple
    stored_kn: bool
    groups: int

    def to_matrix(self, array):
        return array.T if self.stored_kn else array.reshape(array.shape[0], -1)

    def from_matrix(self, matrix):
        return np.ascontiguousarray(matrix.T if self.stored_kn else matrix.reshape(self.shape))

    @property
    def is_pointwise(self):
        """A convolution of one tap."""
        return self.op == "Conv" and self.groups == 1 and all(extent == 1 for extent in self.shape[2:])


def layers_of(model):
    """The linear layers and convolutions of an ONNX model, in the order of its nodes."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    layers = []
    for node in model.graph.node:
        if node.op_type not in ("MatMul", "Gemm", "Conv") or len(node.input) < 2 or len(shapes.get(node.input[1], ())) < 2:
            continue
        attributes = {a.name: a.i for a in node.attribute if a.type == onnx.AttributeProto.INT}
        stored_kn = node.op_type == "MatMul" or (node.op_type == "Gemm" and not attributes.get("transB"))
        layers.append(Layer(node.name, node.op_type, node.input[1], shapes[node.input[1]], stored_kn, attributes.get("group", 1)))
    return layers


def magnitude_mask(matrix, share, block):
    """True for what stays when the `share` of the blocks (outputs x elements) of least norm goes; ragged blocks count."""
    rows, columns = block
    outputs, depth = matrix.shape
    padded = np.pad(matrix, ((0, -outputs % rows), (0, -depth % columns)))
    norms = (padded.reshape(padded.shape[0] // rows, rows, -1, columns) ** 2).sum((1, 3))
    stay = np.ones(norms.size, bool)
    stay[np.argsort(norms, axis=None, kind="stable")[:round(share * norms.size)]] = False
    mask = np.repeat(np.repeat(stay.reshape(norms.shape), rows, 0), columns, 1)
    return mask[:outputs, :depth]


def all_but_ends(layers):
    """Everything except the first and the last layer, and what has groups: the usual choice for image classifiers."""
    return [layer for layer in layers[1:-1] if layer.groups == 1]


def prune(source, target, share, block=(1, 1), choose=lambda layers: layers):
    """Writes `source` with the same share of zeros in every layer that `choose` picks; returns the path `target`."""
    target = pathlib.Path(target)
    if target.exists():
        return target
    model = onnx.load(source)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for layer in choose(layers_of(model)):
        tensor = weights[layer.weight]
        matrix = layer.to_matrix(numpy_helper.to_array(tensor))
        tensor.CopyFrom(numpy_helper.from_array(layer.from_matrix(matrix * magnitude_mask(matrix, share, block)), tensor.name))
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, target)
    return target
