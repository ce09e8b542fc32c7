"""The main job of tools/quickstart: two networks become C programs, which are compared with ONNX Runtime.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import importlib.metadata
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import measure
import nnopt
import nnopt_models
from artefact import BUILD, ROOT, BenchError, compile_model, link_program, run_command
from nnopt_models.errors import ModelError
from nnopt_models.inputs import load_photo, tokenize
from workloads import SENTENCE

# Agreement asked of a network: fp32 sums in another order, over some fifty layers.
TOLERANCE = 1e-4


class Example:
    """One network, the C program around it and ONNX Runtime on the same input."""

    def __init__(self, folder, title, model, program, write_input):
        self.title, self.model, self.folder = title, nnopt_models.fetch(model, BUILD / "models"), folder
        self.object = folder / f"{model.replace('-', '_')}.o"
        self.source, self.program = ROOT / "docs" / "examples" / f"{program}.c", folder / program
        self.input, self.feeds = write_input(folder)

    def compile(self):
        """Compiles unless the object is newer than the compiler and the model; returns the seconds or None."""
        inputs = [self.model, BUILD / "bin" / "nnopt-compile"]
        if self.object.exists() and all(self.object.stat().st_mtime > p.stat().st_mtime for p in inputs if p.exists()):
            return None
        return compile_model(self.model, self.object)

    def link(self):
        link_program([self.source], self.object, self.program)

    def session(self, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(str(self.model), options, providers=["CPUExecutionProvider"])

    def run_program(self, threads, runs):
        """Runs the C program; returns its report, the median in milliseconds and its raw output."""
        raw = self.folder / "answer.raw"
        text = run_command([self.program, self.input, "--threads", threads, "--runs", runs, "--output", raw])
        return text.splitlines()[0], float(re.search(r"median ([0-9.]+) ms", text)[1]), np.fromfile(raw, np.float32)


def photo_input(folder):
    """Writes the photo as PPM and returns its path and the tensor that ONNX Runtime gets."""
    path = folder / "photo.ppm"
    tensor = load_photo(nnopt_models.fetch("photo", BUILD / "models"))
    pixels = np.rint(tensor[0] * 128 + 127).astype(np.uint8).transpose(1, 2, 0)
    path.write_bytes(b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes())
    return path, {"image": tensor}


def sentence_input(folder):
    """Writes the token numbers of a sentence and returns their path and what ONNX Runtime gets."""
    path = folder / "tokens.txt"
    feeds = tokenize(nnopt_models.fetch("minilm-tokenizer", BUILD / "models"), SENTENCE)
    path.write_text(" ".join(map(str, feeds["input_ids"][0])) + "\n")
    return path, feeds


def installed_size(distribution):
    """Bytes of an installed Python package's files."""
    files = importlib.metadata.files(distribution) or []
    return sum(path.stat().st_size for path in (pathlib.Path(f.locate()) for f in files) if path.exists())


def libgomp_size():
    """Bytes of the OpenMP runtime, the one library besides libc that the object needs."""
    path = subprocess.run(["gcc", "-print-file-name=libgomp.so.1"], capture_output=True, text=True).stdout.strip()
    return os.stat(path).st_size if os.path.isabs(path) else 0


def compare(example, threads, rounds):
    """Interleaves the C program and ONNX Runtime; returns one row of the table and the relative error."""
    session = example.session(threads)
    expected = session.run(None, example.feeds)[0]
    said, first, _ = example.run_program(threads, 3)
    print(f"    {example.program.name}: {said}")
    runs = max(3, min(200, int(150 / max(first, 0.01))))
    ours, theirs = [], []
    for index in range(rounds):
        def run_ours():
            ours.append(example.run_program(threads, runs))

        def run_theirs():
            theirs.append(statistics.median(
                measure.timed_calls(lambda: session.run(None, example.feeds), first * runs / 1e3)))

        for step in (run_ours, run_theirs) if index % 2 == 0 else (run_theirs, run_ours):
            step()
    answer = ours[-1][2].reshape(expected.shape)
    error = np.abs(answer - expected).max()
    relative = float(error / np.abs(expected).max())
    same = (answer.argmax(axis=-1) == expected.argmax(axis=-1)).mean()
    cells = [measure.summary([o[1] for o in ours]), measure.summary(theirs)]
    return [example.title, threads, f"{error:.1e}", f"{relative:.1e}", f"{same:.0%}",
            *(f"{c['median']:.2f} ±{c['spread'] * 100:.0f}%" for c in cells),
            f"{cells[1]['median'] / cells[0]['median']:.2f}x"], relative


HEADER = ["network", "threads", "max error", "relative", "same top-1", "nnopt ms", "ONNX Runtime ms", "speed"]


def sizes(examples):
    """The second table: what a user must install."""
    megabyte = 1e6
    other = installed_size("onnxruntime")
    rows = [["network", "object MB", "to install: object + libgomp MB", "to install: model + onnxruntime package MB"]]
    for example in examples:
        obj, model = example.object.stat().st_size, example.model.stat().st_size
        rows.append([example.title, f"{obj / megabyte:.1f}", f"{(obj + libgomp_size()) / megabyte:.1f}",
                     f"{(model + other) / megabyte:.1f}"])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    folder = BUILD / "quickstart"
    folder.mkdir(parents=True, exist_ok=True)
    print("--> Models (from their Python packages)")
    start = time.monotonic()
    examples = [Example(folder, "EfficientNet-lite0", "efficientnet-lite0", "classify", photo_input),
                Example(folder, "MiniLM-L6", "minilm-l6", "embed", sentence_input)]
    print(f"    done in {time.monotonic() - start:.0f} s")
    for example in examples:
        print(f"--> {example.title}: nnopt-compile {example.model.name} -o {example.object.name}")
        seconds = example.compile()
        print("    up to date" if seconds is None else f"    done in {seconds:.1f} s")
        print(f"--> {example.title}: cc {example.source.name} {example.object.name} -lgomp -lm")
        example.link()
    print("--> Run, interleaved with ONNX Runtime")
    measured = [compare(example, threads, arguments.rounds)
                for example in examples for threads in sorted({1, min(2, os.cpu_count())})]
    print(f"\n{measure.describe()}\n")
    print(measure.table(HEADER, [row for row, _ in measured], arguments.markdown))
    first, *rest = sizes(examples)
    print("\n" + measure.table(first, rest, arguments.markdown))
    worst = max(error for _, error in measured)
    if not worst <= TOLERANCE:
        print(f"error: an answer differs from ONNX Runtime's by {worst:.1e} of its largest value, "
              f"more than {TOLERANCE:.0e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchError, ModelError, nnopt.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
