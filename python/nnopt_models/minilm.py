"""MiniLM-L6: a BERT encoder of six layers, as ONNX with dynamic batch and length and an attention mask.

SPDX-License-Identifier: Apache-2.0
"""

import math

import numpy as np
from onnx import TensorProto

from .graph import GraphBuilder

LAYERS, HEADS, HIDDEN, EPSILON = 6, 12, 384, 1e-12


class Encoder:
    """Writes the layers of one encoder into a graph; `tensors` are named as in the checkpoint."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.graph = GraphBuilder("minilm_l6")

    def linear(self, x, name):
        return self.graph.linear(x, name, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def layer_norm(self, x, name):
        parts = [self.graph.weight(f"{name}.{key}", self.tensors[f"{name}.{key}"]) for key in ("weight", "bias")]
        return self.graph.node("LayerNormalization", [x, *parts], axis=-1, epsilon=EPSILON)

    def embeddings(self, ids, types):
        g = self.graph

        def table(name):
            return g.weight(f"{name}.weight", self.tensors[f"embeddings.{name}.weight"])

        words = g.node("Gather", [table("word_embeddings"), ids])
        kinds = g.node("Gather", [table("token_type_embeddings"), types])
        length = g.node("Shape", [ids], start=1, end=2)
        places = g.node("Slice", [table("position_embeddings"), g.ints(0), length, g.ints(0)])
        total = g.node("Add", [g.node("Add", [words, kinds]), places])
        return self.layer_norm(total, "embeddings.LayerNorm")

    def mask_bias(self, mask):
        """[batch, 1, 1, length]: 0 where a token counts, the lowest float where it does not."""
        g = self.graph
        keep = g.node("Cast", [g.node("Unsqueeze", [mask, g.ints(1, 2)])], to=TensorProto.BOOL)
        lowest = g.weight("lowest", np.array(np.finfo(np.float32).min, np.float32))
        return g.node("Where", [keep, g.scalar(0), lowest])

    def attention(self, x, bias, name):
        g = self.graph

        def heads(part, perm):
            split = g.node("Reshape", [self.linear(x, f"{name}.self.{part}"), g.ints(0, 0, HEADS, HIDDEN // HEADS)])
            return g.node("Transpose", [split], perm=perm)

        query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
        scores = g.node("Mul", [g.node("MatMul", [query, key]), g.scalar(1 / math.sqrt(HIDDEN // HEADS))])
        weights = g.node("Softmax", [g.node("Add", [scores, bias])], axis=-1)
        mixed = g.node("Transpose", [g.node("MatMul", [weights, value])], perm=[0, 2, 1, 3])
        joined = g.node("Reshape", [mixed, g.ints(0, 0, HIDDEN)])
        return g.node("Add", [self.linear(joined, f"{name}.output.dense"), x])

    def layer(self, x, bias, name):
        x = self.layer_norm(self.attention(x, bias, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
        inner = self.graph.node("Gelu", [self.linear(x, f"{name}.intermediate.dense")])
        outer = self.linear(inner, f"{name}.output.dense")
        return self.layer_norm(self.graph.node("Add", [outer, x]), f"{name}.output.LayerNorm")

    def model(self):
        shape = ["batch", "seq"]
        names = ("input_ids", "attention_mask", "token_type_ids")
        ids, mask, types = (self.graph.input(name, shape, TensorProto.INT64) for name in names)
        bias = self.mask_bias(mask)
        x = self.embeddings(ids, types)
        for index in range(LAYERS):
            x = self.layer(x, bias, f"encoder.layer.{index}")
        self.graph.output(x, "last_hidden_state", [*shape, HIDDEN])
        return self.graph.model()


def build(tensors):
    """The encoder as an ONNX model; `tensors` as read from the package's safetensors file."""
    return Encoder(tensors).model()
