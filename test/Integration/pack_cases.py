"""Small networks on tensors, with the numbers that numpy gives for them.

Inputs and weights are small integers, so that sums are exact in every order.
"""
import numpy as np

from kernel_cases import RNG, attention, conv, ints, normalize, pool

MAPS = {1: "affine_map<(a) -> (a)>", 2: "affine_map<(a, b) -> (a, b)>", 3: "affine_map<(a, b, c) -> (a, b, c)>",
        4: "affine_map<(a, b, c, d) -> (a, b, c, d)>", 5: "affine_map<(a, b, c, d, e) -> (a, b, c, d, e)>"}


def tensor(shape):
    return f"tensor<{'x'.join('?' if isinstance(n, str) else str(n) for n in shape)}xf32>" if len(shape) else "tensor<f32>"


class Network:
    """One entry function, written op by op. Shapes hold numbers and names of symbols."""

    def __init__(self, name, **symbols):
        self.name, self.symbols = name, symbols
        self.lines, self.shapes, self.inputs, self.outputs = [], {}, [], []
        self.counter = 0

    def fresh(self, shape):
        self.counter += 1
        value = f"%{self.name}_{self.counter}"
        self.shapes[value] = list(shape)
        return value

    def concrete(self, shape):
        return [self.symbols.get(n, n) for n in shape]

    def input(self, *shape):
        value = self.fresh(shape)
        array = ints(*self.concrete(shape))
        self.inputs.append((value, array))
        return value, array

    def weight(self, array):
        array = np.ascontiguousarray(array, np.float32)
        value = self.fresh(array.shape)
        self.lines.append(f'{value} = nnopt.weight "{self.name}_w{self.counter}" dense<"0x{array.tobytes().hex()}"> : {tensor(array.shape)}')
        return value

    def op(self, text, operands, shape):
        """`text` holds {0}, {1}, ... for the operands."""
        value = self.fresh(shape)
        types = ", ".join(tensor(self.shapes[v]) for v in operands)
        self.lines.append(f"{value} = {text.format(*operands)} : ({types}) -> {tensor(shape)}")
        return value

    def elementwise(self, body, operands, maps=None):
        """`body` computes %r from %v0, %v1, ...; the first operand has the shape of the result."""
        shape = self.shapes[operands[0]]
        rank = len(shape)
        sizes = []
        for dimension in [i for i, n in enumerate(shape) if isinstance(n, str)]:
            index, size = self.fresh([]), self.fresh([])
            self.lines.append(f"{index} = arith.constant {dimension} : index")
            self.lines.append(f"{size} = tensor.dim {operands[0]}, {index} : {tensor(shape)}")
            sizes.append(size)
        empty, value = self.fresh(shape), self.fresh(shape)
        self.lines.append(f"{empty} = tensor.empty({', '.join(sizes)}) : {tensor(shape)}")
        maps = [MAPS[rank] if maps is None or maps[i] is None else maps[i] for i in range(len(operands))] + [MAPS[rank]]
        types = ", ".join(tensor(self.shapes[v]) for v in operands)
        arguments = ", ".join(f"%v{i}: f32" for i in range(len(operands)))
        kinds = ", ".join(['"parallel"'] * rank)
        self.lines.append(f"""{value} = linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{kinds}]}}
      ins({', '.join(operands)} : {types}) outs({empty} : {tensor(shape)}) {{
      ^bb0({arguments}, %o: f32):
        {body}
        linalg.yield %r : f32
      }} -> {tensor(shape)}""")
        return value

    def conv(self, x, shape, array, w, bias=None, strides=None, pads=None, groups=1):
        """Channels last; `array` is [N, C, spatial]. Returns the value and numpy's result."""
        rank = array.ndim - 2
        strides, pads = strides or [1] * rank, pads or [0] * (2 * rank)
        y = conv(array, w, bias, strides, [1] * rank, pads, groups)
        attributes = (f"{{{{strides = array<i64: {str(strides)[1:-1]}>, dilations = array<i64: {str([1] * rank)[1:-1]}>, "
                      f"pads = array<i64: {str(pads)[1:-1]}>, groups = {groups} : i64, channels_last}}}}")
        operands = [x, self.weight(w)] + ([self.weight(bias)] if bias is not None else [])
        result = [shape[0], *y.shape[2:], y.shape[1]]
        tail = " bias {2}" if bias is not None else ""
        return self.op("nnopt.conv {0}, {1}" + tail + " " + attributes, operands, result), y

    def finish(self, value, array):
        self.outputs.append((value, np.ascontiguousarray(array, np.float32)))
        return self


def channels_last(array):
    return np.moveaxis(array, 1, -1)


RELU = "%z = arith.constant 0.0 : f32\n        %r = arith.maximumf {0}, %z : f32"


def relu(x):
    return np.maximum(x, 0)


def linear_networks():
    for rows in (1, 6, 13, 0):
        n = Network(f"linear{rows}", rows=rows)
        x, a = n.input("rows", 7)
        r, b = n.input("rows", 19)
        w, bias = ints(19, 7), ints(1, 19)
        y = n.op("nnopt.linear {0}, {1}", [x, n.weight(w)], ["rows", 19])
        z = n.elementwise("%r = arith.addf %v0, %v1 : f32", [y, n.weight(bias)], [None, "affine_map<(a, b) -> (0, b)>"])
        s = n.elementwise("%s = arith.addf %v0, %v1 : f32\n" + RELU.format("%s"), [z, r])
        yield n.finish(s, relu(a @ w.T + bias + b))
    n = Network("flattened", batch=3)
    x, a = n.input("batch", 5, 9)
    w = ints(9, 33)
    n.lines.append(f"%flat = tensor.collapse_shape {x} [[0, 1], [2]] : tensor<?x5x9xf32> into tensor<?x9xf32>")
    n.shapes["%flat"] = ["rows", 9]
    y = n.op("nnopt.linear {0}, {1} {{weight_kn}}", ["%flat", n.weight(w)], ["rows", 33])
    z = n.elementwise(RELU.format("%v0"), [y])
    n.lines.append(f"%fc0 = arith.constant 0 : index\n    %fb = tensor.dim {x}, %fc0 : tensor<?x5x9xf32>\n"
                   f"    %unflat = tensor.expand_shape {z} [[0, 1], [2]] output_shape [%fb, 5, 33] : tensor<?x33xf32> into tensor<?x5x33xf32>")
    n.shapes["%unflat"] = ["batch", 5, 33]
    yield n.finish("%unflat", relu(a @ w))
    n = Network("matmul", batch=2)
    x, a = n.input("batch", 5, 8)
    y, b = n.input("batch", 8, 21)
    m, c = n.input("batch", 1, 21)
    z = n.op("nnopt.matmul {0}, {1}", [x, y], ["batch", 5, 21])
    s = n.elementwise("%h = arith.constant 0.5 : f32\n        %p = arith.mulf %v0, %h : f32\n        %r = arith.addf %p, %v1 : f32", [z, m],
                      [None, "affine_map<(a, b, c) -> (a, 0, c)>"])
    yield n.finish(s, a @ b * np.float32(0.5) + c)


def product_networks():
    """Products of computed matrices, stored either way."""
    n = Network("transposed", batch=2)
    x, a = n.input("batch", 3, 6, 9)
    y, b = n.input("batch", 3, 17, 6)
    z = n.op("nnopt.matmul {0}, {1} {{transpose_lhs, transpose_rhs}}", [x, y], ["batch", 3, 9, 17])
    yield n.finish(z, a.swapaxes(2, 3) @ b.swapaxes(2, 3))
    n = Network("computed", rows=5)
    x, a = n.input("rows", 2, 7)
    w, b = n.input(18, 7)
    v, c = n.input(18)
    z = n.op("nnopt.linear {0}, {1} bias {2}", [x, w, v], ["rows", 2, 18])
    yield n.finish(n.elementwise(RELU.format("%v0"), [z]), relu(a @ b.T + c))


def residual_networks():
    for batch in (1, 3):
        n = Network(f"residual{batch}", batch=batch)
        x, a = n.input("batch", 9, 11, 3)
        a = np.moveaxis(a, -1, 1)
        y, a = n.conv(x, ["batch"], a, ints(16, 3, 3, 3), ints(16), strides=[2, 2], pads=[1, 1, 1, 1])
        y, a = n.elementwise(RELU.format("%v0"), [y]), relu(a)
        z, b = n.conv(y, ["batch"], a, ints(16, 16, 3, 3), pads=[1, 1, 1, 1])
        z = n.elementwise("%s = arith.addf %v0, %v1 : f32\n        " + RELU.format("%s"), [z, y])
        b = relu(b + a)
        u, c = n.conv(z, ["batch"], b, ints(20, 16, 3, 3), ints(20), strides=[2, 2], pads=[1, 1, 1, 1])
        v, d = n.conv(z, ["batch"], b, ints(20, 16, 1, 1), strides=[2, 2])
        s = n.elementwise("%r = arith.addf %v0, %v1 : f32", [u, v])
        yield n.finish(s, channels_last(c + d))


def window_networks():
    n = Network("inverted", batch=2)
    x, a = n.input("batch", 7, 10, 8)
    a = np.moveaxis(a, -1, 1)
    clip = "%l = arith.constant 0.0 : f32\n        %h = arith.constant 6.0 : f32\n        %m = arith.maximumf %v0, %l : f32\n        %r = arith.minimumf %m, %h : f32"
    y, b = n.conv(x, ["batch"], a, ints(24, 8, 1, 1), ints(24))
    y, b = n.elementwise(clip, [y]), np.clip(b, 0, 6)
    y, b = n.conv(y, ["batch"], b, ints(24, 1, 5, 5), ints(24), pads=[2, 2, 2, 2], groups=24)
    y, b = n.elementwise(clip, [y]), np.clip(b, 0, 6)
    y, b = n.conv(y, ["batch"], b, ints(8, 24, 1, 1), ints(8))
    s = n.elementwise("%r = arith.addf %v0, %v1 : f32", [x, y])
    yield n.finish(s, channels_last(a + b))

    n = Network("grouped")
    x, a = n.input(2, 6, 5, 4)
    y, b = n.conv(x, [2], np.moveaxis(a, -1, 1), ints(6, 2, 3, 3), ints(6), pads=[1, 0, 1, 2], groups=2)
    yield n.finish(y, channels_last(b))
    n = Network("lines", batch=2, length=13)
    x, a = n.input("batch", "length", 5)
    y, b = n.conv(x, ["batch"], np.moveaxis(a, -1, 1), ints(18, 5, 3), pads=[1, 1])
    n.shapes[y][1] = "length"
    n.lines[-1] = n.lines[-1].replace("-> tensor<?x13x", "-> tensor<?x?x")
    s = n.elementwise(RELU.format("%v0"), [y])
    yield n.finish(s, channels_last(relu(b)))
    n = Network("volume")
    x, a = n.input(1, 4, 5, 6, 3)
    y, b = n.conv(x, [1], np.moveaxis(a, -1, 1), ints(17, 3, 3, 2, 3), ints(17), strides=[1, 2, 1], pads=[1, 0, 1, 1, 1, 1])
    yield n.finish(y, channels_last(b))


def joined_networks():
    """Concatenation, padding and slices."""
    n = Network("split", batch=2)
    x, a = n.input("batch", 6, 6, 8)
    a = np.moveaxis(a, -1, 1)
    y, b = n.conv(x, ["batch"], a, ints(16, 8, 1, 1))
    n.lines.append(f"%sc0 = arith.constant 0 : index\n    %sb = tensor.dim {x}, %sc0 : tensor<?x6x6x8xf32>")
    parts = []
    for i in (0, 8):
        n.lines.append(f"%part{i} = tensor.extract_slice {y}[0, 0, 0, {i}] [%sb, 6, 6, 8] [1, 1, 1, 1] : tensor<?x6x6x16xf32> to tensor<?x6x6x8xf32>")
        n.shapes[f"%part{i}"] = ["batch", 6, 6, 8]
        parts.append((f"%part{i}", b[:, i:i + 8]))
    z, c = n.conv(parts[1][0], ["batch"], parts[1][1], ints(8, 8, 3, 3), pads=[1, 1, 1, 1])
    z, d = n.conv(z, ["batch"], c, ints(8, 8, 3, 3, low=-1, high=2), pads=[1, 1, 1, 1])
    z = n.elementwise("%r = arith.addf %v0, %v1 : f32", [z, parts[1][0]])
    d = d + parts[1][1]
    joined = n.op("tensor.concat dim(3) {0}, {1}, {2}", [parts[0][0], parts[1][0], z], ["batch", 6, 6, 24])
    y, e = n.conv(joined, ["batch"], np.concatenate([parts[0][1], parts[1][1], d], 1), ints(5, 24, 1, 1))
    yield n.finish(y, channels_last(e))

    n = Network("inception")
    x, a = n.input(1, 6, 7, 4)
    y, b = n.conv(x, [1], np.moveaxis(a, -1, 1), ints(6, 4, 1, 1))
    first, c = n.conv(y, [1], b, ints(5, 6, 3, 3), pads=[1, 1, 1, 1])
    second, d = n.conv(y, [1], b, ints(7, 6, 5, 5), pads=[2, 2, 2, 2])
    joined = n.op("tensor.concat dim(3) {0}, {1}, {2}", [second, y, first], [1, 6, 7, 18])
    yield n.finish(joined, channels_last(np.concatenate([d, b, c], 1)))

    n = Network("pyramid")
    x, a = n.input(1, 6, 6, 4)
    y, b = n.conv(x, [1], np.moveaxis(a, -1, 1), ints(8, 4, 1, 1))
    parts = [(y, b)]
    for _ in range(3):
        y = n.op("nnopt.pool max {0} {{kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, "
                 "pads = array<i64: 1, 1, 1, 1>, channels_last}}", [y], [1, 6, 6, 8])
        b = pool(b, "max", [3, 3], [1, 1], [1, 1], [1, 1, 1, 1], False, False)
        parts.append((y, b))
    joined = n.op("tensor.concat dim(3) {0}, {1}, {2}, {3}", [p for p, _ in parts], [1, 6, 6, 32])
    y, e = n.conv(joined, [1], np.concatenate([p for _, p in parts], 1), ints(5, 32, 1, 1))
    yield n.finish(y, channels_last(e))

    n = Network("padded", rows=3)
    x, a = n.input("rows", 6)
    w = ints(10, 6)
    y = n.op("nnopt.linear {0}, {1}", [x, n.weight(w)], ["rows", 10])
    joined = n.op("tensor.concat dim(1) {0}, {1}", [y, x], ["rows", 16])
    padded = n.fresh(["more", 19])
    n.lines.append(f"""%pv = arith.constant -7.0 : f32
    {padded} = tensor.pad {joined} low[2, 0] high[1, 3] {{
    ^bb0(%i: index, %j: index):
      tensor.yield %pv : f32
    }} : tensor<?x16xf32> to tensor<?x19xf32>""")
    v = np.eye(19) + 1  # no zeros: with some, the rows would decide how it is stored, and branches write to a tensor of their own
    z = n.op("nnopt.linear {0}, {1}", [padded, n.weight(v)], ["more", 19])
    yield n.finish(z, np.pad(np.concatenate([a @ w.T, a], 1), [(2, 1), (0, 3)], constant_values=-7) @ v)


def transformer_networks():
    n = Network("transformer", batch=2, length=7)
    x, a = n.input("batch", "length", 32)
    m, mask = n.input("batch", 1, 1, "length")
    weights = [RNG.normal(size=(32, 32)).astype(np.float32) / 8 for _ in range(4)]
    heads = []
    for i, w in enumerate(weights[:3]):
        y = n.op("nnopt.linear {0}, {1}", [x, n.weight(w)], ["batch", "length", 32])
        n.lines.append(f"%tb{i} = tensor.dim {x}, %tc0 : tensor<?x?x32xf32>\n    %tl{i} = tensor.dim {x}, %tc1 : tensor<?x?x32xf32>\n"
                       f"    %h{i} = tensor.expand_shape {y} [[0], [1], [2, 3]] output_shape [%tb{i}, %tl{i}, 4, 8] : tensor<?x?x32xf32> into tensor<?x?x4x8xf32>")
        n.shapes[f"%h{i}"] = ["batch", "length", 4, 8]
        heads.append((a @ w.T).reshape(2, 7, 4, 8).swapaxes(1, 2))
    n.lines.insert(0, "%tc0 = arith.constant 0 : index\n    %tc1 = arith.constant 1 : index")
    y = n.op("nnopt.attention {0}, {1}, {2} mask {3} {{scale = 0.35 : f32, sequence_major}}", ["%h0", "%h1", "%h2", m], ["batch", "length", 4, 8])
    b = attention(*heads, mask, 0.35).swapaxes(1, 2).reshape(2, 7, 32)
    n.lines.append(f"%joined = tensor.collapse_shape {y} [[0], [1], [2, 3]] : tensor<?x?x4x8xf32> into tensor<?x?x32xf32>")
    n.shapes["%joined"] = ["batch", "length", 32]
    y = n.op("nnopt.linear {0}, {1}", ["%joined", n.weight(weights[3])], ["batch", "length", 32])
    y = n.elementwise("%r = arith.addf %v0, %v1 : f32", [y, x])
    b = b @ weights[3].T + a
    g, h = RNG.normal(size=32).astype(np.float32), RNG.normal(size=32).astype(np.float32)
    y = n.op("nnopt.normalize layer {0} scale {1} bias {2} {{axis = 2 : i64, epsilon = 1.0e-5 : f32}}", [y, n.weight(g), n.weight(h)], ["batch", "length", 32])
    yield n.finish(y, normalize(b, 2, "layer", g, h, 1e-5))


def networks():
    from sparse_cases import chain_networks, plane_networks, sparse_networks  # which builds on this module
    for family in (sparse_networks, plane_networks, chain_networks, linear_networks, product_networks, residual_networks, window_networks, joined_networks, transformer_networks):
        yield from family()
