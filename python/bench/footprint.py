"""What a compiled model costs besides its latency: compile time, code, memory, time to the first answer.

    python python/bench/footprint.py --markdown

The program measured is a generated C file of some forty lines that links the object, runs it once and prints the planned
workspace and its own peak memory (VmHWM; what wait4 reports would include this script's, from before exec). The time to
the first answer runs from before its start to after its end, so it includes loading, planning, running and leaving.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import measure
import nnopt
import workloads
from artefact import BUILD, BenchError, compile_model, link_program, run_command
from nnopt.abi import code_of
from nnopt.model import c_name

WEIGHTS_SECTION = ".nnopt.weights"

PROGRAM = """#include "{name}.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long peak_kib(void) {{
  char line[256];
  long peak = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (!strncmp(line, "VmHWM:", 6))
      peak = atol(line + 6);
  return peak;
}}

int main(void) {{
  nnopt_tensor in[] = {{{inputs}}}, out[{outputs}] = {{{{0}}}};
  nnopt_options options = {{.threads = {threads}}};
  size_t bytes = 0;
  int status = {name}_plan(in, out, &bytes);
  for (int i = 0; !status && i < {outputs}; ++i) {{
    size_t size = 8;
    for (int d = 0; d < out[i].rank; ++d)
      size *= (size_t)out[i].shape[d];
    out[i].data = malloc(size);
  }}
  if (!status)
    status = {name}_run(in, out, aligned_alloc(64, (bytes / 64 + 1) * 64), &options);
  printf("%zu %ld\\n", bytes, peak_kib());
  return status;
}}
"""


def c_program(name, feeds, outputs, threads):
    """The C source that runs the model once on zeros of the inputs' shapes."""
    inputs = []
    for array in feeds:
        shape = ", ".join(map(str, array.shape))
        inputs.append(f"{{.data = calloc(1, {array.nbytes}), .dtype = {code_of(array.dtype)}, .rank = {array.ndim}, "
                      f".shape = {{{shape}}}}}")
    return PROGRAM.format(name=name, inputs=", ".join(inputs), outputs=outputs, threads=threads)


def section_sizes(obj):
    """Bytes of weights and of everything else that an object brings into a process."""
    listing = run_command(["size", "-A", "-d", obj])
    weights = code = 0
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) != 3 or not fields[1].isdigit():
            continue
        if fields[0].startswith(WEIGHTS_SECTION):
            weights += int(fields[1])
        elif fields[0].startswith((".text", ".rodata", ".data", ".eh_frame", ".bss", ".lrodata")):
            code += int(fields[1])
    return weights, code


def run_once(program):
    """Runs the program; returns milliseconds from start to end, planned workspace and peak memory in bytes."""
    start = time.perf_counter()
    done = subprocess.run([program], capture_output=True, text=True)
    elapsed = (time.perf_counter() - start) * 1e3
    if done.returncode:
        raise BenchError(f"{program} ends with {done.returncode}")
    workspace, peak_kib = map(int, done.stdout.split())
    return elapsed, workspace, peak_kib * 1024


def footprint(workload, arguments):
    """Compiles, links and runs one workload; returns its row as a dictionary."""
    import onnx

    graph = onnx.load(workload.model, load_external_data=False).graph
    name = c_name(workload.model)
    obj = BUILD / "bench" / f"{name}.o"
    seconds = statistics.median(compile_model(workload.model, obj) for _ in range(arguments.compilations))
    source = obj.with_name(f"{name}_once.c")
    feeds = [workload.feeds[value.name] for value in graph.input]
    source.write_text(c_program(name, feeds, len(graph.output), arguments.threads))
    program = link_program([source], obj, source.with_suffix(""))
    runs = [run_once(program) for _ in range(arguments.runs)]
    weights, code = section_sizes(obj)
    return {"workload": workload.name, "compile_s": seconds, "weights": weights, "code": code,
            "workspace": runs[0][1], "peak_rss": int(statistics.median(r[2] for r in runs)),
            "first_answer_ms": statistics.median(r[0] for r in runs)}


HEADER = ["workload", "compile s", "weights MiB", "code KiB", "workspace MiB", "peak memory MiB", "allowed MiB",
          "first answer ms"]


def row_of(result):
    mib = 1 << 20
    allowed = 1.3 * (result["weights"] + result["workspace"]) / mib + 10
    return [result["workload"], f"{result['compile_s']:.1f}", f"{result['weights'] / mib:.1f}",
            f"{result['code'] / 1024:.0f}", f"{result['workspace'] / mib:.2f}", f"{result['peak_rss'] / mib:.1f}",
            f"{allowed:.1f}", f"{result['first_answer_ms']:.1f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run the workloads whose name contains this")
    parser.add_argument("--models", type=pathlib.Path, default=BUILD / "models", help="folder of the models")
    parser.add_argument("--threads", type=int, default=0, help="threads of the program (default: the runtime's choice)")
    parser.add_argument("--runs", type=int, default=9, help="starts of the program (default: %(default)s)")
    parser.add_argument("--compilations", type=int, default=1, help="compilations to time (default: %(default)s)")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results to this file")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/Performance.md")
    arguments = parser.parse_args()
    print(measure.describe(), flush=True)
    results, failed = [], False
    for name, make in workloads.all_workloads(arguments.models).items():
        if name.startswith("linear") or arguments.only not in name:
            continue
        try:
            results.append(footprint(make(), arguments))
        except (BenchError, nnopt.Error) as error:
            failed = True
            print(f"error: {name}: {error}", file=sys.stderr)
    print(measure.table(HEADER, [row_of(result) for result in results], arguments.markdown))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": measure.machine(), "results": results}, indent=1))
    return failed


if __name__ == "__main__":
    sys.exit(main())
