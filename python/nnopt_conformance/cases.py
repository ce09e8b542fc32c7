"""The test cases that the onnx package carries.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import onnx
from onnx import numpy_helper

MOST_PARAMETERS = 64  # elements of an input that may be a shape, axes, or the like
CATEGORIES = ("node", "simple", "pytorch-converted", "pytorch-operator")


@dataclass
class Case:
    """One model with input and output values. `source` is onnx's own record; models on disk are read when asked for."""

    name: str
    category: str
    source: object

    @property
    def rtol(self):
        return self.source.rtol

    @property
    def atol(self):
        return self.source.atol

    def model(self):
        if self.source.model is not None:
            return self.source.model
        return onnx.load(pathlib.Path(self.source.model_dir) / "model.onnx")

    def write(self, folder):
        """Writes the model as `folder/model.onnx`; a model on disk is used where it is, next to its external data."""
        if self.source.model_dir:
            return pathlib.Path(self.source.model_dir) / "model.onnx"
        path = pathlib.Path(folder) / "model.onnx"
        path.write_bytes(self.source.model.SerializeToString())
        return path

    def data_sets(self):
        """Yields pairs of lists of arrays: inputs and expected outputs."""
        if self.source.data_sets is not None:
            for inputs, outputs in self.source.data_sets:
                yield [as_array(value) for value in inputs], [as_array(value) for value in outputs]
            return
        for folder in sorted(pathlib.Path(self.source.model_dir).glob("test_data_set_*")):
            yield read_values(folder, "input"), read_values(folder, "output")

    def with_constants(self):
        """The case with small inputs of at most one dimension (shapes, axes, scales) as initializers; None if that leaves no other."""
        sets = list(self.data_sets())
        model = self.model()
        if len(sets) != 1 or len(sets[0][0]) != len(model.graph.input):
            return None
        small = [i for i, a in enumerate(sets[0][0]) if hasattr(a, "dtype") and a.ndim <= 1 and a.size <= MOST_PARAMETERS]
        if not small:
            return None
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        del changed.graph.input[:]
        inputs = []
        for i, (value, array) in enumerate(zip(model.graph.input, sets[0][0])):
            if i in small:
                changed.graph.initializer.append(numpy_helper.from_array(array, value.name))
            else:
                changed.graph.input.append(value)
                inputs.append(array)
        source = SimpleNamespace(model=changed, model_dir=None, data_sets=[(inputs, sets[0][1])], rtol=self.rtol, atol=self.atol)
        return Case(self.name, self.category, source)

    def ops(self):
        """Names of the operators in the model, each once."""
        return sorted({node.op_type for node in self.model().graph.node})


def as_array(value):
    """Some cases of onnx hold protobuf tensors instead of arrays."""
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def read_values(folder, kind):
    count = len(list(folder.glob(f"{kind}_*.pb")))
    return [numpy_helper.to_array(onnx.load_tensor(folder / f"{kind}_{index}.pb")) for index in range(count)]


def load_cases(categories=CATEGORIES, match=lambda name: True):
    """All cases of the categories whose name `match` accepts, in a fixed order."""
    from onnx.backend.test import loader

    cases = []
    for category in categories:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # onnx computes its expected infinities and NaNs with numpy
            sources = loader.load_model_tests(kind=category)
        cases += [Case(s.name, category, s) for s in sources if match(s.name)]
    return sorted(cases, key=lambda case: (CATEGORIES.index(case.category), case.name))
