"""EfficientNet-lite0, MobileNetV2 and the ResNets as ONNX, from state dicts named as PyTorch names them.

SPDX-License-Identifier: Apache-2.0
"""

import numpy as np

from .graph import GraphBuilder, fold_batch_norm

IMAGE = 224

# EfficientNet-lite0: repeats, kernel, stride, expansion, input and output channels of each stage.
LITE0_STAGES = [(1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80),
                (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320)]

# MobileNetV2: expansion, output channels, repeats, stride.
MOBILENET_STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                    (6, 320, 1, 1)]

# ResNet: blocks per stage, and whether a block has the 1x1-3x3-1x1 bottleneck.
RESNETS = {18: ([2, 2, 2, 2], False), 50: ([3, 4, 6, 3], True)}


def same_pads(size, kernel, stride):
    """TensorFlow's padding, the odd pixel at the end; returns the pads and the output size."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return [total // 2, total // 2, total - total // 2, total - total // 2], out


def pooled(graph, x, channels):
    """Mean over the image, as a matrix."""
    mean = graph.node("GlobalAveragePool", [x])
    return graph.node("Reshape", [mean, graph.ints(-1, channels)])


def classifier(graph, x, name, tensors):
    weight = graph.weight(f"{name}.weight", tensors[f"{name}.weight"])
    return graph.node("Gemm", [x, weight, graph.weight(f"{name}.bias", tensors[f"{name}.bias"])], transB=1)


class EfficientNet:
    """EfficientNet-lite0 with its batch norms folded, as an exporter for inference writes it."""

    def __init__(self, tensors):
        self.tensors, self.graph, self.size = tensors, GraphBuilder("efficientnet_lite0"), IMAGE

    def conv(self, x, name, norm, stride=1, groups=1):
        weight, bias = fold_batch_norm(self.tensors[f"{name}.weight"], norm, self.tensors, 1e-3)
        pads, self.size = same_pads(self.size, weight.shape[2], stride)
        return self.graph.conv(x, name, weight, bias, stride, pads, groups)

    def block(self, x, name, stride, expansion, inputs, outputs):
        y = x
        if expansion != 1:
            y = self.graph.relu6(self.conv(y, f"{name}._expand_conv", f"{name}._bn0"))
        y = self.conv(y, f"{name}._depthwise_conv", f"{name}._bn1", stride, inputs * expansion)
        y = self.conv(self.graph.relu6(y), f"{name}._project_conv", f"{name}._bn2")
        return self.graph.node("Add", [y, x]) if stride == 1 and inputs == outputs else y

    def model(self):
        x = self.graph.input("image", [1, 3, IMAGE, IMAGE])
        x = self.graph.relu6(self.conv(x, "_conv_stem", "_bn0", 2))
        index = 0
        for repeats, _, stride, expansion, inputs, outputs in LITE0_STAGES:
            for repeat in range(repeats):
                first = repeat == 0
                x = self.block(x, f"_blocks.{index}", stride if first else 1, expansion,
                               inputs if first else outputs, outputs)
                index += 1
        x = self.graph.relu6(self.conv(x, "_conv_head", "_bn1"))
        x = self.graph.node("ReduceMean", [x, self.graph.ints(2, 3)], keepdims=0)
        self.graph.output(classifier(self.graph, x, "_fc", self.tensors), "logits", [1, 1000])
        return self.graph.model()


def build_efficientnet_lite0(tensors):
    return EfficientNet(tensors).model()


def build_mobilenet_v2(tensors):
    """MobileNetV2 with its batch norms as nodes and a dynamic batch."""
    graph = GraphBuilder("mobilenet_v2")

    def unit(x, name, norm, stride=1, groups=1):
        x = graph.conv(x, name, tensors[f"{name}.weight"], None, stride, None, groups)
        return graph.batch_norm(x, norm, tensors, 1e-5)

    x = graph.input("image", ["batch", 3, IMAGE, IMAGE])
    x = graph.relu6(unit(x, "features.0.0", "features.0.1", 2))
    channels, index = 32, 1
    for expansion, outputs, repeats, first_stride in MOBILENET_STAGES:
        for repeat in range(repeats):
            stride, name, y, part = first_stride if repeat == 0 else 1, f"features.{index}.conv", x, 0
            if expansion != 1:
                y = graph.relu6(unit(y, f"{name}.0.0", f"{name}.0.1"))
                part = 1
            y = graph.relu6(unit(y, f"{name}.{part}.0", f"{name}.{part}.1", stride, channels * expansion))
            y = unit(y, f"{name}.{part + 1}", f"{name}.{part + 2}")
            x = graph.node("Add", [x, y]) if stride == 1 and channels == outputs else y
            channels, index = outputs, index + 1
    x = graph.relu6(unit(x, "features.18.0", "features.18.1"))
    graph.output(classifier(graph, pooled(graph, x, 1280), "classifier.1", tensors), "logits", ["batch", 1000])
    return graph.model()


class RandomWeights:
    """Seeded weights for architectures whose trained ones no package carries: right for speed, not for answers."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def conv(self, outputs, inputs, kernel):
        deviation = np.sqrt(2 / (inputs * kernel * kernel))
        return (self.random.standard_normal((outputs, inputs, kernel, kernel)) * deviation).astype(np.float32)

    def norm(self, name, channels, gain=1.0):
        r = self.random
        return {f"{name}.weight": (gain * r.uniform(0.8, 1.2, channels)).astype(np.float32),
                f"{name}.bias": (0.1 * r.standard_normal(channels)).astype(np.float32),
                f"{name}.running_mean": (0.1 * r.standard_normal(channels)).astype(np.float32),
                f"{name}.running_var": r.uniform(0.8, 1.2, channels).astype(np.float32)}


class ResNet:
    """ResNet-18 or -50 with seeded weights, batch norms as nodes and a dynamic batch."""

    def __init__(self, depth):
        self.blocks, self.bottleneck = RESNETS[depth]
        self.graph, self.weights = GraphBuilder(f"resnet{depth}"), RandomWeights(depth)

    def conv(self, x, name, inputs, outputs, kernel, stride=1, gain=1.0):
        x = self.graph.conv(x, f"{name}.conv", self.weights.conv(outputs, inputs, kernel), None, stride)
        return self.graph.batch_norm(x, f"{name}.bn", self.weights.norm(f"{name}.bn", outputs, gain), 1e-5)

    def relu(self, x):
        return self.graph.node("Relu", [x])

    def block(self, x, name, inputs, width, outputs, stride):
        plan = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)] if self.bottleneck else \
               [(inputs, width, 3, stride), (width, outputs, 3, 1)]
        y = x
        for index, (c_in, c_out, kernel, step) in enumerate(plan):
            last = index == len(plan) - 1
            y = self.conv(y, f"{name}.{index}", c_in, c_out, kernel, step, 0.3 if last else 1.0)
            y = y if last else self.relu(y)
        if stride != 1 or inputs != outputs:
            x = self.conv(x, f"{name}.shortcut", inputs, outputs, 1, stride)
        return self.relu(self.graph.node("Add", [y, x]))

    def model(self):
        x = self.graph.input("image", ["batch", 3, IMAGE, IMAGE])
        x = self.relu(self.conv(x, "stem", 3, 64, 7, 2))
        x = self.graph.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        inputs = 64
        for stage, count in enumerate(self.blocks):
            width = 64 << stage
            outputs = width * (4 if self.bottleneck else 1)
            for index in range(count):
                stride = 2 if stage and not index else 1
                x = self.block(x, f"stage{stage}.{index}", inputs, width, outputs, stride)
                inputs = outputs
        r = self.weights.random
        tensors = {"fc.weight": (r.standard_normal((1000, inputs)) * 0.01).astype(np.float32),
                   "fc.bias": np.zeros(1000, np.float32)}
        self.graph.output(classifier(self.graph, pooled(self.graph, x, inputs), "fc", tensors),
                          "logits", ["batch", 1000])
        return self.graph.model()


def build_resnet(depth):
    return ResNet(depth).model()
