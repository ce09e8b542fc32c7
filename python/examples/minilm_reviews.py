"""What one-shot pruning does to MiniLM: sentiment of movie reviews by a linear head on the compiled encoder.

    .venv/bin/pip install -r python/requirements-examples.txt
    .venv/bin/python python/examples/minilm_reviews.py --out build/examples

The head (logistic regression on mean-pooled vectors, scikit-learn) learns from the dense encoder on one half of the reviews; accuracy is that on the other
half. Each pruned encoder is judged twice: with this head, and with a head that learned from the pruned encoder's own vectors. Nothing else is
trained.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import pathlib
import re
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import nnopt  # noqa: E402
import nnopt_models  # noqa: E402
from examples import datasets, tables  # noqa: E402

BATCH, LENGTH = 16, 48  # a call; longer reviews are cut off
SPARSITIES = (0.5, 0.7, 0.8, 0.9)
# Methods of --prune. Those that weigh by activations take calibration inputs.
METHODS = {
    "magnitude, per layer": ("magnitude:{sparsity}", False),
    "magnitude, global": ("magnitude:{sparsity},scope=global", False),
    "Wanda": ("wanda:{sparsity}", True),
    "SparseGPT": ("sparsegpt:{sparsity}", True),
}
CALIBRATION = 128  # reviews, of those that the head learns from
COLUMNS = {
    "method": ("method", "{}"), "asked": ("pruned", "{:.0%}"), "accuracy": ("accuracy", "{:.1%}"), "refitted": ("own head", "{:.1%}"),
    "file_mib": ("file MiB", "{:.1f}"), "memory_mib": ("memory MiB", "{:.1f}"), "milliseconds": (f"ms for {BATCH} reviews, 1 thread", "{:.1f}"),
    "compile_seconds": ("compile s", "{:.1f}")}


def tokenize(path, texts):
    """The encoder's inputs, each int64 [texts, LENGTH]."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    encodings = tokenizer.encode_batch(texts)
    ids, mask = (np.array([getattr(e, key) for e in encodings], np.int64) for key in ("ids", "attention_mask"))
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def vectors(model, inputs):
    """Mean of the tokens that count, of length one: what this encoder was trained to make."""
    hidden = tables.answers(model, inputs, BATCH)
    mask = inputs["attention_mask"][:, :, None]
    mean = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def fit(features, labels):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10, max_iter=1000).fit(features, labels)


class Study:
    """The reviews in two halves, and the head of the dense encoder."""

    def __init__(self, texts, labels, folder, out, threads):
        self.network = nnopt_models.fetch("minilm-l6", folder)
        self.inputs = tokenize(nnopt_models.fetch("minilm-tokenizer", folder), texts)
        self.labels, self.half = labels, len(labels) // 2
        self.out, self.threads, self.head = pathlib.Path(out), threads, None

    def part(self, learn):
        rows = slice(self.half) if learn else slice(self.half, None)
        return {name: array[rows] for name, array in self.inputs.items()}, self.labels[rows]

    def calibration(self):
        """The file of inputs for the methods that look at activations, one array per input of the model."""
        path = self.out / "minilm_calibration.npz"
        np.savez(path, **{name: array[:CALIBRATION] for name, array in self.part(True)[0].items()})
        return path

    def row(self, method, sparsity, options):
        """Compiles, judges and measures one encoder. The first one must be dense: its head judges the others."""
        # A name of its own: the loader takes a file of a name that it knows for the one it has.
        path = self.out / f"minilm_{re.sub(r'[^a-z]+', '_', method.lower())}_{round(100 * sparsity)}.so"
        start = time.monotonic()
        nnopt.compile(self.network, path, march="native", threads=self.threads, dim={"batch": BATCH, "seq": LENGTH}, **options)
        seconds = time.monotonic() - start
        model = nnopt.load(path)
        (learn, learned), (judge, judged) = self.part(True), self.part(False)
        own = fit(vectors(model, learn), learned)
        self.head = self.head or own
        features = vectors(model, judge)
        feeds = {name: array[:BATCH] for name, array in judge.items()}
        row = {"method": method, "asked": sparsity, "accuracy": self.head.score(features, judged), "refitted": own.score(features, judged),
               **tables.footprint(model, path, feeds), "compile_seconds": seconds}
        path.unlink()
        return row


def run(study):
    """One row for the dense encoder, and one for every method and sparsity."""
    rows = [study.row("dense", 0.0, {})]
    for method, (prune, calibrates) in METHODS.items():
        for sparsity in SPARSITIES:
            options = {"prune": prune.format(sparsity=sparsity), **({"calibrate": study.calibration()} if calibrates else {})}
            rows.append(study.row(method, sparsity, options))
            print(tables.markdown(rows[-1:], COLUMNS).splitlines()[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="build/examples", help="folder of the results (default: build/examples)")
    parser.add_argument("--models", default="build/models", help="folder of models and packages (default: build/models)")
    parser.add_argument("--reviews", type=int, default=4800, help="how many, half of them for judging (default: 4800)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the compiled encoder (default: 2)")
    arguments = parser.parse_args()
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    texts, labels = datasets.reviews(pathlib.Path(arguments.models) / "cache", arguments.reviews)
    rows = run(Study(texts, labels, arguments.models, out, arguments.threads))
    facts = {"reviews": f"{len(texts)}, half of them judge", "threads": arguments.threads, "seconds": round(time.monotonic() - start),
             "command": " ".join(sys.argv)}
    print(tables.write(out, "minilm_reviews", rows, COLUMNS, facts))


if __name__ == "__main__":
    main()
