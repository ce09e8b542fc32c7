"""Cases that exist on tensors only: activations, precision, shapes, slices, control flow, scalars. Expected values are numpy's or written out."""
from math import erf

import numpy as np

from kernel_cases import TYPES, ints

TYPES.update({"uint16": "ui16", "uint32": "ui32", "uint64": "ui64", "int16": "i16", "bool": "i1"})


class Case:
    """`text` defines %r from {0}, {1}, ...; `result` is its type where it is not that of the expected array."""

    def __init__(self, name, text, inputs, expected, result=None, exact=False):
        self.name, self.text, self.inputs, self.expected = name, text.strip(), inputs, np.asarray(expected)
        self.result, self.exact = result, exact


def f32(*values):
    return np.array(values, np.float32)


def activation_cases():
    x = f32(-7, -3, -1, -0.25, 0, 0.25, 1, 3, 7, np.inf, -np.inf, np.nan)
    x64 = x.astype(np.float64)
    with np.errstate(all="ignore"):
        sigmoid = 1 / (1 + np.exp(-x64))
        softplus = np.log1p(np.exp(-np.abs(x64))) + np.maximum(x64, 0)
        hard = np.maximum(0, np.minimum(1, x64 / 6 + 0.5))
        gate = np.maximum(0, np.minimum(1, 0.2 * x64 + 0.5))
        rows = [
            ("relu", "", np.maximum(x64, 0)), ("leaky_relu", "alpha = 0.1 : f32", np.where(x64 < 0, np.float32(0.1) * x64, x64)),
            ("sigmoid", "", sigmoid), ("tanh", "", np.tanh(x64)), ("gelu", "", [v * 0.5 * (1 + erf(v * 0.5 ** 0.5)) for v in x64]),
            ("gelu_tanh", "", 0.5 * x64 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x64 + 0.044715 * x64 ** 3)))),
            ("silu", "", x64 * sigmoid), ("silu", "alpha = 2.0 : f32", x64 / (1 + np.exp(-2 * x64))),
            ("hard_sigmoid", "", hard), ("hard_sigmoid", "alpha = 0.2 : f32, beta = 0.5 : f32", gate), ("hard_swish", "", x64 * hard),
            ("elu", "alpha = 2.0 : f32", np.where(x64 < 0, 2 * np.expm1(x64), x64)),
            ("celu", "alpha = 2.0 : f32", np.where(x64 < 0, 2 * np.expm1(x64 / 2), x64)),
            ("selu", "", 1.0507009873554805 * np.where(x64 < 0, 1.6732632423543772 * np.expm1(x64), x64)),
            ("softplus", "", softplus), ("softsign", "", x64 / (1 + np.abs(x64))), ("mish", "", x64 * np.tanh(softplus)),
            ("erf", "", [erf(v) for v in x64]), ("clip", "alpha = -1.0 : f32, beta = 2.0 : f32", np.clip(x64, -1, 2)),
            ("clip", "beta = 2.0 : f32", np.minimum(x64, 2)), ("thresholded_relu", "alpha = 0.5 : f32", np.where(x64 > 0.5, x64, 0)),
        ]
        for n, (kind, fields, expected) in enumerate(rows):
            yield Case(f"activation_{kind}_{n}", f"%r = nnopt.activation {kind} {{0}} {{{{{fields}}}}} : tensor<12xf32>", [x],
                       np.asarray(expected, np.float32))
    half = np.array([-1, 0.3330078125, 2], np.float16)
    yield Case("activation_f16", "%r = nnopt.activation sigmoid {0} : tensor<3xf16>", [half], (1 / (1 + np.exp(-half.astype(np.float64)))).astype(np.float16))


def precision_cases():
    x = f32(-1000, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 1000)  # ties go to the even neighbour
    scalar = "(tensor<8xf32>, tensor<f32>, tensor<{k}>) -> tensor<8x{k}>"
    one = np.float32(1)
    for kind, dtype, zero, expected in (("i8", np.int8, 3, [-128, 1, 1, 3, 3, 5, 5, 127]), ("ui8", np.uint8, 128, [0, 126, 126, 128, 128, 130, 130, 255]),
                                        ("i16", np.int16, 0, [-1000, -2, -2, 0, 0, 2, 2, 1000])):
        yield Case(f"quantize_{kind}", f"%r = nnopt.quantize {{0}} scale {{1}} zero_point {{2}} : {scalar.format(k=kind)}",
                   [x, np.array(one), np.array(zero, dtype)], np.array(expected, dtype))
    rows, scales = f32(1, 2, 3, 4, 5, 6).reshape(2, 3), f32(0.5, 2)
    yield Case("quantize_axis", "%r = nnopt.quantize {0} scale {1} {{axis = 0 : i64}} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xi8>",
               [rows, scales], np.array([[2, 4, 6], [2, 2, 3]], np.int8))  # 2.5 to 2
    yield Case("quantize_nan", "%r = nnopt.quantize {0} scale {1} : (tensor<3xf32>, tensor<f32>) -> tensor<3xi8>",
               [f32(np.nan, np.inf, -np.inf), np.array(one)], np.array([0, 127, -128], np.int8))
    q, zero = np.array([[0, 128, 255], [1, 2, 3]], np.uint8), np.array([128, 2], np.uint8)
    yield Case("dequantize_axis", "%r = nnopt.dequantize {0} scale {1} zero_point {2} {{axis = 0 : i64}} : (tensor<2x3xui8>, tensor<2xf32>, tensor<2xui8>) -> tensor<2x3xf32>",
               [q, scales, zero], f32(-64, 0, 63.5, -2, 0, 2).reshape(2, 3))
    wide = np.arange(8, dtype=np.int8).reshape(1, 8)
    blocks = f32(1, 10).reshape(1, 2)
    yield Case("dequantize_block", "%r = nnopt.dequantize {0} scale {1} {{axis = 1 : i64, block_size = 4 : i64}} : (tensor<1x8xi8>, tensor<1x2xf32>) -> tensor<1x8xf32>",
               [wide, blocks], f32(0, 1, 2, 3, 40, 50, 60, 70).reshape(1, 8))
    yield Case("dequantize_i4", """%q = nnopt.weight dense<[-8, -1, 0, 7]> : tensor<4xi4>
    %r = nnopt.dequantize %q scale {0} : (tensor<4xi4>, tensor<f32>) -> tensor<4xf32>""", [np.array(one)], f32(-8, -1, 0, 7))
    yield Case("dequantize_i32", "%r = nnopt.dequantize {0} scale {1} : (tensor<2xi32>, tensor<f32>) -> tensor<2xf32>",
               [np.array([-(2 ** 31), 3], np.int32), np.array(np.float32(0.5))], f32(-(2.0 ** 30), 1.5))
    yield Case("weight_splat", '%r = nnopt.weight "w" dense<2.5> : tensor<2x3xf32>', [], np.full((2, 3), 2.5, np.float32))
    yield Case("weight_bool", "%r = nnopt.weight dense<[true, false, true]> : tensor<3xi1>", [], np.array([True, False, True]))
    yield Case("weight_u8", "%r = nnopt.weight dense<[0, 200, 255]> : tensor<3xui8>", [], np.array([0, 200, 255], np.uint8))


def shape_cases():
    x = ints(2, 3, 4)
    yield Case("collapse", "%r = tensor.collapse_shape {0} [[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>", [x], x.reshape(6, 4))
    yield Case("expand", "%r = tensor.expand_shape {0} [[0], [1], [2, 3]] output_shape [2, 3, 2, 2] : tensor<2x3x4xf32> into tensor<2x3x2x2xf32>", [x], x.reshape(2, 3, 2, 2))
    yield Case("expand_to_rank", "%r = tensor.expand_shape {0} [] output_shape [1, 1] : tensor<f32> into tensor<1x1xf32>", [np.array(np.float32(3))], [[np.float32(3)]])
    yield Case("reshape", "%r = tensor.reshape {0}({1}) : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>", [x, np.array([4, 6])], x.reshape(4, 6), "tensor<?x?xf32>")
    yield Case("cast_dim", """%d = tensor.cast {0} : tensor<2x3x4xf32> to tensor<?x?x4xf32>
    %c = arith.constant 1 : index
    %n = tensor.dim %d, %c : tensor<?x?x4xf32>
    %i = arith.index_cast %n : index to i64
    %r = tensor.from_elements %i, %i : tensor<2xi64>""", [x], np.array([3, 3]))
    yield Case("bitcast", "%r = tensor.bitcast {0} : tensor<2xui8> to tensor<2xi8>", [np.array([200, 3], np.uint8)], np.array([-56, 3], np.int8))
    yield Case("slice", "%r = tensor.extract_slice {0}[1, 0, 1] [1, 2, 2] [1, 2, 2] : tensor<2x3x4xf32> to tensor<1x2x2xf32>", [x], x[1:2, 0::2, 1::2])
    yield Case("slice_reduces", "%r = tensor.extract_slice {0}[1, 0, 3] [1, 3, 1] [1, 1, 1] : tensor<2x3x4xf32> to tensor<3xf32>", [x], x[1, :, 3])
    expected = x.copy()
    expected[:, 1, 1:4:2] = 9
    yield Case("insert_slice", """%v = arith.constant dense<9.0> : tensor<2x2xf32>
    %r = tensor.insert_slice %v into {0}[0, 1, 1] [2, 1, 2] [1, 1, 2] : tensor<2x2xf32> into tensor<2x3x4xf32>""", [x], expected)
    yield Case("concat", "%r = tensor.concat dim(1) {0}, {1}, {0} : (tensor<2x3x4xf32>, tensor<2x0x4xf32>, tensor<2x3x4xf32>) -> tensor<2x6x4xf32>",
               [x, np.zeros((2, 0, 4), np.float32)], np.concatenate([x, x], 1))
    yield Case("pad", """%z = arith.constant -1.5 : f32
    %r = tensor.pad {0} low[0, 1, 0] high[1, 0, 2] {{
    ^bb0(%a: index, %b: index, %c: index):
      tensor.yield %z : f32
    }} : tensor<2x3x4xf32> to tensor<3x4x6xf32>""", [x], np.pad(x, [(0, 1), (1, 0), (0, 2)], constant_values=-1.5))
    yield Case("pad_by_index", """%r = tensor.pad {0} low[1] high[2] {{
    ^bb0(%a: index):
      %i = arith.index_cast %a : index to i64
      tensor.yield %i : i64
    }} : tensor<2xi64> to tensor<5xi64>""", [np.array([7, 8])], np.array([0, 7, 8, 3, 4]))
    yield Case("generate", """%n = arith.constant 3 : index
    %r = tensor.generate %n {{
    ^bb0(%i: index, %j: index):
      %s = affine.apply affine_map<(a, b) -> (a * 10 + b)>(%i, %j)
      %m = affine.min affine_map<(a) -> (a, 12)>(%s)
      %x = affine.max affine_map<(a) -> (a, 1)>(%m)
      %v = arith.index_cast %x : index to i64
      tensor.yield %v : i64
    }} : tensor<?x2xi64>""", [], np.array([[1, 1], [10, 11], [12, 12]]), "tensor<?x2xi64>")
    yield Case("splat", """%v = arith.constant 2.0 : f64
    %r = tensor.splat %v : tensor<2x2xf64>""", [], np.full((2, 2), 2.0))
    yield Case("extract_insert", """%a = arith.constant 1 : index
    %b = arith.constant 2 : index
    %v = tensor.extract {0}[%a, %b, %b] : tensor<2x3x4xf32>
    %e = tensor.empty() : tensor<2xf32>
    %z = arith.constant 0 : index
    %o = tensor.insert %v into %e[%z] : tensor<2xf32>
    %r = tensor.insert %v into %o[%a] : tensor<2xf32>""", [x], np.array([x[1, 2, 2]] * 2))
    yield Case("empty_is_nan", "%r = tensor.empty() : tensor<2xf32>", [], f32(np.nan, np.nan))
    yield Case("alloc_tensor", """%n = arith.constant 2 : index
    %r = bufferization.alloc_tensor(%n) : tensor<?xf32>""", [], f32(np.nan, np.nan), "tensor<?xf32>")
    yield Case("alloc_tensor_copy", "%r = bufferization.alloc_tensor() copy({0}) : tensor<2x3x4xf32>", [x], x)
    yield Case("rank", """%n = tensor.rank {0} : tensor<2x3x4xf32>
    %i = arith.index_cast %n : index to i64
    %r = tensor.splat %i : tensor<1xi64>""", [x], np.array([3]))


def control_cases():
    x = ints(5, 3)
    yield Case("for_tensors", """%c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %s = tensor.extract_slice {0}[0, 0] [1, 3] [1, 1] : tensor<5x3xf32> to tensor<3xf32>
    %r = scf.for %i = %c1 to %c5 step %c1 iter_args(%acc = %s) -> (tensor<3xf32>) {{
      %row = tensor.extract_slice {0}[%i, 0] [1, 3] [1, 1] : tensor<5x3xf32> to tensor<3xf32>
      %t = arith.addf %acc, %row : tensor<3xf32>
      scf.yield %t : tensor<3xf32>
    }}""", [x], x.sum(0))
    yield Case("while_tensors", """%c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c4 = arith.constant 4 : i32
    %n, %r = scf.while (%i = %c0, %t = {0}) : (i32, tensor<5x3xf32>) -> (i32, tensor<5x3xf32>) {{
      %more = arith.cmpi slt, %i, %c4 : i32
      scf.condition(%more) %i, %t : i32, tensor<5x3xf32>
    }} do {{
    ^bb0(%i: i32, %t: tensor<5x3xf32>):
      %next = arith.addi %i, %c1 : i32
      %d = arith.addf %t, %t : tensor<5x3xf32>
      scf.yield %next, %d : i32, tensor<5x3xf32>
    }}""", [x], x * 16)
    for flag in (False, True):
        yield Case(f"if_tensors_{flag}", """%i = tensor.extract {1}[] : tensor<i1>
    %r = scf.if %i -> (tensor<5x3xf32>) {{
      scf.yield {0} : tensor<5x3xf32>
    }} else {{
      %n = arith.negf {0} : tensor<5x3xf32>
      scf.yield %n : tensor<5x3xf32>
    }}""", [x, np.array(flag)], x if flag else -x)
    yield Case("forall", """%e = tensor.empty() : tensor<3x5xf32>
    %r = scf.forall (%i, %j) in (5, 3) shared_outs(%o = %e) -> (tensor<3x5xf32>) {{
      %v = tensor.extract_slice {0}[%i, %j] [1, 1] [1, 1] : tensor<5x3xf32> to tensor<1x1xf32>
      scf.forall.in_parallel {{
        tensor.parallel_insert_slice %v into %o[%j, %i] [1, 1] [1, 1] : tensor<1x1xf32> into tensor<3x5xf32>
      }}
    }}""", [x], x.T)
    # Greatest common divisors by Euclid's loop, in the body of a linalg op.
    a, b = np.array([12, 17, 0, 100], np.int64), np.array([18, 5, 7, 75], np.int64)
    yield Case("while_in_body", """%e = tensor.empty() : tensor<4xi64>
    %r = linalg.generic {{indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}}
        ins({0}, {1} : tensor<4xi64>, tensor<4xi64>) outs(%e : tensor<4xi64>) {{
    ^bb0(%x: i64, %y: i64, %o: i64):
      %z = arith.constant 0 : i64
      %g:2 = scf.while (%p = %x, %q = %y) : (i64, i64) -> (i64, i64) {{
        %more = arith.cmpi ne, %q, %z : i64
        scf.condition(%more) %p, %q : i64, i64
      }} do {{
      ^bb1(%p: i64, %q: i64):
        %m = arith.remsi %p, %q : i64
        scf.yield %q, %m : i64, i64
      }}
      linalg.yield %g#0 : i64
    }} -> tensor<4xi64>""", [a, b], np.gcd(a, b))
    n = np.array([0, 1, 2, 10], np.int64)
    yield Case("for_in_body", """%e = tensor.empty() : tensor<4xi64>
    %r = linalg.generic {{indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}}
        ins({0} : tensor<4xi64>) outs(%e : tensor<4xi64>) {{
    ^bb0(%x: i64, %o: i64):
      %z = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %a = arith.constant 0 : i64
      %b = arith.constant 1 : i64
      %m = arith.index_cast %x : i64 to index
      %f:2 = scf.for %i = %z to %m step %c1 iter_args(%p = %a, %q = %b) -> (i64, i64) {{
        %s = arith.addi %p, %q : i64
        scf.yield %q, %s : i64, i64
      }}
      linalg.yield %f#0 : i64
    }} -> tensor<4xi64>""", [n], np.array([0, 1, 1, 55]))
    yield Case("if_in_body", """%e = tensor.empty() : tensor<4xi64>
    %r = linalg.generic {{indexing_maps = [affine_map<(d) -> (3 - d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]}}
        ins({0} : tensor<4xi64>) outs(%e : tensor<4xi64>) {{
    ^bb0(%x: i64, %o: i64):
      %i = linalg.index 0 : index
      %w = arith.index_cast %i : index to i64
      %p = arith.cmpi sgt, %x, %w : i64
      %v = scf.if %p -> (i64) {{
        scf.yield %x : i64
      }} else {{
        %zz = arith.constant 0 : i64
        %j = arith.subi %zz, %w : i64
        scf.yield %j : i64
      }}
      linalg.yield %v : i64
    }} -> tensor<4xi64>""", [n], np.array([10, 2, -2, -3]))


def linalg_cases():
    x, table = ints(3, 4), ints(6)
    ids = np.array([[0, 5], [2, 2]])
    yield Case("extract_in_body", """%e = tensor.empty() : tensor<2x2xf32>
    %r = linalg.generic {{indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}}
        ins({1} : tensor<2x2xi64>) outs(%e : tensor<2x2xf32>) {{
    ^bb0(%i: i64, %o: f32):
      %k = arith.index_cast %i : i64 to index
      %v = tensor.extract {0}[%k] : tensor<6xf32>
      linalg.yield %v : f32
    }} -> tensor<2x2xf32>""", [table, ids], table[ids])
    yield Case("map_floordiv", """%e = tensor.empty() : tensor<6x4xf32>
    %r = linalg.generic {{indexing_maps = [affine_map<(a, b) -> (a floordiv 2, b mod 3)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}}
        ins({0} : tensor<3x4xf32>) outs(%e : tensor<6x4xf32>) {{
    ^bb0(%i: f32, %o: f32):
      linalg.yield %i : f32
    }} -> tensor<6x4xf32>""", [x], x[np.arange(6)[:, None] // 2, np.arange(4)[None] % 3])
    yield Case("two_results", """%e = tensor.empty() : tensor<3x4xf32>
    %s, %r = linalg.generic {{indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}}
        ins({0} : tensor<3x4xf32>) outs(%e, %e : tensor<3x4xf32>, tensor<3x4xf32>) {{
    ^bb0(%i: f32, %o: f32, %p: f32):
      %d = arith.addf %i, %i : f32
      linalg.yield %i, %d : f32, f32
    }} -> (tensor<3x4xf32>, tensor<3x4xf32>)""", [x], x + x)
    a, b = ints(3, 5), ints(5, 2)
    yield Case("named_matmul", """%z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<3x2xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<3x2xf32>) -> tensor<3x2xf32>
    %r = linalg.matmul ins({0}, {1} : tensor<3x5xf32>, tensor<5x2xf32>) outs(%f : tensor<3x2xf32>) -> tensor<3x2xf32>""", [a, b], a @ b)
    yield Case("named_reduce", """%e = arith.constant dense<0.0> : tensor<3xf32>
    %r = linalg.reduce ins({0} : tensor<3x5xf32>) outs(%e : tensor<3xf32>) dimensions = [1] (%i: f32, %o: f32) {{
      %s = arith.addf %i, %o : f32
      linalg.yield %s : f32
    }}""", [a], a.sum(1))
    yield Case("named_map", """%e = tensor.empty() : tensor<3x5xf32>
    %r = linalg.map {{ math.absf }} ins({0} : tensor<3x5xf32>) outs(%e : tensor<3x5xf32>)""", [a], np.abs(a))
    image, kernel = ints(1, 5, 5, 1), ints(2, 2, 1, 3)
    conv = np.zeros((1, 4, 4, 3), np.float32)
    for i in range(2):
        for j in range(2):
            conv += image[:, i:i + 4, j:j + 4] * kernel[i, j]
    yield Case("named_conv", """%e = arith.constant dense<0.0> : tensor<1x4x4x3xf32>
    %r = linalg.conv_2d_nhwc_hwcf ins({0}, {1} : tensor<1x5x5x1xf32>, tensor<2x2x1x3xf32>) outs(%e : tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>""", [image, kernel], conv)


def elementwise(name, ops, inputs, expected, exact=True):
    """`ops` is the body over %x0, %x1, ... and ends by defining %y; one dimension."""
    kinds = [TYPES[a.dtype.name] for a in inputs]
    out = TYPES[expected.dtype.name]
    size = inputs[0].size
    maps = ", ".join(["affine_map<(d) -> (d)>"] * (len(inputs) + 1))
    arguments = ", ".join([f"%x{i}: {k}" for i, k in enumerate(kinds)] + [f"%o: {out}"])
    lines = "\n      ".join(ops)
    text = f"""%e = tensor.empty() : tensor<{size}x{out}>
    %r = linalg.generic {{{{indexing_maps = [{maps}], iterator_types = ["parallel"]}}}}
        ins({", ".join("{%d}" % i for i in range(len(inputs)))} : {", ".join(f"tensor<{size}x{k}>" for k in kinds)}) outs(%e : tensor<{size}x{out}>) {{{{
    ^bb0({arguments}):
      {lines}
      linalg.yield %y : {out}
    }}}} -> tensor<{size}x{out}>"""
    return Case(name, text, inputs, expected, exact=exact)


def from_scalars_cases():
    from scalar_cases import scalar_cases
    yield from scalar_cases(elementwise)


def all_cases():
    for cases in (activation_cases, precision_cases, shape_cases, control_cases, linalg_cases, from_scalars_cases):
        yield from cases()
