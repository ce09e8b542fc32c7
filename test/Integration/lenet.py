"""Compiles a LeNet-5 with seeded weights for each instruction set and compares its answers with ONNX Runtime.

    lenet.py DIRECTORY ISA...

AArch64 (isa `neon`) is linked by the cross compiler and runs under qemu-aarch64; the others run here.
"""
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

INPUTS = pathlib.Path(__file__).parent / "Inputs"
# (name, shape of the weight): two convolutions with pooling, three dense layers.
CONVS = [("c1", (6, 1, 5, 5)), ("c2", (16, 6, 5, 5))]
DENSE = [("d1", (120, 256)), ("d2", (84, 120)), ("d3", (10, 84))]


def lenet(random):
    """LeNet-5 on 28x28; weights scaled so that values stay near 1."""
    nodes, weights, value = [], [], "image"

    def add(op, inputs, name, **attributes):
        nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def parameters(name, shape):
        scale = np.sqrt(2 / np.prod(shape[1:]))
        for suffix, array in (("w", random.standard_normal(shape) * scale), ("b", random.standard_normal(shape[0]) / 8)):
            weights.append(numpy_helper.from_array(array.astype(np.float32), f"{name}.{suffix}"))
        return [f"{name}.w", f"{name}.b"]

    for name, shape in CONVS:
        value = add("Conv", [value, *parameters(name, shape)], name)
        value = add("Relu", [value], f"{name}.relu")
        value = add("MaxPool", [value], f"{name}.pool", kernel_shape=[2, 2], strides=[2, 2])
    value = add("Flatten", [value], "flat")
    for name, shape in DENSE:
        value = add("Gemm", [value, *parameters(name, shape)], name, transB=1)
        if name != "d3":
            value = add("Relu", [value], f"{name}.relu")
    value = add("Softmax", [value], "scores", axis=1)
    graph = helper.make_graph(nodes, "lenet", [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [3, 1, 28, 28])],
                              [helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, [3, 10])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run_compiled(directory, isa):
    target = ["--target=aarch64-linux-gnu"] if isa == "neon" else []
    compiler = "aarch64-linux-gnu-gcc" if isa == "neon" else "cc"
    emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] if isa == "neon" else []
    folder = directory / isa
    folder.mkdir(exist_ok=True)
    command = lambda *arguments: subprocess.run([str(a) for a in arguments], check=True)
    command("nnopt-compile", directory / "lenet.onnx", "-o", folder / "model.o", f"--march={isa}", *target)
    command(compiler, "-std=c11", "-I", folder, INPUTS / "files.c", folder / "model.o", "-lgomp", "-lm", "-o", folder / "program")
    command(*emulator, folder / "program", directory / "image.raw", folder / "scores.raw")
    return np.fromfile(folder / "scores.raw", np.float32).reshape(3, 10)


def main():
    directory, isas = pathlib.Path(sys.argv[1]), sys.argv[2:]
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(5)
    model = lenet(random)
    onnx.save(model, directory / "lenet.onnx")
    image = random.random((3, 1, 28, 28), np.float32)
    image.tofile(directory / "image.raw")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected, = session.run(None, {"image": image})
    # Five layers of sums of at most 256 terms of size near 1: the largest sum of rounding errors is far below 5 * 256 * 2^-24.
    bound = 5 * 256 * 2.0**-24
    for isa in isas:
        error = float(np.abs(run_compiled(directory, isa) - expected).max())
        print(f"{isa}: {'agrees' if error <= bound else f'differs by {error}'}", flush=True)


if __name__ == "__main__":
    main()
