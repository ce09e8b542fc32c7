"""Every structured op on buffers, with the numbers that numpy gives for it.

Inputs are small integers, so that sums are exact in every type and order; functions are compared to 1e-5 of the largest value.
"""
import itertools
import numpy as np

RNG = np.random.default_rng(7)
TYPES = {"float32": "f32", "float16": "f16", "float64": "f64", "int8": "i8", "uint8": "ui8", "int32": "i32", "int64": "i64"}


def ints(*shape, dtype=np.float32, low=-3, high=4):
    if np.dtype(dtype).kind == "u":
        low = 0
    return RNG.integers(low, high, shape).astype(dtype)


def memref(array, dynamic=()):
    dims = "x".join("?" if d in dynamic else str(n) for d, n in enumerate(array.shape))
    return f"memref<{dims}{'x' if dims else ''}{TYPES[array.dtype.name]}>"


class Case:
    """`text` holds the op with {0}, {1}, ... for its inputs and {out}; types are appended unless it is `complete`."""

    def __init__(self, name, text, inputs, expected, complete=False):
        self.name, self.text, self.inputs, self.expected, self.complete = name, text, inputs, expected, complete


def unpack_spatial(array, channels_last):
    return np.moveaxis(array, -1, 1) if channels_last else array


def conv(x, w, bias, strides, dilations, pads, groups):
    """x [N, C, spatial], w [O, C / groups, kernel]."""
    rank = len(strides)
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[d], pads[rank + d]) for d in range(rank)])
    out = [(x.shape[2 + d] - (w.shape[2 + d] - 1) * dilations[d] - 1) // strides[d] + 1 for d in range(rank)]
    y = np.zeros((x.shape[0], w.shape[0], *out), np.result_type(x, np.float32) if x.dtype.kind == "f" else np.int32)
    per_in, per_out = x.shape[1] // groups, w.shape[0] // groups
    for tap in itertools.product(*[range(k) for k in w.shape[2:]]):
        part = x[(slice(None), slice(None)) + tuple(
            slice(tap[d] * dilations[d], tap[d] * dilations[d] + (out[d] - 1) * strides[d] + 1, strides[d])
            for d in range(rank))]
        for g in range(groups):
            y[:, g * per_out:(g + 1) * per_out] += np.einsum(
                "nc...,oc->no...", part[:, g * per_in:(g + 1) * per_in].astype(y.dtype),
                w[(slice(g * per_out, (g + 1) * per_out), slice(None)) + tap].astype(y.dtype))
    return y if bias is None else y + bias.reshape(1, -1, *[1] * rank)


def pack_panels(w, groups=1, panel=16):
    """[O, depth] to [groups][ceil(O / groups / panel)][depth][panel]."""
    o, depth = w.shape
    per = o // groups
    panels = -(-per // panel)
    out = np.zeros((groups, panels, depth, panel), w.dtype)
    for i in range(o):
        out[i // per, i % per // panel, :, i % per % panel] = w[i]
    return out


def pack_conv(w, groups=1):
    """Taps outside, channels inside."""
    return pack_panels(np.moveaxis(w, 1, -1).reshape(w.shape[0], -1), groups)


def conv_case(name, x, w, bias=None, strides=None, dilations=None, pads=None, groups=1, channels_last=False, packed=False):
    rank = x.ndim - 2
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * (2 * rank)
    y = conv(x, w, bias, strides, dilations, pads, groups)
    fields = [f"strides = array<i64: {str(strides)[1:-1]}>", f"dilations = array<i64: {str(dilations)[1:-1]}>",
              f"pads = array<i64: {str(pads)[1:-1]}>", f"groups = {groups} : i64"]
    kernel = str(list(w.shape[2:]))
    weight = w
    if channels_last:
        fields.append("channels_last")
        x, y = np.moveaxis(x, 1, -1).copy(), np.moveaxis(y, 1, -1).copy()
    if packed and groups == x.shape[-1] and w.shape[0] == groups:
        taps = int(np.prod(w.shape[2:]))
        weight = w.reshape(w.shape[0], taps).T.copy()
        fields.append(f"pack = #nnopt.pack<outputs = {w.shape[0]}, depth = {taps}, panel = 0, kernel = {kernel}>")
    elif packed:
        weight = pack_conv(w, groups)
        fields.append(f"pack = #nnopt.pack<outputs = {w.shape[0] // groups}, depth = {w[0].size}, panel = 16, kernel = {kernel}>")
    tail = " bias {2}" if bias is not None else ""
    return Case(name, "nnopt.conv {0}, {1}" + tail + " into {out} {{" + ", ".join(fields) + "}}",
                [x, weight] + ([bias] if bias is not None else []), y)


def conv_transpose(x, w, bias, strides, dilations, pads, output_padding, groups):
    rank = len(strides)
    full = [(x.shape[2 + d] - 1) * strides[d] + output_padding[d] + (w.shape[2 + d] - 1) * dilations[d] + 1 for d in range(rank)]
    per_in, per_out = x.shape[1] // groups, w.shape[1]
    y = np.zeros((x.shape[0], per_out * groups, *full), np.float32)
    for at in itertools.product(*[range(n) for n in x.shape[2:]]):
        for tap in itertools.product(*[range(k) for k in w.shape[2:]]):
            to = tuple(at[d] * strides[d] + tap[d] * dilations[d] for d in range(rank))
            for g in range(groups):
                y[(slice(None), slice(g * per_out, (g + 1) * per_out)) + to] += (
                    x[(slice(None), slice(g * per_in, (g + 1) * per_in)) + at] @ w[(slice(g * per_in, (g + 1) * per_in), slice(None)) + tap])
    y = y[(slice(None), slice(None)) + tuple(slice(pads[d], full[d] - pads[rank + d]) for d in range(rank))]
    return y if bias is None else y + bias.reshape(1, -1, *[1] * rank)


def pool(x, kind, kernel, strides, dilations, pads, ceil, include_pad):
    rank = len(kernel)
    windows = [(kernel[d] - 1) * dilations[d] + 1 for d in range(rank)]
    out = []
    for d in range(rank):
        room = x.shape[2 + d] + pads[d] + pads[rank + d] - windows[d]
        count = room // strides[d] + 1
        if ceil and room % strides[d] and count * strides[d] < x.shape[2 + d] + pads[d]:
            count += 1
        out.append(count)
    y = np.zeros((*x.shape[:2], *out), x.dtype)
    for at in itertools.product(*[range(n) for n in out]):
        values, count = [], 0
        for tap in itertools.product(*[range(k) for k in kernel]):
            position = [at[d] * strides[d] + tap[d] * dilations[d] - pads[d] for d in range(rank)]
            inside = all(0 <= p < x.shape[2 + d] for d, p in enumerate(position))
            if inside:
                values.append(x[(slice(None), slice(None)) + tuple(position)])
            count += inside or (include_pad and all(p < x.shape[2 + d] + pads[rank + d] for d, p in enumerate(position)))
        y[(slice(None), slice(None)) + at] = np.max(values, axis=0) if kind == "max" else np.sum(values, axis=0) / count
    return y


def pool_case(name, kind, x, kernel, strides=None, dilations=None, pads=None, ceil=False, include_pad=False, channels_last=False):
    rank = x.ndim - 2
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * (2 * rank)
    y = pool(x, kind, kernel, strides, dilations, pads, ceil, include_pad)
    fields = [f"{k} = array<i64: {str(v)[1:-1]}>" for k, v in
              [("kernel", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads)]]
    fields += [n for n, on in [("ceil_mode", ceil), ("count_include_pad", include_pad), ("channels_last", channels_last)] if on]
    if channels_last:
        x, y = np.moveaxis(x, 1, -1).copy(), np.moveaxis(y, 1, -1).copy()
    return Case(name, "nnopt.pool " + kind + " {0} into {out} {{" + ", ".join(fields) + "}}", [x], y)


def softmax(x, axis, log=False):
    e = np.exp(x.astype(np.float64) - x.max(axis, keepdims=True))
    y = e / e.sum(axis, keepdims=True)
    return (np.log(y) if log else y).astype(x.dtype)


def attention(q, k, v, mask=None, scale=1.0, causal=False):
    """[batch, heads, sequence, size]."""
    share = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, share, 1), np.repeat(v, share, 1)
    s = scale * np.einsum("bhqd,bhkd->bhqk", q.astype(np.float64), k)
    if mask is not None:
        s = s + mask
    if causal:
        s = np.where(np.arange(s.shape[3])[None, :] <= np.arange(s.shape[2])[:, None], s, -np.inf)
    return np.einsum("bhqk,bhkd->bhqd", softmax(s, 3), v).astype(np.float32)


def normalize(x, axis, kind, scale, bias, epsilon):
    axes = tuple(range(axis, x.ndim))
    x64 = x.astype(np.float64)
    centred = x64 - x64.mean(axes, keepdims=True) if kind == "layer" else x64
    y = centred / np.sqrt((centred ** 2).mean(axes, keepdims=True) + epsilon)
    y = y * (1 if scale is None else scale) + (0 if bias is None else bias)
    return y.astype(x.dtype)


def linear_cases():
    x, w, b = ints(2, 5, 7), ints(19, 7), ints(19)
    y = x @ w.T
    residual = ints(2, 5, 19)
    relu = """do {{ ^bb0(%acc: f32, %r: f32):
      %zero = arith.constant 0.0 : f32
      %s = arith.addf %acc, %r : f32
      %m = arith.maximumf %s, %zero : f32
      nnopt.yield %m : f32 }}"""
    yield Case("linear", "nnopt.linear {0}, {1} bias {2} into {out}", [x, w, b], y + b)
    yield Case("linear_kn", "nnopt.linear {0}, {1} into {out} {{weight_kn}}", [x, w.T.copy()], y)
    pack = "pack = #nnopt.pack<outputs = 19, depth = 7, panel = 16>"
    yield Case("linear_packed", "nnopt.linear {0}, {1} bias {2} into {out} {{" + pack + "}}", [x, pack_panels(w)[0], b], y + b)
    wide = ints(24, 7)
    yield Case("linear_half_panel", "nnopt.linear {0}, {1} into {out} {{pack = #nnopt.pack<outputs = 24, depth = 7, panel = 16>}}",
               [x, pack_panels(wide)[0]], x @ wide.T)
    maps = "[affine_map<(a, b, c) -> (a, b, c)>]"
    yield Case("linear_epilogue", "nnopt.linear {0}, {1} bias {2} epilogue({3}) maps " + maps + " into {out} " + relu,
               [x, w, b, residual], np.maximum(y + b + residual, 0))
    yield Case("linear_packed_epilogue",
               "nnopt.linear {0}, {1} bias {2} epilogue({3}) maps " + maps + " into {out} " + relu + " {{" + pack + "}}",
               [x, pack_panels(w)[0], b, residual], np.maximum(y + b + residual, 0))
    yield Case("linear_row", "nnopt.linear {0}, {1} into {out}", [x[0, 0].copy(), w], y[0, 0].copy())
    xh, wh = ints(3, 8, dtype=np.float16), ints(5, 8, dtype=np.float16)
    yield Case("linear_f16", "nnopt.linear {0}, {1} into {out}", [xh, wh], xh @ wh.T)
    xi, wi = ints(3, 8, dtype=np.uint8, high=255), ints(5, 8, dtype=np.int8, low=-128, high=127)
    yield Case("linear_u8s8", "nnopt.linear {0}, {1} into {out}", [xi, wi], xi.astype(np.int32) @ wi.astype(np.int32).T)


def matmul_cases():
    a, b = ints(3, 4, 6), ints(3, 6, 5)
    yield Case("matmul", "nnopt.matmul {0}, {1} into {out}", [a, b], a @ b)
    yield Case("matmul_transposed", "nnopt.matmul {0}, {1} into {out} {{transpose_lhs, transpose_rhs}}",
               [a.swapaxes(1, 2).copy(), b.swapaxes(1, 2).copy()], a @ b)
    wide, row = ints(2, 1, 4, 6), ints(3, 6, 5)
    yield Case("matmul_broadcast", "nnopt.matmul {0}, {1} into {out}", [wide, row], wide @ row)
    yield Case("matmul_f64", "nnopt.matmul {0}, {1} into {out}", [a[0].astype(np.float64), b[0].astype(np.float64)],
               (a[0] @ b[0]).astype(np.float64))


def conv_cases():
    x, w, b = ints(2, 4, 9, 8), ints(6, 4, 3, 3), ints(6)
    yield conv_case("conv", x, w, b, strides=[2, 1], pads=[1, 0, 2, 1])
    yield conv_case("conv_dilated", x, w, dilations=[2, 2])
    yield conv_case("conv_groups", x, ints(6, 2, 3, 2), b, groups=2)
    yield conv_case("conv_1d", ints(2, 3, 11), ints(5, 3, 4), strides=[3], pads=[2, 1])
    yield conv_case("conv_3d", ints(1, 2, 4, 5, 3), ints(3, 2, 2, 3, 2))
    for last in (False, True):
        suffix = "_last" if last else ""
        yield conv_case("conv_packed" + suffix, x, w, b, strides=[2, 2], channels_last=last, packed=True)
    yield conv_case("conv_packed_groups", x, ints(40, 2, 3, 3), ints(40), groups=2, channels_last=True, packed=True)
    yield conv_case("conv_depthwise", ints(1, 21, 7, 6), ints(21, 1, 3, 3), ints(21), groups=21, channels_last=True, packed=True)
    yield conv_case("conv_depthwise_strided", ints(2, 17, 8, 9), ints(17, 1, 3, 3), strides=[2, 2], groups=17, channels_last=True, packed=True)
    yield conv_case("conv_pointwise", ints(1, 20, 6, 7), ints(35, 20, 1, 1), ints(35), channels_last=True, packed=True)
    xt, wt = ints(1, 4, 4, 3), ints(4, 3, 3, 2)
    fields = "{{strides = array<i64: 2, 3>, dilations = array<i64: 1, 2>, pads = array<i64: 1, 0, 0, 1>, output_padding = array<i64: 1, 0>, groups = 2 : i64}}"
    yield Case("conv_transpose", "nnopt.conv_transpose {0}, {1} bias {2} into {out} " + fields, [xt, wt, b],
               conv_transpose(xt, wt, b, [2, 3], [1, 2], [1, 0, 0, 1], [1, 0], 2))


def row_cases():
    x = ints(2, 5, 37) / 4
    for axis in range(3):
        yield Case(f"softmax_{axis}", f"nnopt.softmax {{0}} into {{out}} {{{{axis = {axis} : i64}}}}", [x], softmax(x, axis))
    yield Case("log_softmax", "nnopt.softmax {0} into {out} {{axis = 2 : i64, log}}", [x], softmax(x, 2, log=True))
    scale, bias = ints(37), ints(37)
    for kind, (s, b) in itertools.product(("layer", "rms"), ((scale, bias), (scale, None), (None, None))):
        operands = "".join(f" {word} {{{1 + n}}}" for n, (word, v) in enumerate([("scale", s), ("bias", b)]) if v is not None)
        yield Case(f"{kind}_{len(operands)}", f"nnopt.normalize {kind} {{0}}{operands} into {{out}} {{{{axis = 2 : i64, epsilon = 1.0e-3 : f32}}}}",
                   [x] + [v for v in (s, b) if v is not None], normalize(x, 2, kind, s, b, 1e-3))
    yield Case("layer_axis1", "nnopt.normalize layer {0} into {out} {{axis = 1 : i64, epsilon = 1.0e-3 : f32}}", [x],
               normalize(x, 1, "layer", None, None, 1e-3))
    table, ids = ints(11, 19), np.array([[0, 10, -1], [-11, 3, 7]])
    yield Case("gather", "nnopt.gather {0}, {1} into {out} {{axis = 0 : i64}}", [table, ids], table[ids])
    yield Case("gather_axis1", "nnopt.gather {0}, {1} into {out} {{axis = 1 : i64}}", [table, ids.astype(np.int32)], table[:, ids])
    yield Case("gather_outside", "nnopt.gather {0}, {1} into {out} {{axis = 0 : i64}}", [table, np.array([99, -99])], table[[10, 0]])
    yield Case("gather_bytes", "nnopt.gather {0}, {1} into {out} {{axis = 0 : i64}}", [ints(4, 3, dtype=np.uint8, high=255), np.array([3, 1])], None)


def attention_cases():
    q, k, v, mask = ints(2, 4, 6, 8), ints(2, 2, 7, 8), ints(2, 2, 7, 5), ints(2, 1, 1, 7)
    text = "nnopt.attention {0}, {1}, {2}"
    yield Case("attention_shared", text + " into {out} {{scale = 0.25 : f32}}", [q, k, v], attention(q, k, v, scale=0.25))
    k, v = ints(2, 4, 7, 8), ints(2, 4, 7, 8)
    yield Case("attention_mask", text + " mask {3} into {out} {{scale = 0.25 : f32}}", [q, k, v, mask], attention(q, k, v, mask, 0.25))
    yield Case("attention_causal", text + " into {out} {{scale = 0.25 : f32, causal}}", [q, k, v], attention(q, k, v, None, 0.25, True))
    major = [a.swapaxes(1, 2).copy() for a in (q, k, v)]
    yield Case("attention_major", text + " mask {3} into {out} {{scale = 0.25 : f32, sequence_major}}", major + [mask],
               attention(q, k, v, mask, 0.25).swapaxes(1, 2).copy())
    q, k, v = ints(1, 2, 33, 32), ints(1, 2, 33, 32), ints(1, 2, 33, 32)
    yield Case("attention_large", text + " into {out} {{scale = 0.125 : f32}}", [q, k, v], attention(q, k, v, None, 0.125))


def pool_cases():
    x = ints(2, 3, 8, 7)
    for kind in ("max", "average"):
        yield pool_case(f"pool_{kind}", kind, x, [3, 2], strides=[2, 1])
        yield pool_case(f"pool_{kind}_pads", kind, x, [3, 3], strides=[2, 2], pads=[1, 1, 0, 1])
        yield pool_case(f"pool_{kind}_ceil", kind, x, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil=True)
        yield pool_case(f"pool_{kind}_last", kind, ints(1, 21, 6, 6), [2, 2], strides=[2, 2], channels_last=True)
        yield pool_case(f"pool_{kind}_global", kind, ints(1, 21, 4, 5), [4, 5], channels_last=True)
    yield pool_case("pool_average_include", "average", x, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil=True, include_pad=True)
    yield pool_case("pool_max_dilated", "max", x, [2, 2], dilations=[3, 2])
    yield pool_case("pool_max_u8", "max", ints(1, 2, 4, 4, dtype=np.uint8, high=255), [2, 2])


def all_cases():
    for cases in (linear_cases, matmul_cases, conv_cases, row_cases, attention_cases, pool_cases):
        for case in cases():
            if case.name == "gather_bytes":
                case.expected = case.inputs[0][case.inputs[1]]
            yield case
