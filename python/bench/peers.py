"""Latency of nnopt against ONNX Runtime and OpenVINO in fp32: same model, input and threads, interleaved in one run.

    python python/bench/peers.py --threads 1,2 --markdown

Needs python/requirements-bench.txt. The order of the engines rotates over the rounds; a ratio is the median over the
rounds of (better peer / nnopt), so above 1 means that nnopt is faster.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import json
import os
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import measure
import nnopt
import workloads
from artefact import BUILD, BenchError, compile_model
from nnopt.model import c_name


def onnx_runtime(workload, threads):
    """A function that runs the model once in ONNX Runtime and returns its first output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(workload.model), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, workload.feeds)[0]


def openvino(workload, threads):
    """The same in OpenVINO, told to compute in fp32 (it would take bf16 where the processor has it)."""
    import openvino as ov

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY"}
    core = ov.Core()
    model = core.read_model(str(workload.model))
    model.reshape({name: list(array.shape) for name, array in workload.feeds.items()})
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    for name, array in workload.feeds.items():
        request.set_tensor(name, ov.Tensor(array, shared_memory=True))
    return lambda: (request.infer(), request.get_output_tensor(0).data)[1]


def library_of(workload, **options):
    """Where the compiled model lies."""
    suffix = "".join(f"_{value}" for value in options.values())
    return BUILD / "bench" / f"{c_name(workload.model)}{suffix}.so"


def compiled(workload, threads, **options):
    """The same through nnopt, compiled with these options."""
    library = library_of(workload, **options)
    compile_model(workload.model, library, **options)
    call = nnopt.load(library, threads=threads).bind(**workload.feeds)
    return lambda: call()[0]


def checked_error(answer, expected):
    """How far the answer is off, of the largest expected value; raises BenchError where that is wrong."""
    error = float(np.abs(answer - expected).max() / max(np.abs(expected).max(), 1e-30))
    if not error <= MAX_RELATIVE_ERROR:
        raise BenchError(f"the answer differs from ONNX Runtime's by {error:.1e} of its largest value")
    return error


def cell(engine):
    """The median and the spread of one engine, which may be missing."""
    return f"{engine['median']:.3f} ±{engine['spread'] * 100:.0f}%" if engine else "-"


def compare(workload, threads, arguments):
    """Measures one workload; returns a dictionary for the report."""
    calls = {"onnxruntime": onnx_runtime(workload, threads)}
    expected = np.array(calls["onnxruntime"]())
    if not arguments.without_openvino:
        calls["openvino"] = openvino(workload, threads)
    calls["nnopt"] = compiled(workload, threads)
    error = checked_error(calls["nnopt"](), expected)
    rounds = measure.interleave(calls, arguments.rounds, arguments.seconds)
    peers = [name for name in calls if name != "nnopt"]
    best = [min(values) for values in zip(*(rounds[name] for name in peers))]
    return {"workload": workload.name, "threads": threads, "bar": workload.bar, "max_relative_error": error,
            "engines": {name: measure.summary(values) for name, values in rounds.items()},
            "rounds": rounds, "ratio": measure.ratio(rounds["nnopt"], best)}


def rows_of(results):
    for result in results:
        if "error" in result:
            yield [result["workload"], result["threads"], "-", "-", "-", "failed", result["bar"], "-"]
            continue
        cells = [cell(result["engines"].get(name)) for name in ("nnopt", "onnxruntime", "openvino")]
        yield [result["workload"], result["threads"], *cells, f"{result['ratio']:.2f}", result["bar"],
               f"{result['max_relative_error']:.1e}"]


# An answer further off than this, of the largest value, is wrong: the sums are at most 4608 long in fp32.
MAX_RELATIVE_ERROR = 1e-3

HEADER = ["workload", "threads", "nnopt ms", "ONNX Runtime ms", "OpenVINO ms", "ratio", "bar", "max rel. error"]


def add_arguments(parser, threads):
    """The arguments of all comparisons."""
    parser.add_argument("--threads", default=threads, help="thread counts (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=8, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.12, help="time for one engine in one round")
    parser.add_argument("--only", default="", help="run the workloads whose name contains this")
    parser.add_argument("--models", type=pathlib.Path, default=BUILD / "models", help="folder of the models")
    parser.add_argument("--without-openvino", action="store_true", help="compare with ONNX Runtime only")
    parser.add_argument("--json", type=pathlib.Path, help="also write everything measured to this file")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/Performance.md")


def run(makers, measure_one, label, header, rows, arguments):
    """Measures what `makers` (name to function) make and prints the table; returns the exit code.

    `measure_one(item, threads, arguments)` gives one result, `label(item)` its name and bar, `rows(results)` the cells.
    """
    measure.real_time()
    print(measure.describe(), flush=True)
    results = []
    for key, make in makers.items():
        if arguments.only not in key:
            continue
        item = make()
        name, bar = label(item)
        for threads in map(int, arguments.threads.split(",")):
            os.environ["OMP_NUM_THREADS"] = str(threads)
            try:
                results.append(measure_one(item, threads, arguments))
            except (BenchError, nnopt.Error) as error:
                print(f"error: {name}: {error}", file=sys.stderr)
                results.append({"workload": name, "threads": threads, "bar": bar, "error": str(error)})
            print(f"{name}, {threads} threads: {results[-1].get('ratio', float('nan')):.2f}", file=sys.stderr)
    print(measure.table(header, list(rows(results)), arguments.markdown))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": measure.machine(), "results": results}, indent=1))
    return 1 if any("error" in result for result in results) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, threads="1,2")
    arguments = parser.parse_args()
    return run(workloads.all_workloads(arguments.models), compare, lambda workload: (workload.name, workload.bar), HEADER, rows_of,
               arguments)


if __name__ == "__main__":
    sys.exit(main())
