"""Writes a seed corpus for the importer's fuzzer: small models of onnx's own tests, and a dictionary of names.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys

import onnx

from nnopt_conformance.cases import load_cases

MAX_BYTES = 2048  # small files mutate well


def seeds():
    """One model per set of operators: the smallest."""
    smallest = {}
    for case in load_cases(["node", "simple"]):
        content, key = case.model().SerializeToString(), tuple(case.ops())
        if len(content) <= MAX_BYTES and (key not in smallest or len(content) < len(smallest[key][1])):
            smallest[key] = (case.name, content)
    return smallest.values()


def words():
    """Names that the importer knows and mutation would hardly find."""
    found = set()
    for schema in onnx.defs.get_all_schemas():
        found |= {schema.name, *schema.attributes}
    return sorted(found)


def main(folder):
    corpus = pathlib.Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for name, content in seeds():
        (corpus / f"{name}.onnx").write_bytes(content)
    (pathlib.Path(folder) / "onnx.dict").write_text("".join(f'"{word}"\n' for word in words()))


if __name__ == "__main__":
    main(sys.argv[1])
