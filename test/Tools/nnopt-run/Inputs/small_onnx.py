"""Writes a model of three nodes, one of them without a name."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

weight = numpy_helper.from_array(np.array([[1, -2], [0.5, 3], [-1, 0.25]], np.float32), "w")
nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], name="first"), helper.make_node("Tanh", ["h"], ["t"]),
         helper.make_node("Mul", ["t", "h"], ["y"], name="last")]
graph = helper.make_graph(nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])], [weight])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), sys.argv[1])
