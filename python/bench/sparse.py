"""What pruning brings: nnopt on pruned models against the best dense fp32 of ONNX Runtime, OpenVINO and nnopt.

    python python/bench/sparse.py --threads 1 --markdown

All engines run the same pruned ONNX file, whose zeros stand in plain initializers; `nnopt dense` runs the file it was made
from. MiniLM leaves batch and length open for all; nnopt is told to expect 128 rows. Needs python/requirements-bench.txt. Interleaved as in peers.py; a ratio is the median over the rounds of
(best dense / nnopt). With --march=avx2, nnopt is held to AVX2, OpenVINO too (ONEDNN_MAX_CPU_ISA); ONNX Runtime has no such switch
and is left out.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import dataclasses
import os
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import measure
import nnopt
import peers
import pruned
import workloads


@dataclasses.dataclass(frozen=True)
class Case:
    """A pruned workload, what it was made from, and the bars (multiples of the best dense) on AVX-512 and AVX2."""

    workload: workloads.Workload
    dense: workloads.Workload
    bars: dict
    options: dict = dataclasses.field(default_factory=dict)

    def bar(self, arguments):
        return self.bars["avx2" if arguments.march or not "avx512f" in measure.machine()["flags"] else "avx512"]


def form_of(block):
    return "unstructured" if block == (1, 1) else f"{block[0]}x{block[1]}"


def case(dense, share, bars, block=(1, 1), choose=lambda layers: layers, **options):
    suffix = f"{round(share * 100)}" + (f"_{form_of(block)}" if block != (1, 1) else "")
    model = pruned.prune(dense.model, dense.model.with_name(f"{dense.model.stem}_pruned{suffix}.onnx"), share, block, choose)
    name = f"{dense.name}, {form_of(block)} {share * 100:.0f} %"
    return Case(dataclasses.replace(dense, name=name, model=model), dense, dict(zip(("avx512", "avx2"), bars)), options)


def all_cases(folder):
    """Name to a function that makes the case."""
    makers = {}

    def add_linear(rows, share, bars, block=(1, 1)):
        makers[f"linear-m{rows}-{form_of(block)}-{share:.2f}"] = lambda: case(workloads.linear(folder, 768, 3072, rows), share, bars, block)

    for share, bars in ((0.80, (4.5, 3)), (0.90, (9, 6)), (0.95, (13, 11))):
        add_linear(128, share, bars)
    for block in ((4, 1), (8, 1)):
        for share, bars in ((0.90, (10, 9)), (0.95, (19, 17))):
            add_linear(128, share, bars, block)
    add_linear(16, 0.90, (4.5, 4))
    add_linear(16, 0.90, (8, 6.5), (4, 1))
    add_linear(1, 0.90, (7.5, 6), (16, 1))
    for channels, extent in ((64, 56), (128, 28), (256, 14), (512, 7)):
        makers[f"conv3x3-{channels}"] = lambda c=channels, e=extent: case(workloads.conv(folder, c, c, e, 3), 0.90, (6, 4.5))
    makers["resnet50"] = lambda: case(workloads.all_workloads(folder)["resnet50"](), 0.90, (5, 3.5), choose=pruned.all_but_ends)
    for share, bars in ((0.80, (3.3, 2.5)), (0.90, (5, 3.5))):
        makers[f"minilm-{share:.2f}"] = lambda s=share, b=bars: case(workloads.minilm(folder), s, b, expected_rows=128)
    makers["efficientnet-lite0"] = lambda: case(
        workloads.all_workloads(folder)["efficientnet-lite0"](), 0.90, (2.5, 2),
        choose=lambda layers: [layer for layer in layers if layer.is_pointwise])
    return makers


def compare(item, threads, arguments):
    """Measures one case; returns a dictionary for the report."""
    options = item.options | ({"march": arguments.march} if arguments.march else {})
    calls = {"onnxruntime": peers.onnx_runtime(item.workload, threads)}
    expected = np.array(calls["onnxruntime"]())
    if arguments.march:
        del calls["onnxruntime"]
    if not arguments.without_openvino:
        calls["openvino"] = peers.openvino(item.workload, threads)
    calls["nnopt dense"] = peers.compiled(item.dense, threads, **options)
    calls["nnopt"] = peers.compiled(item.workload, threads, **options)
    error = peers.checked_error(calls["nnopt"](), expected)
    rounds = measure.interleave(calls, arguments.rounds, arguments.seconds)
    best = [min(values) for values in zip(*(values for name, values in rounds.items() if name != "nnopt"))]
    sizes = {name: peers.library_of(work, **options).stat().st_size for name, work in (("dense", item.dense), ("pruned", item.workload))}
    return {"workload": item.workload.name, "threads": threads, "bar": item.bar(arguments),
            "max_relative_error": error, "bytes": sizes, "rounds": rounds,
            "engines": {name: measure.summary(values) for name, values in rounds.items()},
            "ratio": measure.ratio(rounds["nnopt"], best)}


ENGINES = ("nnopt", "nnopt dense", "onnxruntime", "openvino")
HEADER = ["pruned workload", "threads", "nnopt ms", "nnopt dense ms", "ONNX Runtime ms", "OpenVINO ms", "ratio", "bar",
          "size / dense", "max rel. error"]


def rows_of(results):
    for result in results:
        if "error" in result:
            yield [result["workload"], result["threads"], *["-"] * 4, "failed", result["bar"], "-", "-"]
            continue
        cells = [peers.cell(result["engines"].get(name)) for name in ENGINES]
        yield [result["workload"], result["threads"], *cells, f"{result['ratio']:.2f}", result["bar"],
               f"{result['bytes']['pruned'] / result['bytes']['dense']:.2f}", f"{result['max_relative_error']:.1e}"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--march", help="hold nnopt to this instruction set (avx2), and OpenVINO with it")
    peers.add_arguments(parser, threads="1")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.march:
        os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"
    return peers.run(all_cases(arguments.models), compare, lambda item: (item.workload.name, item.bar(arguments)), HEADER, rows_of,
                     arguments)


if __name__ == "__main__":
    sys.exit(main())
