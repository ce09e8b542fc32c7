"""Writes the networks of sparse_cases.py whose weights are single outputs, and the convolutions, as modules, for nnopt-run to compare with the interpreter.

    sparse_straight.py DIRECTORY

pack.py gives weights initial values, which straight-line code cannot be made from; here they stay constants of the object.
"""
import pathlib
import sys

from pack import module_text
from sparse_cases import chain_networks, large_networks, plane_networks, sparse_networks

directory = pathlib.Path(sys.argv[1])
directory.mkdir(parents=True, exist_ok=True)
for network in [*sparse_networks(), *large_networks(), *plane_networks(), *chain_networks()]:
    stored = "rows = 1," in "".join(network.lines) or network.name.startswith("planes")
    if stored and "dynamic0" not in network.name:
        dims = " ".join(f"--dim={name}={extent}" for name, extent in network.symbols.items())
        (directory / f"{network.name}.mlir").write_text(module_text(network))
        print(f"{network.name}.mlir {dims}".strip())
