"""Small ONNX files for the tests.

SPDX-License-Identifier: Apache-2.0
"""

import onnx
from onnx import TensorProto, helper, numpy_helper


def save(path, nodes, weights, shape, result):
    """Writes a model from `x` of `shape` to `y` of `result`; returns its path."""
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)],
                              [numpy_helper.from_array(array, name) for name, array in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
