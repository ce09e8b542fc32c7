"""Trains LeNet-300-100 and LeNet-5 on MNIST, prunes them to 12 times fewer parameters while training on, compiles both.

    .venv/bin/pip install -r python/requirements-examples.txt
    .venv/bin/python python/examples/lenet_mnist.py --mnist FOLDER --out build/examples

The numbers of Han et al. ("Learning both Weights and Connections" and "Deep Compression", 2015) stand beside ours. Hyper-parameters were chosen on 5000 images held out of the training set;
the test set judges the compiled networks once, at the end. Takes about two minutes on two cores.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import copy
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import nnopt  # noqa: E402
from examples import datasets, tables  # noqa: E402
from nnopt import prune  # noqa: E402

BATCH = 128
FEWER = 12  # times fewer parameters, biases included
# Error in percent of the reference and the pruned network, thousands of parameters, and which part of each weight is kept.
DEEP_COMPRESSION = {
    "LeNet-300-100": (1.64, 1.59, 267, 22, {"fc1": 0.08, "fc2": 0.09, "fc3": 0.26}),
    "LeNet-5": (0.80, 0.77, 431, 36, {"conv1": 0.66, "conv2": 0.12, "fc1": 0.08, "fc2": 0.19}),
}
COLUMNS = {
    "network": ("network", "{}"), "variant": ("variant", "{}"), "parameters": ("parameters", "{}"), "fewer": ("fewer", "{:.1f}x"),
    "validation_error": ("validation error", "{:.2f} %"), "test_error": ("test error", "{:.2f} %"), "paper_error": ("paper's error", "{:.2f} %"),
    "paper_thousands": ("paper's parameters", "{} k"), "kept": ("kept per layer", "{}"), "paper_kept": ("paper's", "{}"), "file_mib": ("file MiB", "{:.2f}"),
    "memory_mib": ("memory MiB", "{:.2f}"), "milliseconds": (f"ms for {BATCH} images, 1 thread", "{:.2f}")}


class LeNet300(nn.Module):
    """LeNet-300-100: three dense layers."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 300), nn.Linear(300, 100), nn.Linear(100, 10)

    def forward(self, x):
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


class LeNet5(nn.Module):
    """LeNet-5 in the form that Caffe has and the paper prunes: 20 and 50 filters, 500 neurons."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.pool = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2)
        self.fc1, self.fc2 = nn.Linear(800, 500), nn.Linear(500, 10)

    def forward(self, x):
        x = self.pool(self.conv2(self.pool(self.conv1(x))))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


# Network, then epochs and rates of dense training and of pruning. Rates fall to zero along a cosine.
NETWORKS = {"LeNet-300-100": (LeNet300, (6, 2e-3), (10, 2e-3)), "LeNet-5": (LeNet5, (2, 2e-3), (3, 2e-3))}


def shifted(images, generator):
    """Every image moved by up to one pixel in each direction: the only augmentation."""
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    down, right = torch.randint(3, (2,), generator=generator).tolist()
    return padded[:, :, down:down + 28, right:right + 28]


def train(network, data, epochs, rate, seed, pruner=None):
    """Adam on shuffled batches; `pruner.step` after each."""
    images, labels = map(torch.from_numpy, data)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    steps = epochs * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train()
    step = 0
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).split(BATCH):
            if len(rows) < BATCH:
                continue
            loss = nn.functional.cross_entropy(network(shifted(images[rows], generator)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if pruner:
                pruner.step(step)
            step += 1
    return network.eval()


def sparsity_for(network, fewer):
    """The part of the Linear and Conv weights that has to go for `fewer` times fewer parameters; biases stay."""
    total = sum(parameter.numel() for parameter in network.parameters())
    weights = sum(dict(network.named_parameters())[name].numel() for name in prune.layouts_of(network))
    return (total - total / fewer) / weights


def prune_while_training(network, data, epochs, rate, seed):
    """Cubic schedule over the first two thirds of the steps, one threshold for all layers."""
    steps = epochs * (len(data[1]) // BATCH)
    end = max(steps * 2 // 3, 1)
    schedule = prune.Cubic(sparsity_for(network, FEWER), end=end, frequency=max(end // 40, 1))
    pruner = prune.TorchPruner(network, schedule, scope="global")
    train(network, data, epochs, rate, seed, pruner)
    return pruner.masks


def export(network, path):
    torch.onnx.export(network, (torch.zeros(2, 1, 28, 28),), str(path), dynamo=True, input_names=["image"], output_names=["logits"],
                      dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False, verbose=False)


def error_of(model, data):
    """Percent of wrong answers of the compiled network."""
    images, labels = data
    return 100 * float((tables.answers(model, {"image": images}, BATCH).argmax(axis=1) != labels).mean())


def agreement(model, network, images):
    """Largest difference of the compiled network's answers from PyTorch's, relative to the largest answer."""
    with torch.no_grad():
        want = network(torch.from_numpy(images)).numpy()
    return float(np.abs(tables.answers(model, {"image": images}, BATCH) - want).max() / np.abs(want).max())


def row_of(title, variant, network, masks, data, out):
    """Exports, compiles and measures one network; one row of the table."""
    _, validation, test = data
    path = out / f"{title.lower().replace('-', '_')}_{variant.split()[0]}.onnx"
    export(network, path)
    # The pruned file has the zeros; masks by name as well, which must find their weights.
    nnopt.compile(path, path.with_suffix(".so"), march="native", threads=0, dim={"batch": BATCH}, mask=masks)
    model = nnopt.load(path.with_suffix(".so"))
    difference = agreement(model, network, validation[0][:BATCH])
    if difference > 1e-4:
        raise SystemExit(f"{path}: the compiled network differs from PyTorch's by {difference:.1e}")
    parameters = sum(int((parameter != 0).sum()) for parameter in network.parameters())
    total = sum(parameter.numel() for parameter in network.parameters())
    reference, pruned, thousands, left, kept = DEEP_COMPRESSION[title]
    row = {"network": title, "variant": variant, "parameters": parameters, "fewer": total / parameters, "validation_error": error_of(model, validation),
           "test_error": error_of(model, test), "paper_error": pruned if masks else reference, "paper_thousands": left if masks else thousands,
           **tables.footprint(model, path.with_suffix(".so"), {"image": test[0][:BATCH]})}
    if masks:
        ours = {name.removesuffix(".weight"): mask.mean() for name, mask in masks.items()}
        row["kept"] = ", ".join(f"{name} {part:.0%}" for name, part in ours.items())
        row["paper_kept"] = ", ".join(f"{name} {part:.0%}" for name, part in kept.items())
    return row


def run(title, data, out, effort=1.0, seed=1):
    """Both rows of one network; `effort` multiplies the epochs."""
    torch.manual_seed(seed)
    make, *plans = NETWORKS[title]
    dense_plan, pruning_plan = ((max(round(epochs * effort), 1), rate) for epochs, rate in plans)
    dense = train(make(), data[0], *dense_plan, seed)
    pruned = copy.deepcopy(dense)
    masks = prune_while_training(pruned, data[0], *pruning_plan, seed + 1)
    masks.save(out / f"{title.lower().replace('-', '_')}_masks.npz")
    return [row_of(title, "dense", dense, None, data, out), row_of(title, "pruned while training", pruned, masks, data, out)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="build/examples", help="folder of the results (default: build/examples)")
    parser.add_argument("--mnist", required=True, help="folder of the four idx files of MNIST")
    parser.add_argument("--only", choices=list(NETWORKS), help="one network")
    parser.add_argument("--effort", type=float, default=1, help="multiplies the epochs (default: 1)")
    parser.add_argument("--threads", type=int, help="threads of PyTorch (default: its own choice)")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    start, data = time.monotonic(), datasets.mnist(arguments.mnist)
    rows = []
    for title in [arguments.only] if arguments.only else NETWORKS:
        rows += run(title, data, out, arguments.effort)
        print(tables.markdown(rows, COLUMNS), flush=True)
    facts = {"torch": torch.__version__, "seconds": round(time.monotonic() - start), "command": " ".join(sys.argv)}
    print(tables.write(out, "lenet_mnist", rows, COLUMNS, facts))


if __name__ == "__main__":
    main()
