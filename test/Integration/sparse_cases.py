"""Networks with pruned weights, stored as `#nnopt.sparse_pack` or `#nnopt.permute_pack` says. The packing here is written from the attribute's description."""
import numpy as np

from kernel_cases import RNG, conv, ints
from pack_cases import RELU, Network, relu, tensor


def pruned(outputs, depth, density, rows=1):
    """A weight with so many of its blocks kept; output 2 and one block row are empty."""
    keep = np.repeat(RNG.random((-(-outputs // rows), depth)) < density, rows, axis=0)[:outputs]
    weight = np.where(keep, ints(outputs, depth), 0)
    weight[rows:2 * rows] = 0
    return weight.astype(np.float32)


def packed(weight, rows, strip, chunk):
    outputs, depth = weight.shape
    values, columns, starts = [], [], []
    for first in range(0, outputs, strip):
        for begin in range(0, depth, chunk):
            for n in range(first, first + strip, rows):
                starts.append(len(columns))
                block = np.zeros((rows, depth), np.float32)
                block[:max(0, min(rows, outputs - n))] = weight[n:n + rows]
                for k in range(begin, min(begin + chunk, depth)):
                    if block[:, k].any():
                        values.append(block[:, k])
                        columns.append(k)
    starts.append(len(columns))
    if not columns:
        values, columns = [np.zeros(rows)], [0]
    return np.array(values, np.float32), np.array(columns, np.int32), np.array(starts, np.int32)


def constant(n, array):
    value = n.fresh(array.shape)
    element = {"float32": "f32", "int32": "i32", "int8": "i8"}[array.dtype.name]
    shape = "x".join(map(str, array.shape))
    n.lines.append(f'{value} = nnopt.weight "{n.name}_w{n.counter}" dense<"0x{array.tobytes().hex()}"> : tensor<{shape}x{element}>')
    return value, f"tensor<{shape}x{element}>"


def tile_rows(n, x):
    """The rows in tiles of 16, and the operands that hold their dynamic extents."""
    *rows, depth = n.shapes[x]
    dynamic = [i for i, r in enumerate(rows) if isinstance(r, str)]
    value = n.fresh(["tiles" if dynamic else -(-int(np.prod(rows, dtype=int)) // 16), depth, 16])
    n.lines.append(f"{value} = nnopt.tile_rows {x} : ({tensor(n.shapes[x])}) -> {tensor(n.shapes[value])}")
    extents = []
    for i in dynamic:
        at, extent = n.fresh([]), n.fresh([])
        n.lines += [f"{at} = arith.constant {i} : index", f"{extent} = tensor.dim {x}, {at} : {tensor(n.shapes[x])}"]
        extents.append(extent)
    return value, extents


def sparse_linear(n, x, weight, bias=None, rows=1, strip=None, chunk=None, tiled=True):
    outputs, depth = weight.shape
    strip, chunk = strip or -(-outputs // 16) * 16, chunk or depth
    stored = [constant(n, array) for array in packed(weight, rows, strip, chunk)]
    shape = [*n.shapes[x][:-1], outputs]
    tiles, extents = tile_rows(n, x) if tiled else (x, [])
    value = n.fresh(shape)
    tail = f" rows({', '.join(extents)})" if extents else ""
    tail += "" if bias is None else f" bias {n.weight(bias)}"
    types = [tensor(n.shapes[tiles]), *[t for _, t in stored], *["index"] * len(extents)] + ([] if bias is None else [tensor([outputs])])
    n.lines.append(f"{value} = nnopt.sparse_linear {tiles}, {', '.join(v for v, _ in stored)}{tail} {{{'tiled, ' if tiled else ''}pack = #nnopt.sparse_pack<outputs = {outputs}, "
                   f"depth = {depth}, rows = {rows}, strip = {strip}, chunk = {chunk}>}} : ({', '.join(types)}) -> {tensor(shape)}")
    return value


def slots(weight, rows, window):
    """Windows at multiples of `window`, as far as the sum reaches; in each, slots until every output has given all it holds there."""
    outputs, depth = weight.shape
    values, indices, columns, starts = [], [], [], []
    for first in range(0, outputs, rows):
        starts.append(len(columns))
        for begin in range(0, depth, window):
            held = range(begin, min(begin + window, depth))
            begin = min(begin, depth - window)
            given = [[k for k in held if weight[n, k]] for n in range(first, min(first + rows, outputs))]
            for i in range(max(map(len, given))):
                columns.append(begin)
                at = [ks[i] if i < len(ks) else begin for ks in given] + [begin] * (rows - len(given))
                filled = [i < len(ks) for ks in given] + [False] * (rows - len(given))
                values.append([weight[first + r, k] if f else 0 for r, (k, f) in enumerate(zip(at, filled))])
                indices.append([k - begin for k in at])
    starts.append(len(columns))
    if not columns:
        values, indices, columns = [np.zeros(rows)], [np.zeros(rows)], [0]
    return np.array(values, np.float32), np.array(indices, np.int8), np.array(columns, np.int32), np.array(starts, np.int32)


def permute_linear(n, x, weight, bias=None, window=16):
    outputs, depth = weight.shape
    stored = [constant(n, array) for array in slots(weight, 16, window)]
    shape = [*n.shapes[x][:-1], outputs]
    value = n.fresh(shape)
    tail = "" if bias is None else f" bias {n.weight(bias)}"
    types = [tensor(n.shapes[x]), *[t for _, t in stored]] + ([] if bias is None else [tensor([outputs])])
    n.lines.append(f"{value} = nnopt.permute_linear {x}, {', '.join(v for v, _ in stored)}{tail} {{pack = #nnopt.permute_pack<outputs = {outputs}, "
                   f"depth = {depth}, rows = 16, window = {window}>}} : ({', '.join(types)}) -> {tensor(shape)}")
    return value


def few_rows_networks():
    """Vectors along the outputs: one row, tiles of rows that registers hold and more; outputs that leave a rest; windows that meet the end."""
    for m, outputs, depth in ((1, 16, 16), (1, 45, 31), (2, 33, 48), (5, 7, 16), (7, 16, 77), (13, 31, 20), (15, 64, 33), (20, 40, 17)):
        for product in ("blocks", "slots"):
            n = Network(f"{product}16_{m}_{outputs}_{depth}")
            x, a = n.input(m, depth)
            w, bias = pruned(outputs, depth, 0.3, 16 if product == "blocks" else 1), ints(outputs)
            y = sparse_linear(n, x, w, bias, 16, 16, tiled=False) if product == "blocks" else permute_linear(n, x, w, bias)
            yield n.finish(y, a @ w.T + bias)
    for window in (1, 4, 8, 100):
        n = Network(f"slots_window{window}")
        x, a = n.input(3, 100)
        w = pruned(20, 100, 0.2)
        yield n.finish(permute_linear(n, x, w, None, window), a @ w.T)
    for m in (0, 1, 9, 40):
        n = Network(f"slots_dynamic{m}", rows=m)
        x, a = n.input("rows", 2, 24)
        w = pruned(45, 24, 0.3)
        y = n.elementwise("%s = arith.addf %v0, %v0 : f32\n" + RELU.format("%s"), [permute_linear(n, x, w)])
        yield n.finish(y, relu(2 * (a @ w.T)))
    n = Network("slots_long")
    x, a = n.input(6, 32)
    w = pruned(34, 32, 0.3) / 8
    yield n.finish(n.elementwise("%r = math.tanh %v0 : f32", [permute_linear(n, x, w)]), np.tanh(a @ w.T))
    n = Network("slots_zero")
    x, a = n.input(2, 16)
    yield n.finish(permute_linear(n, x, np.zeros((5, 16), np.float32), ints(5) * 0 + 3), np.full((2, 5), 3))


def sparse_networks():
    yield from few_rows_networks()
    # Rows below, at and above a tile; outputs and depths that leave rests; one strip and several, one chunk and several.
    for blocks in (1, 4, 8):
        for m, outputs, depth, strip, chunk in ((1, 7, 13, 0, 0), (16, 33, 31, 16, 0), (65, 31, 48, 16, 16), (128, 64, 50, 32, 20), (31, 16, 1, 0, 0),
                                                (13, 31, 7, 0, 0), (40, 61, 70, 0, 0)):
            n = Network(f"sparse{blocks}x1_{m}_{outputs}_{depth}")
            x, a = n.input(m, depth)
            w, bias = pruned(outputs, depth, 0.2, blocks), ints(outputs)
            yield n.finish(sparse_linear(n, x, w, bias, blocks, strip, chunk), a @ w.T + bias)
        for m in (0, 1, 40, 131):
            n = Network(f"sparse{blocks}x1_dynamic{m}", rows=m)
            x, a = n.input("rows", 21)
            w = pruned(45, 21, 0.3, blocks)
            yield n.finish(sparse_linear(n, x, w, None, blocks, 16, 8), a @ w.T)
        # Rows of the result are a page apart: four are finished at a time.
        n = Network(f"sparse{blocks}x1_pages")
        x, a = n.input(80, 20)
        r, b = n.input(80, 1024)
        w, bias = pruned(1024, 20, 0.2, blocks), ints(1024)
        s = n.elementwise("%s = arith.addf %v0, %v1 : f32\n" + RELU.format("%s"), [sparse_linear(n, x, w, bias, blocks, 128), r])
        yield n.finish(s, relu(a @ w.T + bias + b))
    n = Network("sparse_zero")
    x, a = n.input(20, 9)
    yield n.finish(sparse_linear(n, x, np.zeros((5, 9), np.float32), ints(5) * 0 + 3), np.full((20, 5), 3))
    # A convolution of one tap is this op on all positions of an image.
    n = Network("sparse_positions", batch=2)
    x, a = n.input("batch", 5, 7, 12)
    r, b = n.input("batch", 5, 7, 34)
    w, bias = pruned(34, 12, 0.3), ints(34)
    y = sparse_linear(n, x, w, bias)
    s = n.elementwise("%s = arith.addf %v0, %v1 : f32\n" + RELU.format("%s"), [y, r])
    yield n.finish(s, relu(a @ w.T + bias + b))
    # The second operand's rows do not follow each other: it has the same ones for every batch.
    n = Network("sparse_repeated", batch=3)
    x, a = n.input("batch", 9, 12)
    r, b = n.input(9, 34)
    y = sparse_linear(n, x, w)
    s = n.elementwise("%r = arith.addf %v0, %v1 : f32", [y, r], [None, "affine_map<(a, b, c) -> (b, c)>"])
    yield n.finish(s, a @ w.T + b)
    n = Network("sparse_long")
    x, a = n.input(37, 12)
    w = pruned(34, 12, 0.3, 4) / 8
    y = sparse_linear(n, x, w, None, 4)
    yield n.finish(n.elementwise("%r = math.tanh %v0 : f32", [y]), np.tanh(a @ w.T))
    yield from branch_networks()


def large_networks():
    """More products than one function of straight-line code holds, and more code than stays in the caches; with tiles of one call and of several."""
    w, bias = pruned(300, 900, 0.3), ints(300)
    for m in (5, 75, 300):
        n = Network(f"sparse_large{m}")
        x, a = n.input(m, 900)
        yield n.finish(sparse_linear(n, x, w, bias, 1, 160, 192), a @ w.T + bias)


def branch_networks():
    """Weights that gain only from some number of rows on, which is between 1 and 40: the dense ones are kept too, and the rows decide."""
    w, v = pruned(80, 64, 0.06), pruned(48, 80, 0.06)
    for rows in (0, 1, 2, 3, 4, 5, 8, 16, 17, 40, 131):
        n = Network(f"sparse_from_rows{rows}", rows=rows)
        x, a = n.input("rows", 64)
        r, b = n.input("rows", 80)
        bias = ints(80)
        h = n.op("nnopt.linear {0}, {1} bias {2}", [x, n.weight(w), n.weight(bias)], ["rows", 80])
        s = n.elementwise("%s = arith.addf %v0, %v1 : f32\n" + RELU.format("%s"), [h, r])
        y = n.op("nnopt.linear {0}, {1}", [s, n.weight(v)], ["rows", 48])
        yield n.finish(y, relu(a @ w.T + bias + b) @ v.T)


def pruned_conv(name, size, channels, outputs, kernel, *, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), batch=1, density=0.06, rows=1, residual=False):
    """A convolution that nnopt-sparsify takes: image, filter and result as numpy has them, the op as the importer makes it."""
    n = Network(f"planes_{name}", batch=batch)
    x, a = n.input("batch", *size, channels)
    w = pruned(outputs, channels * kernel[0] * kernel[1], density, rows).reshape(outputs, channels, *kernel)
    bias = ints(outputs)
    y = conv(np.moveaxis(a, 3, 1), w, bias, list(strides), list(dilations), list(pads), 1)
    attributes = (f"{{{{strides = array<i64: {str(list(strides))[1:-1]}>, dilations = array<i64: {str(list(dilations))[1:-1]}>, "
                  f"pads = array<i64: {str(list(pads))[1:-1]}>, groups = 1 : i64, channels_last}}}}")
    value = n.op("nnopt.conv {0}, {1} bias {2} " + attributes, [x, n.weight(w), n.weight(bias)], ["batch", *y.shape[2:], outputs])
    y = np.moveaxis(y, 1, 3)
    if residual:
        r, b = n.input("batch", *y.shape[1:])
        value = n.elementwise("%s = arith.addf %v0, %v1 : f32\n" + RELU.format("%s"), [value, r])
        y = relu(y + b)
    return n.finish(value, y)


def plane_networks():
    # Images of one position, smaller and larger than a vector; every kind of window; outputs and channels that leave rests.
    yield pruned_conv("one", (1, 1), 64, 64, (3, 3), pads=(1, 1, 1, 1))
    yield pruned_conv("7", (7, 7), 64, 80, (3, 3), pads=(1, 1, 1, 1), residual=True)
    yield pruned_conv("13", (13, 13), 31, 33, (3, 3), pads=(1, 1, 1, 1), batch=2)
    yield pruned_conv("31", (31, 31), 33, 40, (3, 3), residual=True)
    yield pruned_conv("strided", (31, 13), 32, 48, (3, 3), strides=(2, 2), pads=(1, 1, 1, 1), batch=2)
    yield pruned_conv("point", (14, 14), 48, 64, (1, 1), strides=(2, 2))
    yield pruned_conv("uneven", (20, 17), 40, 64, (3, 5), strides=(2, 3), pads=(0, 2, 3, 1))
    yield pruned_conv("dilated", (13, 19), 48, 32, (3, 3), dilations=(2, 3), pads=(2, 3, 2, 3))
    yield pruned_conv("dilated_strided", (15, 15), 48, 32, (3, 3), strides=(2, 2), dilations=(3, 2), pads=(3, 2, 3, 2))
    yield pruned_conv("5x5", (14, 14), 32, 48, (5, 5), pads=(2, 2, 2, 2))
    yield pruned_conv("7x7", (21, 21), 19, 32, (7, 7), strides=(2, 2), pads=(3, 3, 3, 3))
    yield pruned_conv("wide_pads", (6, 5), 32, 48, (3, 3), pads=(4, 5, 0, 6))
    yield pruned_conv("blocks4", (14, 14), 64, 50, (3, 3), pads=(1, 1, 1, 1), rows=4)
    yield pruned_conv("blocks8", (14, 14), 64, 64, (3, 3), pads=(1, 1, 1, 1), rows=8)
    yield pruned_conv("none", (14, 14), 32, 32, (3, 3), pads=(1, 1, 1, 1), density=0)
    yield pruned_conv("chunks", (14, 14), 300, 150, (3, 3), pads=(1, 1, 1, 1), density=0.03)


class Images:
    """Pruned convolutions one after the other: values of a network beside what numpy has for them, `[N, H, W, C]`."""

    def __init__(self, network):
        self.n = network

    def input(self, *shape):
        return self.n.input("batch", *shape)

    def conv(self, image, outputs, kernel, *, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), density=0.06, rows=1, add=None):
        """With relu, after `add` if there is one."""
        value, array = image
        channels = array.shape[3]
        w = pruned(outputs, channels * kernel[0] * kernel[1], density, rows).reshape(outputs, channels, *kernel) / 8
        bias = ints(outputs)
        y = np.moveaxis(conv(np.moveaxis(array, 3, 1), w, bias, list(strides), list(dilations), list(pads), 1), 1, 3)
        lists = [", ".join(map(str, numbers)) for numbers in (strides, dilations, pads)]
        attributes = (f"{{{{strides = array<i64: {lists[0]}>, dilations = array<i64: {lists[1]}>, pads = array<i64: {lists[2]}>, "
                      "groups = 1 : i64, channels_last}}")
        result = self.n.op("nnopt.conv {0}, {1} bias {2} " + attributes, [value, self.n.weight(w), self.n.weight(bias)], ["batch", *y.shape[1:]])
        if add is None:
            return self.n.elementwise(RELU.format("%v0"), [result]), relu(y)
        return self.n.elementwise("%s = arith.addf %v0, %v1 : f32\n" + RELU.format("%s"), [result, add[0]]), relu(y + add[1])


SAME = {"kernel": (3, 3), "pads": (1, 1, 1, 1)}


def bottleneck(images, x, inner, outputs, rows=1, add=None):
    """Two 1x1 convolutions around one of 3x3."""
    y = images.conv(x, inner, (1, 1), rows=rows)
    y = images.conv(y, inner, **SAME, rows=rows)
    return images.conv(y, outputs, (1, 1), rows=rows, add=add)


def chain_networks():
    """Planes that go from convolution to convolution, and where they must not."""
    for size, batch, rows in ((7, 1, 1), (13, 2, 1), (20, 1, 4)):
        n = Network(f"planes_chain_blocks{size}", batch=batch)
        images = Images(n)
        x = bottleneck(images, images.input(size, size, 40), 48, 64, rows)
        x = bottleneck(images, x, 48, 64, rows, add=x)
        x = bottleneck(images, x, 48, 64, rows, add=x)
        y = images.conv(x, 80, (3, 3), strides=(2, 2), pads=(1, 1, 1, 1), rows=rows)  # other planes
        yield n.finish(*images.conv(y, 80, (1, 1), rows=rows, add=images.conv(x, 80, (1, 1), strides=(2, 2), rows=rows)))
    n = Network("planes_chain_windows", batch=2)
    images = Images(n)
    x = images.conv(images.input(15, 18, 48), 64, (3, 3))
    x = images.conv(x, 48, (5, 5), pads=(2, 2, 2, 2))
    x = images.conv(x, 64, (3, 3), dilations=(2, 3), pads=(2, 3, 2, 3))
    x = images.conv(x, 48, (1, 3), pads=(0, 2, 0, 0))
    x = images.conv(x, 64, (3, 1), pads=(3, 0, 1, 0))
    yield n.finish(*images.conv(x, 48, (2, 2), pads=(0, 0, 1, 1)))
    n = Network("planes_chain_rows", batch=1)
    images = Images(n)
    x = images.conv(images.input(10, 10, 48), 64, **SAME)
    y = images.conv(x, 64, **SAME, add=images.input(10, 10, 64))  # an operand that is no planes
    z = images.conv(y, 64, (1, 1), add=x)
    n.finish(*y)  # and a value that is seen
    yield n.finish(*z)
