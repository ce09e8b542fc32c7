"""Elementwise ops, copies, transposes and reductions on buffers, with static and with dynamic extents."""
import numpy as np

from kernel_cases import Case, ints, memref, pool_case, pool_cases, row_cases

LETTERS = "abcdefg"


def strided(array, strides, offset):
    """Type of a view with these strides."""
    return memref(array)[:-1] + f", strided<[{', '.join(map(str, strides))}], offset: {offset}>>"


def cast_text(name, value, array):
    """`value` seen as a buffer of dynamic extents."""
    dynamic = memref(array, range(array.ndim))
    return f"%{name} = memref.cast {value} : {memref(array)} to {dynamic}", dynamic


def linalg_case(name, op, inputs, expected, dynamic):
    """`op(operands, types)` is the text of the op: names and types of the inputs, then those of the output."""
    arrays, lines, names, types = inputs + [expected], [], [], []
    prefix = name + ("_dynamic" if dynamic else "")
    for i, array in enumerate(arrays):
        value = "{out}" if i == len(inputs) else "{" + str(i) + "}"
        if dynamic and array.ndim:
            line, kind = cast_text(f"{prefix}_{i}", value, array)
            lines.append(line)
            names.append(f"%{prefix}_{i}"), types.append(kind)
        else:
            names.append(value), types.append(memref(array))
    lines.append(op(names, types))
    return Case(prefix, "\n    ".join(lines), inputs, expected, complete=True)


def generic(maps, iterators, body, types=None):
    """linalg.generic; `maps` like "ab,b->ab", `body` over %0, %1, ..., %out, ending in the yielded value's name and type."""
    sources, target = maps.split("->")
    loops = "".join(sorted(set(maps) & set(LETTERS)))
    dims = ", ".join(loops)
    one = lambda m: f"affine_map<({dims}) -> ({', '.join(m)})>"
    texts = ", ".join(one(m) for m in [*([s for s in sources.split(",")] if sources else []), target])
    kinds = ", ".join(f'"{i}"' for i in iterators)

    def text(names, kinds_of):
        ins = f"ins({', '.join(names[:-1])} : {', '.join(kinds_of[:-1])}) " if len(names) > 1 else ""
        elements = [k.split("x")[-1].split(",")[0].rstrip(">") if "x" in k else k[7:-1] for k in kinds_of]
        arguments = ", ".join(f"%x{i}: {e}" for i, e in enumerate(elements))
        return (f"linalg.generic {{{{indexing_maps = [{texts}], iterator_types = [{kinds}]}}}} {ins}outs({names[-1]} : {kinds_of[-1]}) {{{{\n"
                f"    ^bb0({arguments}):\n{body}\n    }}}}")
    return text


def both(name, op, inputs, expected):
    for dynamic in (False, True):
        yield linalg_case(name, op, inputs, expected, dynamic)


ADD = "%s = arith.addf %x0, %x1 : f32\n linalg.yield %s : f32"
COPY = "linalg.yield %x0 : {}"


def elementwise_cases():
    p = "parallel"
    for size in (0, 1, 15, 16, 17, 1000, 20000):
        a, b = ints(size), ints(size)
        yield from both(f"add_{size}", generic("a,a->a", [p], ADD), [a, b], a + b)
    a, row, column, one = ints(3, 5, 37), ints(37), ints(3, 5), ints(1)
    yield from both("add_row", generic("abc,c->abc", [p] * 3, ADD), [a, row], a + row)
    yield from both("add_column", generic("abc,ab->abc", [p] * 3, ADD), [a, column], a + column[..., None])
    yield from both("add_middle", generic("abc,b->abc", [p] * 3, ADD), [a, column[0].copy()], a + column[0][:, None])
    yield from both("add_one", generic("abc,0->abc", [p] * 3, ADD), [a, one], a + one)
    wide = ints(300, 4, 64)
    yield from both("add_wide", generic("abc,ac->abc", [p] * 3, ADD), [wide, wide[:, 0].copy()], wide + wide[:, :1])
    gelu = """%h = arith.constant 0.5 : f32
      %r = arith.constant 0.70710678 : f32
      %one = arith.constant 1.0 : f32
      %m = arith.mulf %x0, %r : f32
      %e = math.erf %m : f32
      %p = arith.addf %e, %one : f32
      %g = arith.mulf %x0, %h : f32
      %y = arith.mulf %g, %p : f32
      linalg.yield %y : f32"""
    x = np.linspace(-6, 6, 4001, dtype=np.float32)
    from math import erf
    yield from both("gelu", generic("a->a", [p], gelu), [x], np.array([v * 0.5 * (1 + erf(v * 0.5 ** 0.5)) for v in x.tolist()], np.float32))
    for function, numpy in (("exp", np.exp), ("tanh", np.tanh), ("erf", np.vectorize(erf, [np.float32]))):
        text = f"%y = math.{function} %x0 : f32\n linalg.yield %y : f32"
        yield from both(function, generic("a->a", [p], text), [x], numpy(x))
    n = ints(5, 33, dtype=np.int64)
    yield from both("to_float", generic("ab->ab", [p] * 2, "%y = arith.sitofp %x0 : i64 to f32\n linalg.yield %y : f32"), [n], n.astype(np.float32))
    yield from both("int_add", generic("ab,ab->ab", [p] * 2, "%y = arith.addi %x0, %x1 : i64\n linalg.yield %y : i64"), [n, n], n + n)
    small = ints(7, 19, dtype=np.int8)
    compare = """%z = arith.constant 0 : i8
      %y = arith.cmpi sgt, %x0, %z : i8
      %w = arith.extui %y : i1 to i8
      linalg.yield %w : i8"""
    yield from both("positive", generic("ab->ab", [p] * 2, compare), [small], (small > 0).astype(np.int8))
    yield from both("fill", lambda n, t: "%fill_{u} = arith.constant 3.0 : f32\n    linalg.fill ins(%fill_{u} : f32) outs({n} : {t})".replace("{u}", str(len(t[0]))).replace("{n}", n[0]).replace("{t}", t[0]),
                    [], np.full((3, 41), 3, np.float32))


def copy_cases():
    a = ints(6, 70, 9)
    yield from both("copy", lambda n, t: f"memref.copy {n[0]}, {n[1]} : {t[0]} to {t[1]}", [a], a)
    piece = ints(6, 70, 40)
    name = "%slice_copy_view"
    view = strided(piece[:, :, :9], [2800, 40, 1], 3)
    yield Case("slice_copy", f"{name} = memref.subview {{0}}[0, 0, 3] [6, 70, 9] [1, 1, 1] : {memref(piece)} to {view}\n"
               f"    memref.copy {name}, {{out}} : {view} to {memref(a)}", [piece], piece[:, :, 3:12].copy(), complete=True)
    sizes = ((1, 3, 50, 17), (2, 40, 3, 5), (1, 33, 16, 8), (3, 4, 5, 6))
    for shape in sizes:
        x = ints(*shape)
        tag = "x".join(map(str, shape))
        for order in ((0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 1, 3), (3, 2, 1, 0)):
            text = lambda n, t, order=order: f"linalg.transpose ins({n[0]} : {t[0]}) outs({n[1]} : {t[1]}) permutation = {list(order)}"
            yield from both(f"transpose_{tag}_{''.join(map(str, order))}", text, [x], x.transpose(order).copy())
    for kind in (np.int64, np.int8, np.uint8):
        x = ints(21, 34, dtype=kind)
        yield from both(f"transpose_{kind.__name__}", lambda n, t: f"linalg.transpose ins({n[0]} : {t[0]}) outs({n[1]} : {t[1]}) permutation = [1, 0]", [x], x.T.copy())
    x, y = ints(70, 130), ints(130, 70)
    yield from both("add_transposed", generic("ba,ab->ab", ["parallel"] * 2, ADD), [x, y], x.T + y)
    row = ints(6, 9)
    yield from both("broadcast", lambda n, t: f"linalg.broadcast ins({n[0]} : {t[0]}) outs({n[1]} : {t[1]}) dimensions = [1]", [row], np.repeat(row[:, None], 70, 1))


def reduce_cases():
    p, r = "parallel", "reduction"
    sum_ = "%s = arith.addf %x0, %x1 : f32\n linalg.yield %s : f32"
    maximum = "%s = arith.maximumf %x0, %x1 : f32\n linalg.yield %s : f32"
    squares = "%q = arith.mulf %x0, %x0 : f32\n%s = arith.addf %q, %x1 : f32\n linalg.yield %s : f32"
    # The output starts at 99 (what the driver fills it with), which the reduction takes part of.
    for shape in ((3, 5, 37), (2, 70, 16), (1, 49, 130), (4, 3, 0)):
        a = ints(*shape)
        tag = "x".join(map(str, shape))
        yield from both(f"sum_last_{tag}", generic("abc->ab", [p, p, r], sum_), [a], 99 + a.sum(2))
        yield from both(f"sum_middle_{tag}", generic("abc->ac", [p, r, p], sum_), [a], 99 + a.sum(1))
        yield from both(f"sum_first_{tag}", generic("abc->bc", [r, p, p], squares), [a], 99 + (a * a).sum(0))
        yield from both(f"sum_ends_{tag}", generic("abc->b", [r, p, r], squares), [a], 99 + (a * a).sum((0, 2)))
        yield from both(f"sum_all_{tag}", generic("abc->", [r, r, r], sum_), [a], np.array(99 + a.sum(), np.float32))
        if a.size:
            yield from both(f"max_{tag}", generic("abc->ab", [p, p, r], maximum), [a * 60], np.maximum(99, 60 * a.max(2)))
    n = ints(7, 40, dtype=np.int32)
    yield from both("sum_int", generic("ab->a", [p, r], "%s = arith.addi %x0, %x1 : i32\n linalg.yield %s : i32"), [n], (99 + n.sum(1)).astype(np.int32))
    yield from both("min_int", generic("ab->b", [r, p], "%s = arith.minsi %x0, %x1 : i32\n linalg.yield %s : i32"), [n], np.minimum(99, n.min(0)))


def last_pool_cases():
    for kind in ("max", "average"):
        x = ints(2, 70, 9, 8)
        for size, channels in ((1, x), (2, x[:1, :33].copy())):
            yield pool_case(f"pool_{kind}_last_pads{size}", kind, channels, [3, 2], strides=[2, size], pads=[1, 0, 1, 1], channels_last=True)
        yield pool_case(f"pool_{kind}_last_ceil", kind, x, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil=True, channels_last=True)
        yield pool_case(f"pool_{kind}_last_ceil0", kind, x, [2, 3], strides=[2, 2], ceil=True, channels_last=True)
        yield pool_case(f"pool_{kind}_last_dilated", kind, x, [2, 3], dilations=[3, 2], pads=[0, 1, 2, 1], channels_last=True)
        yield pool_case(f"pool_{kind}_last_1d", kind, ints(2, 18, 11), [4], strides=[3], pads=[1, 2], channels_last=True)
        yield pool_case(f"pool_{kind}_last_3d", kind, ints(1, 18, 3, 4, 5), [2, 2, 3], pads=[1, 0, 1, 0, 1, 1], channels_last=True)
    yield pool_case("pool_average_last_include", "average", ints(1, 20, 7, 7), [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil=True,
                    include_pad=True, channels_last=True)


def with_dynamic_extents(case):
    """The same op on buffers of which no extent is known."""
    op = lambda names, types: case.text.format(*names[:-1], out=names[-1]) + f" : ({', '.join(types)}) -> ()"
    dynamic = linalg_case(case.name, lambda names, types: op(names, types).replace("{", "{{").replace("}", "}}"), case.inputs, case.expected, True)
    return dynamic


def dynamic_op_cases():
    rows = [c for c in row_cases() if c.expected is not None]
    for case in [*rows, *(c for c in pool_cases() if "last" in c.name or "global" in c.name), *last_pool_cases()]:
        yield with_dynamic_extents(case)


def linalg_cases():
    yield from last_pool_cases()
    yield from dynamic_op_cases()
    yield from elementwise_cases()
    yield from copy_cases()
    yield from reduce_cases()
