"""LeNet-300-100 and LeNet-5, trained here in seconds on the 1797 digits that scikit-learn carries.

The digits are 8x8; they are enlarged to the 28x28 these networks are known for. LeNet-5 keeps seeded convolutions and
trains its dense layers, so that one small trainer serves both.

SPDX-License-Identifier: Apache-2.0
"""

import gzip

import numpy as np

from .graph import GraphBuilder

HELD_OUT = 297  # digits that training does not see


def read_digits(path):
    """Returns images [n, 28, 28] in 0..1 and labels [n]."""
    with gzip.open(path, "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    small = rows[:, :64].reshape(-1, 8, 8) / 16
    return np.pad(small.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2))), rows[:, 64].astype(np.int64)


def train_dense(x, labels, widths, seed, epochs=20, batch=32, rate=0.1):
    """Plain gradient descent on ReLU layers and a softmax; returns [(weight [out, in], bias)]."""
    random = np.random.default_rng(seed)
    sizes = [x.shape[1], *widths]
    layers = [[(random.standard_normal((o, i)) * np.sqrt(2 / i)).astype(np.float32), np.zeros(o, np.float32)]
              for i, o in zip(sizes, sizes[1:])]
    for _ in range(epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start:start + batch]
            values = [x[rows]]
            for index, (weight, bias) in enumerate(layers):
                y = values[-1] @ weight.T + bias
                values.append(np.maximum(y, 0) if index + 1 < len(layers) else y)
            error = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
            error /= error.sum(axis=1, keepdims=True)
            error[np.arange(len(rows)), labels[rows]] -= 1
            for index in reversed(range(len(layers))):
                weight, bias = layers[index]
                below = (error @ weight) * (values[index] > 0)
                weight -= rate / len(rows) * (error.T @ values[index])
                bias -= rate / len(rows) * error.sum(axis=0)
                error = below
    return layers


def dense_layers(graph, x, layers):
    for index, (weight, bias) in enumerate(layers):
        inputs = [x, graph.weight(f"fc{index}.weight", weight), graph.weight(f"fc{index}.bias", bias)]
        x = graph.node("Gemm", inputs, transB=1)
        if index + 1 < len(layers):
            x = graph.node("Relu", [x])
    return x


def build_lenet_300_100(digits):
    images, labels = digits
    layers = train_dense(images[HELD_OUT:].reshape(-1, 784), labels[HELD_OUT:], [300, 100, 10], seed=300)
    graph = GraphBuilder("lenet_300_100")
    flat = graph.node("Flatten", [graph.input("image", ["batch", 1, 28, 28])])
    graph.output(dense_layers(graph, flat, layers), "logits", ["batch", 10])
    return graph.model()


def relu_pool(x, weight, bias, pad):
    """Convolution, ReLU and 2x2 average pooling of [n, c, h, w] in numpy."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    y = np.maximum(np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True) + bias.reshape(1, -1, 1, 1), 0)
    n, c, h, w = y.shape
    return y.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


def build_lenet_5(digits):
    images, labels = digits
    random = np.random.default_rng(5)
    convs = [((random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32),
              (random.standard_normal(shape[0]) * 0.05).astype(np.float32), pad)
             for shape, pad in (((6, 1, 5, 5), 2), ((16, 6, 5, 5), 0))]
    features = images[HELD_OUT:, None]
    for weight, bias, pad in convs:
        features = relu_pool(features, weight, bias, pad)
    layers = train_dense(features.reshape(len(features), -1), labels[HELD_OUT:], [120, 84, 10], seed=5, rate=0.03)
    graph = GraphBuilder("lenet_5")
    x = graph.input("image", ["batch", 1, 28, 28])
    for index, (weight, bias, pad) in enumerate(convs):
        x = graph.node("Relu", [graph.conv(x, f"conv{index}", weight, bias, pads=[pad] * 4)])
        x = graph.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    graph.output(dense_layers(graph, graph.node("Flatten", [x]), layers), "logits", ["batch", 10])
    return graph.model()
