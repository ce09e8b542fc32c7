"""Runs one model on sparse values that are assembled at run time, in all formats, and compares compiled code and the interpreter with numpy.

    sparse_tensors.py DIRECTORY [nnopt-compile options]

The number of values is dynamic: one compiled model takes all matrices, also empty ones and buffers that describe no matrix.
"""
import pathlib
import subprocess
import sys

import numpy as np

ROWS, COLUMNS, BLOCK, BATCH = 8, 12, 2, 5
FORMATS = {
    "csr": "(i, j) -> (i : dense, j : compressed)",
    "csc": "(i, j) -> (j : dense, i : compressed)",
    "dcsr": "(i, j) -> (i : compressed, j : compressed)",
    "coo": "(i, j) -> (i : compressed(nonunique), j : singleton)",
    "soa": "(i, j) -> (i : compressed(nonunique), j : singleton(soa))",
    "bsr": "(i, j) -> (i floordiv 2 : dense, j floordiv 2 : compressed, i mod 2 : dense, j mod 2 : dense)",
    "strips": "(i, j) -> (i floordiv 4 : dense, j : compressed, i mod 4 : dense)",
    "unordered": "(i, j) -> (i : dense, j : compressed(nonordered))",
}
# What is computed, the type of its result, and the same in numpy.
PRODUCTS = {
    "matmul": ("linalg.matmul ins({a}, %x : {type}, tensor<12x5xf32>)", (ROWS, BATCH), lambda a, i: a @ i["x"]),
    "right": ("linalg.matmul ins(%y, {a} : tensor<5x8xf32>, {type})", (BATCH, COLUMNS), lambda a, i: i["y"] @ a),
    "matvec": ("linalg.matvec ins({a}, %v : {type}, tensor<12xf32>)", (ROWS,), lambda a, i: a @ i["v"]),
    "sum": ("linalg.add ins({a}, %d : {type}, tensor<8x12xf32>)", (ROWS, COLUMNS), lambda a, i: a + i["d"]),
    "times": ("linalg.mul ins(%d, {a} : tensor<8x12xf32>, {type})", (ROWS, COLUMNS), lambda a, i: a * i["d"]),
    "gram": ("linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>] "
             "ins({a}, {a} : {type}, {type})", (ROWS, ROWS), lambda a, i: a @ a.T),
    "dense": (None, (ROWS, COLUMNS), lambda a, i: a),
}


def compressed(lines, count):
    """Positions and coordinates of (line, coordinate) pairs that are sorted by line."""
    positions = np.searchsorted([line for line, _ in lines], np.arange(count + 1))
    return [positions, np.array([c for _, c in lines], dtype=np.int64)]


def buffers(name, a):
    """What `sparse_tensor.assemble` takes: the levels, and the values."""
    rows, columns = (a != 0).nonzero()
    pairs = list(zip(rows, columns))
    values = a[rows, columns]
    if name in ("csr", "unordered"):
        return [*compressed(pairs, ROWS), values]
    if name == "csc":
        pairs.sort(key=lambda p: (p[1], p[0]))
        return [*compressed([(j, i) for i, j in pairs], COLUMNS), np.array([a[p] for p in pairs], dtype=np.float32)]
    if name == "dcsr":
        kept = sorted(set(rows))
        lines = [(kept.index(i), j) for i, j in pairs]
        return [np.array([0, len(kept)]), np.array(kept, dtype=np.int64), *compressed(lines, len(kept)), values]
    if name in ("coo", "soa"):
        lists = [np.stack([rows, columns], axis=1)] if name == "coo" else [rows, columns]
        return [np.array([0, len(pairs)]), *lists, values]
    height, width = (BLOCK, BLOCK) if name == "bsr" else (4, 1)
    blocks = sorted({(i // height, j // width) for i, j in pairs})
    stored = [a[i * height:(i + 1) * height, j * width:(j + 1) * width].ravel() for i, j in blocks]
    return [*compressed(blocks, ROWS // height), np.concatenate([*stored, np.zeros(0, np.float32)])]


def buffer_type(array, name):
    element = "f32" if array.dtype == np.float32 else "i64" if name != "bsr" else "i32"
    return f"tensor<{'x'.join(['?', *map(str, array.shape[1:])])}x{element}>"


def model():
    example = np.eye(ROWS, COLUMNS, dtype=np.float32)
    arguments = ["%x: tensor<12x5xf32>", "%y: tensor<5x8xf32>", "%v: tensor<12xf32>", "%d: tensor<8x12xf32>"]
    names, encodings, lines, results = ["x", "y", "v", "d"], [], [], []
    for name, mapping in FORMATS.items():
        width = 32 if name == "bsr" else 64
        encodings.append(f"#{name} = #sparse_tensor.encoding<{{ map = {mapping}, posWidth = {width}, crdWidth = {width} }}>")
        values = [f"%{name}{i}" for i in range(len(buffers(name, example)))]
        types = [buffer_type(b, name) for b in buffers(name, example)]
        arguments += [f"{v}: {t}" for v, t in zip(values, types)]
        names += [v[1:] for v in values]
        kind = f"tensor<{ROWS}x{COLUMNS}xf32, #{name}>"
        lines.append(f"%{name} = sparse_tensor.assemble ({', '.join(values[:-1])}), {values[-1]} : ({', '.join(types[:-1])}), {types[-1]} to {kind}")
        for product, (text, shape, _) in PRODUCTS.items():
            result = f"tensor<{'x'.join(map(str, shape))}xf32>"
            results.append((f"%{name}_{product}", result))
            if text is None:
                lines.append(f"%{name}_{product} = sparse_tensor.convert %{name} : {kind} to {result}")
                continue
            lines += [f"%e_{name}_{product} = tensor.empty() : {result}",
                      f"%z_{name}_{product} = linalg.fill ins(%zero : f32) outs(%e_{name}_{product} : {result}) -> {result}",
                      f"%{name}_{product} = {text.format(a='%' + name, type=kind)} outs(%z_{name}_{product} : {result}) -> {result}"]
    given = ", ".join(f'{a} {{nnopt.name = "{n}"}}' for a, n in zip(arguments, names))
    returned = ", ".join(f'{t} {{nnopt.name = "{v[1:]}"}}' for v, t in results)
    body = "\n  ".join(["%zero = arith.constant 0.0 : f32", *lines])
    types = ", ".join(t for _, t in results)
    return "\n".join(encodings) + f"\nfunc.func @main({given}) -> ({returned}) {{\n  {body}\n  return {', '.join(v for v, _ in results)} : {types}\n}}\n"


def matrices(random):
    def drawn(density):
        return np.where(random.random((ROWS, COLUMNS)) < density, random.standard_normal((ROWS, COLUMNS)), 0).astype(np.float32)
    yield "random", drawn(0.3)
    yield "full", drawn(1)
    gaps = drawn(0.5)
    gaps[[0, 3, 4, ROWS - 1]] = 0
    yield "empty rows", gaps
    yield "empty", np.zeros((ROWS, COLUMNS), np.float32)
    one = np.zeros((ROWS, COLUMNS), np.float32)
    one[5, 11] = 3
    yield "one", one


def damaged(name, parts):
    """The same buffers, each time with one fault."""
    def changed(i, at, value):
        copy = [b.copy() for b in parts]
        copy[i].flat[at] = value
        return copy
    yield "position too large", changed(0, -1, parts[0][-1] + 1)
    yield "position far too large", changed(0, -1, 2**31 - 1)
    yield "negative position", changed(0, 0, -1)
    if len(parts[0]) > 2:
        yield "positions that decrease", changed(0, 1, parts[0][-1])
    yield "too few positions", [parts[0][:-1], *parts[1:]]
    yield "coordinate outside", changed(-2, -1, COLUMNS if name != "bsr" else COLUMNS // BLOCK)
    yield "negative coordinate", changed(-2, 0, -1)
    yield "too few coordinates", [*parts[:-2], parts[-2][:-1], parts[-1]]
    yield "too few values", [*parts[:-1], parts[-1][:-1]]
    if name in ("csr", "csc", "dcsr", "bsr", "coo"):
        rows = parts[-2].reshape(len(parts[-2]), -1)
        at = next(e for e in range(1, len(rows)) if tuple(rows[e - 1]) < tuple(rows[e]))
        copy = [b.copy() for b in parts]
        copy[-2][[at - 1, at]] = copy[-2][[at, at - 1]]
        yield "order", copy
        copy = [b.copy() for b in parts]
        copy[-2][at - 1] = copy[-2][at]
        yield "twice", copy


class Case:
    def __init__(self, directory, options):
        self.directory = directory
        source = directory / "sparse.mlir"
        source.write_text(model())
        self.models = {"interpreter": (source, ["--engine=reference"]), "compiled": (directory / "sparse.so", ["--threads=1"])}
        subprocess.run(["nnopt-compile", source, "-o", directory / "sparse.so", *options], check=True)

    def run(self, inputs, engine):
        path, flags = self.models[engine]
        np.savez(self.directory / "in.npz", **inputs)
        subprocess.run(["nnopt-run", path, *flags, f"--input={self.directory / 'in.npz'}", f"--output={self.directory / 'out.npz'}"], check=True, stdout=subprocess.DEVNULL)
        return np.load(self.directory / "out.npz")


def inputs_of(common, parts):
    inputs = dict(common)
    for name, arrays in parts.items():
        for i, array in enumerate(arrays):
            inputs[f"{name}{i}"] = array if array.dtype == np.float32 else array.astype(np.int32 if name == "bsr" else np.int64)
    return inputs


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    case = Case(directory, sys.argv[2:])
    random = np.random.default_rng(5)
    common = {"x": random.standard_normal((COLUMNS, BATCH)), "y": random.standard_normal((BATCH, ROWS)), "v": random.standard_normal(COLUMNS),
              "d": random.standard_normal((ROWS, COLUMNS))}
    common = {name: array.astype(np.float32) for name, array in common.items()}
    for label, a in matrices(random):
        parts = {name: buffers(name, a) for name in FORMATS}
        for engine in case.models:
            outputs = case.run(inputs_of(common, parts), engine)
            for name in FORMATS:
                for product, (_, _, expected) in PRODUCTS.items():
                    # At most 12 products of numbers below 5: 12 * 25 * 12 * 2^-24.
                    error = np.abs(outputs[f"{name}_{product}"] - expected(a, common)).max()
                    assert error < 2.2e-4, f"{engine}, {label}: {name} {product} is off by {error}"
        print(f"{label}: agrees")

    a = next(matrices(random))[1]
    good = {name: buffers(name, a) for name in FORMATS}
    faults = {name: dict(damaged(name, parts)) for name, parts in good.items()}
    for fault in sorted({f for kinds in faults.values() for f in kinds}):
        bad = {name: kinds.get(fault, good[name]) for name, kinds in faults.items()}
        for engine in case.models:
            outputs = case.run(inputs_of(common, bad), engine)
            for name in FORMATS:
                for product in PRODUCTS:
                    isnan = np.isnan(outputs[f"{name}_{product}"])
                    assert isnan.all() if fault in faults[name] else not isnan.any(), f"{engine}, {fault}: {name} {product}"
        print(f"{fault}: is noticed")


if __name__ == "__main__":
    main()
