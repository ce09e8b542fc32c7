"""What 8-bit integers bring: nnopt on a quantized model against the best fp32 and the best int8 of ONNX Runtime, OpenVINO and nnopt.

    python python/bench/precision.py --threads 1 --markdown

ONNX Runtime's static quantizer makes the file (QDQ; u8 activations, i8 weights per output) that all engines run.
Calibrated on the inputs that are measured: this is about time. Interleaved as in peers.py. `differs` is the largest difference to ONNX Runtime on the same
file, of the largest value; engines that saturate or round elsewhere differ by steps of the quantization. Needs python/requirements-bench.txt.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import dataclasses
import logging
import sys

import numpy as np

import measure
import peers
import workloads


def quantized(workload):
    """The workload with a file of its own, quantized by ONNX Runtime."""
    from onnxruntime import quantization

    class Once(quantization.CalibrationDataReader):
        def __init__(self):
            self.samples = iter([workload.feeds])

        def get_next(self):
            return next(self.samples, None)

    path = workload.model.with_name(f"{workload.model.stem}_qdq.onnx")
    if not path.exists():
        logging.disable(logging.WARNING)
        quantization.quantize_static(str(workload.model), str(path), Once(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                                     activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
                                     op_types_to_quantize=["MatMul", "Gemm"])
        logging.disable(logging.NOTSET)
    return dataclasses.replace(workload, model=path, name=f"{workload.name}, int8")


def all_cases(folder):
    makers = {f"linear-m{rows}": lambda m=rows: workloads.linear(folder, 768, 3072, m) for rows in (128, 16, 1)}
    return makers | {"minilm": lambda: workloads.minilm(folder)}


def compare(dense, threads, arguments):
    """Measures one case; returns a dictionary for the report."""
    small = quantized(dense)
    floats = {"onnxruntime fp32": peers.onnx_runtime(dense, threads), "nnopt fp32": peers.compiled(dense, threads)}
    integers = {"onnxruntime": peers.onnx_runtime(small, threads)}
    if not arguments.without_openvino:
        floats["openvino fp32"], integers["openvino"] = peers.openvino(dense, threads), peers.openvino(small, threads)
    calls = floats | integers | {"nnopt": peers.compiled(small, threads)}
    expected = np.array(calls["onnxruntime"]())
    error = float(np.abs(calls["nnopt"]() - expected).max() / max(np.abs(expected).max(), 1e-30))
    rounds = measure.interleave(calls, arguments.rounds, arguments.seconds)
    best = lambda names: [min(values) for values in zip(*(rounds[name] for name in names))]
    return {"workload": small.name, "threads": threads, "bar": "-", "difference": error, "rounds": rounds,
            "engines": {name: measure.summary(values) for name, values in rounds.items()},
            "ratio": measure.ratio(rounds["nnopt"], best(floats)), "int8_ratio": measure.ratio(rounds["nnopt"], best(integers))}


ENGINES = ("nnopt", "onnxruntime", "openvino", "nnopt fp32", "onnxruntime fp32", "openvino fp32")
HEADER = ["quantized workload", "threads", "nnopt ms", "ONNX Runtime ms", "OpenVINO ms", "nnopt fp32 ms", "ONNX Runtime fp32 ms", "OpenVINO fp32 ms",
          "to fp32", "to int8", "differs"]


def rows_of(results):
    for result in results:
        if "error" in result:
            yield [result["workload"], result["threads"], *["-"] * len(ENGINES), "failed", "-", "-"]
            continue
        cells = [peers.cell(result["engines"].get(name)) for name in ENGINES]
        yield [result["workload"], result["threads"], *cells, f"{result['ratio']:.2f}", f"{result['int8_ratio']:.2f}", f"{result['difference']:.1e}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    peers.add_arguments(parser, threads="1")
    arguments = parser.parse_args()
    return peers.run(all_cases(arguments.models), compare, lambda item: (item.name, "-"), HEADER, rows_of, arguments)


if __name__ == "__main__":
    sys.exit(main())
