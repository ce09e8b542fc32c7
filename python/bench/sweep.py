"""Break-even curves of pruned linear layers: runs nnopt-bench --sweep and draws what it measured.

    python python/bench/sweep.py --isa avx2 --filter '^768-3072-' --json sweep.json --png sweep.png
    python python/bench/sweep.py --from sweep.json --png sweep.png

One panel per size, one curve per pattern: the dense time over that of what the cost model chooses (lines) and over the best measured (dots).
Needs python/requirements-bench.txt.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from artefact import BUILD


def measure(flags):
    command = [str(BUILD / "bin" / "nnopt-bench"), "--sweep", "--json", f"--isa={flags.isa}", f"--filter={flags.filter}",
               f"--rounds={flags.rounds}", f"--seconds={flags.seconds}"]
    # The progress and the summary go to standard error.
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def gains(point):
    """Dense time over the chosen form's, and over the best form's."""
    dense = point["dense"]["measured_us"]
    times = {form["form"]: form["measured_us"] for form in [point["dense"], *point["forms"]] if "measured_us" in form}
    return dense / times[point["choice"]], dense / min(times.values())


def draw(report, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = collections.defaultdict(lambda: collections.defaultdict(list))
    for point in report["points"]:
        # All N:M patterns make one curve: each has one sparsity.
        pattern = "N:M" if ":" in point["pattern"] else point["pattern"]
        panels[point["depth"], point["outputs"], point["rows"]][pattern].append((100 * point["sparsity"], *gains(point)))
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5 * columns, 4 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(panels):]:
        axis.remove()
    for axis, ((depth, outputs, m), curves) in zip(axes.flat, panels.items()):
        for pattern, points in curves.items():
            zeros, chosen, best = zip(*sorted(points))
            line, = axis.plot(zeros, chosen, label=pattern)
            axis.plot(zeros, best, ".", color=line.get_color())
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set(title=f"{depth} to {outputs}, {m} rows", xlabel="zeros in %", ylabel="times as fast as dense", yscale="log")
        axis.legend()
    figure.suptitle(f"{report['cpu']}, {report['isa']}, one thread: chosen (lines), best measured (dots)")
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", type=pathlib.Path, help="draw this JSON instead of measuring")
    parser.add_argument("--isa", default="native")
    parser.add_argument("--filter", default=".")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.01)
    parser.add_argument("--json", type=pathlib.Path, help="where to leave what was measured")
    parser.add_argument("--png", type=pathlib.Path, help="where to draw")
    flags = parser.parse_args()
    if not flags.json and not flags.png:
        parser.error("nothing to write: give --json or --png")
    report = json.loads(flags.source.read_text()) if flags.source else measure(flags)
    if flags.json:
        flags.json.write_text(json.dumps(report, indent=1))
    if flags.png:
        draw(report, flags.png)


if __name__ == "__main__":
    sys.exit(main())
