"""Small ONNX models by name, for the importer's tests: models.py NAME FILE."""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

F, I64, U8, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8, TensorProto.BOOL


def info(name, shape, dtype=F):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs, outputs=None, weights=(), opset=21, functions=(), domains=()):
    """`nodes`: (op, inputs, outputs, attributes); `weights`: name to array."""
    made = [helper.make_node(op, i.split(), o.split(), name=f"{op}_{k}", **(a[0] if a else {}))
            for k, (op, i, o, *a) in enumerate(nodes)]
    outputs = outputs or [info(made[-1].output[0], None)]
    initializers = [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(weights).items()]
    graph = helper.make_graph(made, "g", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, functions=list(functions))


def ints(*values):
    return np.array(values, np.int64)


def f32(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def broadcast():
    return model([("Add", "x row", "a"), ("Mul", "a two", "b"), ("Add", "b column", "y")],
                 [info("x", ["n", 3]), info("row", [3]), info("column", ["n", 1])], weights={"two": np.float32(2)})


def positions():
    """A table cut to the length of the input, whose extents must meet another's and a constant."""
    return model([("Shape", "x", "s", {"start": 0, "end": 1}), ("Slice", "table zero s", "t"), ("Add", "x t", "a"),
                  ("Add", "a other", "b"), ("Add", "b three", "y")],
                 [info("x", ["n", "k"]), info("other", ["m", 1])],
                 weights={"table": f32(8, 1), "zero": ints(0), "three": f32(1, 3)})


def unsigned():
    return model([("Div", "x y", "z")], [info("x", [4], U8), info("y", [4], U8)],
                 [info("z", [4], U8)])


def compare():
    return model([("Less", "x y", "m"), ("Where", "m x y", "z")], [info("x", [4]), info("y", [4])])


def heads():
    """As exporters write attention: a Reshape whose extents come from Shape."""
    return model([("Shape", "x", "s", {"start": 0, "end": 2}), ("Concat", "s tail", "t", {"axis": 0}), ("Reshape", "x t", "r"),
                  ("Transpose", "r", "y", {"perm": [0, 2, 1, 3]})],
                 [info("x", ["batch", "seq", 384])], weights={"tail": ints(12, 32)})


def shape_arithmetic():
    """seq * 2 / 4 + 1 rows of ones: the extent is computed from the input's."""
    return model([("Shape", "x", "s"), ("Gather", "s one", "n"), ("Mul", "n two", "m"), ("Div", "m four", "k"),
                  ("Add", "k one", "e"), ("Unsqueeze", "e zero", "u"), ("ConstantOfShape", "u", "y")],
                 [info("x", ["batch", "seq"])],
                 weights={"zero": ints(0), "one": np.int64(1), "two": np.int64(2), "four": np.int64(4)})


def data_shape():
    return model([("Reshape", "x s", "y")], [info("x", [6]), info("s", [2], I64)])


def flatten():
    return model([("Reshape", "x s", "y")], [info("x", ["batch", 2, 3])], weights={"s": ints(0, -1)})


def slice_to_length():
    """Positions up to the length of the input, from a table of 512."""
    return model([("Shape", "x", "s", {"start": 1, "end": 2}), ("Slice", "table zero s one", "p"), ("Add", "x p", "y")],
                 [info("x", ["batch", "seq"])], weights={"table": f32(1, 512), "zero": ints(0), "one": ints(1)})


def linear():
    return model([("MatMul", "x w", "h"), ("Gemm", "h v b", "y", {"transB": 1})], [info("x", ["n", 4])],
                 weights={"w": f32(4, 8), "v": f32(3, 8), "b": f32(3)})


def products():
    return model([("MatMul", "a b", "c"), ("MatMul", "c v", "y")],
                 [info("a", ["n", 2, 4]), info("b", ["n", 4, 3]), info("v", [3])])


def quantized_weight():
    return model([("Cast", "q", "f", {"to": F}), ("Mul", "f s", "w"), ("MatMul", "x w", "y")], [info("x", [2, 4])],
                 weights={"q": np.arange(12, dtype=np.int8).reshape(4, 3), "s": f32(1, 3)})


def conv_batch_norm():
    """scale 2, mean 1, variance 4 - epsilon, shift 3: W' = W, b' = (0 - 1) * 1 + 3."""
    return model([("Conv", "x w", "c", {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
                  ("BatchNormalization", "c scale shift mean variance", "y", {"epsilon": 0.5})],
                 [info("x", ["n", 1, 8, 8])],
                 weights={"w": np.ones((1, 1, 3, 3), np.float32), "scale": np.float32([2]), "shift": np.float32([3]),
                          "mean": np.float32([1]), "variance": np.float32([3.5])})


def batch_norm_alone():
    return model([("BatchNormalization", "x scale shift mean variance", "y")], [info("x", [1, 2, 4])],
                 weights={name: f32(2) + 1 for name in ("scale", "shift", "mean", "variance")})


def same_pads():
    return model([("MaxPool", "x", "y", {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"})],
                 [info("x", [1, 1, 6, 5])])


def norms():
    return model([("LayerNormalization", "x g b", "l", {"axis": -1}), ("Softmax", "l", "y", {"axis": -1})],
                 [info("x", [2, "seq", 8])], weights={"g": f32(8), "b": f32(8)})


def old_softmax():
    return model([("Softmax", "x", "y", {"axis": 1})], [info("x", [2, 3, 4])], opset=11)


def reduce():
    return model([("ReduceMean", "x axes", "y", {"keepdims": 0})], [info("x", [2, "n", 4])], weights={"axes": ints(1)})


def pads():
    return model([("Pad", "x p v", "a"), ("Pad", "a q", "y", {"mode": "reflect"})], [info("x", [2, 3])],
                 weights={"p": ints(0, 1, 0, 2), "v": np.float32(7), "q": ints(1, 0, 0, 0)})


def function():
    body = [helper.make_node("Mul", ["a", "a"], ["s"]), helper.make_node("LeakyRelu", ["s"], ["r"])]
    body[1].attribute.append(helper.make_attribute_ref("alpha", helper.AttributeProto.FLOAT))
    body[1].attribute[-1].ref_attr_name = "slope"
    square = helper.make_function("own", "Square", ["a"], ["r"], body, [helper.make_opsetid("", 21)], ["slope"])
    made = model([("Square", "x", "y", {"slope": 0.25})], [info("x", [4])], functions=[square], domains=["own"])
    made.graph.node[0].domain = "own"
    return made


def unsorted():
    return model([("Relu", "h", "y"), ("Neg", "x", "h")], [info("x", [4])], outputs=[info("y", [4])])


def weights():
    """Names, a large weight as a resource, a bool and a constant of one element."""
    return model([("Gather", "table ids", "e"), ("Where", "mask e half", "y")], [info("ids", [2], I64)],
                 weights={"table": f32(100, 8), "mask": np.array([[True], [False]]), "half": np.float32(0.5)})


if __name__ == "__main__":
    save(globals()[sys.argv[1]](), sys.argv[2])
