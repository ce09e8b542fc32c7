"""What the benchmarks run: models, inputs and the ratios we hold ourselves to.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import pathlib

import numpy as np
import onnx

import nnopt_models
from nnopt_models.graph import GraphBuilder
from nnopt_models.inputs import load_photo, tokenize

SENTENCE = "A newcomer types one command and watches a real network turn into an object file that answers at once."


@dataclasses.dataclass(frozen=True)
class Workload:
    """A model with one input; `bar` is the speed it should reach, as a multiple of the better peer's."""

    name: str
    model: pathlib.Path
    feeds: dict
    bar: float = None


def saved(path, build):
    """`path`, with the graph that `build` adds to a GraphBuilder if the file is not there yet."""
    if not path.exists():
        graph = GraphBuilder(path.stem)
        build(graph)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(graph.model(), path)
    return path


def linear(folder, inputs, outputs, rows):
    """One fp32 layer with bias."""
    random = np.random.default_rng(inputs + rows)

    def build(graph):
        weight = (random.standard_normal((outputs, inputs)) / np.sqrt(inputs)).astype(np.float32)
        y = graph.linear(graph.input("x", [rows, inputs]), "fc", weight, np.ones(outputs, np.float32))
        graph.output(y, "y", [rows, outputs])

    path = saved(pathlib.Path(folder) / f"linear_{inputs}_{outputs}_m{rows}.onnx", build)
    feeds = {"x": random.standard_normal((rows, inputs)).astype(np.float32)}
    return Workload(f"linear {inputs}->{outputs} M={rows}", path, feeds, 0.95)


def conv(folder, inputs, outputs, extent, taps):
    """One fp32 convolution with bias over `extent` x `extent` positions of an image, an odd number of taps each way."""
    random = np.random.default_rng(inputs + extent)

    def build(graph):
        weight = (random.standard_normal((outputs, inputs, taps, taps)) / np.sqrt(inputs * taps * taps)).astype(np.float32)
        y = graph.conv(graph.input("x", [1, inputs, extent, extent]), "conv", weight, np.ones(outputs, np.float32))
        graph.output(y, "y", [1, outputs, extent, extent])

    path = saved(pathlib.Path(folder) / f"conv_{inputs}_{outputs}_{extent}_{taps}x{taps}.onnx", build)
    feeds = {"x": random.standard_normal((1, inputs, extent, extent)).astype(np.float32)}
    return Workload(f"conv {taps}x{taps} {extent}x{extent} {inputs}->{outputs}", path, feeds)


def minilm(folder, length=128, words=SENTENCE):
    """MiniLM on one sentence, padded to `length` with the padding masked."""
    model, tokenizer = (nnopt_models.fetch(name, folder) for name in ("minilm-l6", "minilm-tokenizer"))
    return Workload(f"MiniLM 1x{length}", model, tokenize(tokenizer, words, length), 1.0)


def image_net(folder, name, title, bar):
    """An image classifier on the packaged photo."""
    model, photo = (nnopt_models.fetch(part, folder) for part in (name, "photo"))
    return Workload(title, model, {"image": load_photo(photo)}, bar)


def all_workloads(folder):
    """Name to a function that makes the workload, in the order of the report."""
    makers = {}
    for inputs, outputs in ((768, 3072), (3072, 768)):
        for rows in (1, 16, 128, 512):
            makers[f"linear-{inputs}-{outputs}-m{rows}"] = lambda i=inputs, o=outputs, r=rows: linear(folder, i, o, r)
    makers["minilm"] = lambda: minilm(folder)
    makers["efficientnet-lite0"] = lambda: image_net(folder, "efficientnet-lite0", "EfficientNet-lite0", 0.9)
    makers["resnet50"] = lambda: image_net(folder, "resnet50", "ResNet-50 batch 1", 0.9)
    return makers
