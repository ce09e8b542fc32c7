"""A short way to write ONNX graphs: every method adds a node and returns the name of its result.

SPDX-License-Identifier: Apache-2.0
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 10


class GraphBuilder:
    """Collects nodes and weights; `model()` checks the whole and returns it."""

    def __init__(self, name, opset=OPSET):
        self.name, self.opset = name, opset
        self.nodes, self.weights, self.inputs, self.outputs = [], {}, [], []

    def input(self, name, shape, dtype=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value, name, shape, dtype=TensorProto.FLOAT):
        self.node("Identity", [value], name=name)
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def weight(self, name, array):
        """Adds an initializer, once per name."""
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def ints(self, *values):
        """An int64 vector as a constant."""
        return self.weight("ints_" + "_".join(str(v).replace("-", "m") for v in values), np.array(values, np.int64))

    def scalar(self, value):
        """A float scalar as a constant."""
        return self.weight("scalar_" + repr(float(value)), np.array(value, np.float32))

    def node(self, op, inputs, name=None, **attributes):
        name = name or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def linear(self, x, name, weight, bias):
        """`x @ weight^T + bias` on the last dimension, as PyTorch keeps its weights."""
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", weight.T)])
        return self.node("Add", [product, self.weight(f"{name}.bias", bias)])

    def conv(self, x, name, weight, bias=None, stride=1, pads=None, groups=1):
        """A 2-D convolution; without `pads`, half the kernel on each side."""
        kernel = list(weight.shape[2:])
        pads = [k // 2 for k in kernel] * 2 if pads is None else pads
        inputs = [x, self.weight(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.weight(f"{name}.bias", bias))
        return self.node("Conv", inputs, kernel_shape=kernel, strides=[stride] * 2, pads=pads, group=groups)

    def batch_norm(self, x, name, tensors, epsilon):
        """A BatchNormalization with the four tensors that PyTorch names `NAME.weight` and so on."""
        keys = ("weight", "bias", "running_mean", "running_var")
        inputs = [self.weight(f"{name}.{key}", tensors[f"{name}.{key}"]) for key in keys]
        return self.node("BatchNormalization", [x, *inputs], epsilon=epsilon)

    def relu6(self, x):
        return self.node("Clip", [x, self.scalar(0), self.scalar(6)])

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.weights.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)],
                                  producer_name="nnopt_models", ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model)


def fold_batch_norm(weight, name, tensors, epsilon):
    """Returns weight and bias of the convolution that equals `weight` followed by the batch norm `name`."""
    scale = tensors[f"{name}.weight"] / np.sqrt(tensors[f"{name}.running_var"] + epsilon)
    bias = tensors[f"{name}.bias"] - tensors[f"{name}.running_mean"] * scale
    return (weight * scale.reshape(-1, 1, 1, 1)).astype(np.float32), bias.astype(np.float32)
