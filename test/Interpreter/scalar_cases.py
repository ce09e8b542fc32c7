"""Every scalar operation of arith and math on chosen values: edges of the types, ties, NaN, infinities, division by zero."""
import math

import numpy as np


def wrap(values, dtype):
    """Python integers modulo the type's range."""
    bits = np.dtype(dtype).itemsize * 8
    return np.array([v % 2 ** bits for v in values], np.uint64).astype(f"uint{bits}").view(dtype) if bits < 64 else \
        np.array([v % 2 ** 64 for v in values], np.uint64).view(dtype)


def binary_integers(elementwise):
    x = np.array([7, -7, 7, -7, 0, 127, -128, -128, 5], np.int8)
    y = np.array([2, 2, -2, -2, 3, 1, -1, 0, 0], np.int8)
    X, Y = [int(v) for v in x], [int(v) for v in y]
    U, V = [v % 256 for v in X], [v % 256 for v in Y]
    quotient = lambda a, b: 0 if b == 0 else int(math.trunc(a / b))
    rows = {
        "addi": [a + b for a, b in zip(X, Y)], "subi": [a - b for a, b in zip(X, Y)], "muli": [a * b for a, b in zip(X, Y)],
        "divsi": [quotient(a, b) for a, b in zip(X, Y)], "remsi": [0 if b == 0 else int(math.fmod(a, b)) for a, b in zip(X, Y)],
        "floordivsi": [0 if b == 0 else a // b for a, b in zip(X, Y)], "ceildivsi": [0 if b == 0 else -(-a // b) for a, b in zip(X, Y)],
        "divui": [0 if b == 0 else a // b for a, b in zip(U, V)], "remui": [0 if b == 0 else a % b for a, b in zip(U, V)],
        "ceildivui": [0 if b == 0 else -(-a // b) for a, b in zip(U, V)],
        "andi": [a & b for a, b in zip(X, Y)], "ori": [a | b for a, b in zip(X, Y)], "xori": [a ^ b for a, b in zip(X, Y)],
        "maxsi": [max(a, b) for a, b in zip(X, Y)], "minsi": [min(a, b) for a, b in zip(X, Y)],
        "maxui": [max(a, b) for a, b in zip(U, V)], "minui": [min(a, b) for a, b in zip(U, V)],
        "shli": [a << b if b < 8 else 0 for a, b in zip(U, V)], "shrui": [a >> b if b < 8 else 0 for a, b in zip(U, V)],
        "shrsi": [a >> min(b, 63) for a, b in zip(X, V)],
    }
    for name, expected in rows.items():
        yield elementwise(f"scalar_{name}", [f"%y = arith.{name} %x0, %x1 : i8"], [x, y], wrap(expected, np.int8))
    pairs = {"addui_extended": [(a + b) >> 8 for a, b in zip(U, V)], "mulsi_extended": [(a * b) >> 8 for a, b in zip(X, Y)],
             "mului_extended": [(a * b) >> 8 for a, b in zip(U, V)]}
    for name, expected in pairs.items():
        kinds = "i8, i1" if name == "addui_extended" else "i8"
        last = ["%y = arith.extui %h : i1 to i8"] if name == "addui_extended" else ["%z = arith.constant 0 : i8", "%y = arith.addi %h, %z : i8"]
        yield elementwise(f"scalar_{name}", [f"%l, %h = arith.{name} %x0, %x1 : {kinds}", *last], [x, y], wrap(expected, np.int8))
    compare = {"eq": [a == b for a, b in zip(X, Y)], "ne": [a != b for a, b in zip(X, Y)], "slt": [a < b for a, b in zip(X, Y)],
               "sle": [a <= b for a, b in zip(X, Y)], "sgt": [a > b for a, b in zip(X, Y)], "sge": [a >= b for a, b in zip(X, Y)],
               "ult": [a < b for a, b in zip(U, V)], "ule": [a <= b for a, b in zip(U, V)], "ugt": [a > b for a, b in zip(U, V)],
               "uge": [a >= b for a, b in zip(U, V)]}
    for name, expected in compare.items():
        yield elementwise(f"scalar_cmpi_{name}", [f"%y = arith.cmpi {name}, %x0, %x1 : i8"], [x, y], np.array(expected))


def math_integers(elementwise):
    x = np.array([0, 1, -1, 12, -128, 127], np.int8)
    U = [int(v) % 256 for v in x]
    rows = {"absi": [abs(int(v)) for v in x], "ctlz": [8 - u.bit_length() for u in U],
            "cttz": [8 if u == 0 else (u & -u).bit_length() - 1 for u in U], "ctpop": [bin(u).count("1") for u in U]}
    for name, expected in rows.items():
        yield elementwise(f"scalar_{name}", [f"%y = math.{name} %x0 : i8"], [x], wrap(expected, np.int8))
    base, power = np.array([2, 3, -1, -1, 1, 2, 0], np.int32), np.array([10, 4, -3, -2, -5, -1, 0], np.int32)
    yield elementwise("scalar_ipowi", ["%y = math.ipowi %x0, %x1 : i32"], [base, power], np.array([1024, 81, -1, 1, 1, 0, 1], np.int32))


def floats(elementwise):
    nan, inf = np.nan, np.inf
    x = np.array([1.5, -0.0, 0.0, nan, 3, inf, -inf, 1e30, 0.1], np.float32)
    y = np.array([2, 0.0, -0.0, 1, nan, inf, 1, 1e30, 0.2], np.float32)
    with np.errstate(all="ignore"):
        rows = {"addf": x + y, "subf": x - y, "mulf": x * y, "divf": x / y, "remf": np.fmod(x, y),
                "maximumf": np.array([2, 0, 0, nan, nan, inf, 1, 1e30, 0.2], np.float32), "minimumf": np.array([1.5, -0.0, -0.0, nan, nan, inf, -inf, 1e30, 0.1], np.float32),
                "maxnumf": np.fmax(x, y), "minnumf": np.fmin(x, y)}
    for name, expected in rows.items():
        yield elementwise(f"scalar_{name}", [f"%y = arith.{name} %x0, %x1 : f32"], [x, y], expected.astype(np.float32))
    for name, sign in (("maximumf", 1), ("minimumf", -1)):  # the sign of zero
        yield elementwise(f"scalar_{name}_zero", [f"%m = arith.{name} %x0, %x1 : f32", "%o1 = arith.constant 1.0 : f32", "%y = math.copysign %o1, %m : f32"],
                          [np.array([0.0, -0.0], np.float32), np.array([-0.0, 0.0], np.float32)], np.array([sign, sign], np.float32))
    unordered = np.isnan(x) | np.isnan(y)
    order = {"false": x != x, "oeq": (x == y), "ogt": x > y, "oge": x >= y, "olt": x < y, "ole": x <= y, "one": (x != y) & ~unordered, "ord": ~unordered,
             "ueq": (x == y) | unordered, "ugt": (x > y) | unordered, "uge": (x >= y) | unordered, "ult": (x < y) | unordered, "ule": (x <= y) | unordered,
             "une": (x != y) | unordered, "uno": unordered, "true": x == x}
    order["false"], order["true"] = np.zeros(x.shape, bool), np.ones(x.shape, bool)
    for name, expected in order.items():
        yield elementwise(f"scalar_cmpf_{name}", [f"%y = arith.cmpf {name}, %x0, %x1 : f32"], [x, y], expected)
    yield elementwise("scalar_negf", ["%y = arith.negf %x0 : f32"], [x], -x)
    flags = np.array([True, False, True, False, True, False, True, False, True])
    yield elementwise("scalar_select", ["%y = arith.select %x0, %x1, %x2 : f32"], [flags, x, y], np.where(flags, x, y))
    # Rounded once: in f64 the product and the sum are both exact, but the f32 neighbours are a tie that f64 rounds away.
    a, b, c = np.array([1 + 2 ** -23, 2], np.float32), np.array([1 + 2 ** -23, 3], np.float32), np.array([-1, 4], np.float32)
    yield elementwise("scalar_fma", ["%y = math.fma %x0, %x1, %x2 : f32"], [a, b, c], np.array([2 ** -22 + 2 ** -46, 10], np.float32))
    h = np.array([1, 65504, 65520, 2 ** -24, 2 ** -25, 1.00048828125, 1.00146484375, nan], np.float64)  # ties to even; 65520 is infinity
    with np.errstate(over="ignore"):
        narrow = h.astype(np.float16)
    yield elementwise("scalar_truncf_f16", ["%y = arith.truncf %x0 : f64 to f16"], [h], narrow)
    g = np.array([1, 1 + 2 ** -9, 1 + 3 * 2 ** -9, 3.3961775e38, inf, nan], np.float32)  # ties to even; the last but two is infinity in bf16
    yield elementwise("scalar_bf16", ["%t = arith.truncf %x0 : f32 to bf16", "%y = arith.extf %t : bf16 to f32"], [g],
                      np.array([1, 1, 1 + 2 ** -7, inf, inf, nan], np.float32))
    k = np.array([0.1, 2048, 3.14], np.float16)
    yield elementwise("scalar_f16_sum", ["%y = arith.addf %x0, %x0 : f16"], [k], k + k)
    yield elementwise("scalar_f16_odd", ["%o1 = arith.constant 1.0 : f16", "%y = arith.addf %x0, %o1 : f16"], [k], (k + np.float16(1)))


def conversions(elementwise):
    nan, inf = np.nan, np.inf
    f = np.array([1.9, -1.9, 300, -300, nan, inf, -inf, 255], np.float32)
    yield elementwise("scalar_fptosi", ["%y = arith.fptosi %x0 : f32 to i8"], [f], np.array([1, -1, 127, -128, 0, 127, -128, 127], np.int8))
    to_u8 = ["%s = arith.fptoui %x0 : f32 to i8", "%y = builtin.unrealized_conversion_cast %s : i8 to ui8"]
    yield elementwise("scalar_fptoui", to_u8, [f], np.array([1, 0, 255, 0, 0, 255, 0, 255], np.uint8))
    i = np.array([0, 1, -1, 127, -128], np.int8)
    u = i.view(np.uint8)
    signless = "%s = builtin.unrealized_conversion_cast %x0 : ui8 to i8"
    yield elementwise("scalar_sitofp", ["%y = arith.sitofp %x0 : i8 to f32"], [i], i.astype(np.float32))
    yield elementwise("scalar_uitofp", [signless, "%y = arith.uitofp %s : i8 to f32"], [u], u.astype(np.float32))
    yield elementwise("scalar_extui", [signless, "%y = arith.extui %s : i8 to i32"], [u], u.astype(np.int32))
    yield elementwise("scalar_extsi", ["%y = arith.extsi %x0 : i8 to i32"], [i], i.astype(np.int32))
    flags = np.array([True, False])
    yield elementwise("scalar_extsi_bool", ["%y = arith.extsi %x0 : i1 to i8"], [flags], np.array([-1, 0], np.int8))
    yield elementwise("scalar_extui_bool", ["%y = arith.extui %x0 : i1 to i8"], [flags], np.array([1, 0], np.int8))
    yield elementwise("scalar_uitofp_bool", ["%y = arith.uitofp %x0 : i1 to f32"], [flags], np.array([1, 0], np.float32))
    w = np.array([300, -1, 2 ** 40 + 5], np.int64)
    yield elementwise("scalar_trunci", ["%y = arith.trunci %x0 : i64 to i8"], [w], w.astype(np.int8))
    big = np.array([2 ** 53 + 1, 2 ** 24 + 1, -(2 ** 62) - 1, 2 ** 63 - 1, 9007199791611905], np.int64)
    yield elementwise("scalar_sitofp_i64", ["%y = arith.sitofp %x0 : i64 to f32"], [big], big.astype(np.float32))
    yield elementwise("scalar_index_cast", ["%s = arith.index_cast %x0 : i8 to index", "%y = arith.index_cast %s : index to i64"], [i], i.astype(np.int64))
    yield elementwise("scalar_index_castui", ["%s = arith.index_castui %x0 : i8 to index", "%y = arith.index_cast %s : index to i64"], [i], u.astype(np.int64))
    b = np.array([1.0, -0.0, nan], np.float32)
    yield elementwise("scalar_bitcast", ["%y = arith.bitcast %x0 : f32 to i32"], [b], b.view(np.int32))
    yield elementwise("scalar_bitcast_back", ["%y = arith.bitcast %x0 : i16 to f16"], [np.array([0x3C00, 1], np.int16)], np.array([0x3C00, 1], np.int16).view(np.float16))


def functions(elementwise):
    x = np.array([0.1, 0.5, 1.5, 2.5, 7, 1e-3, 1], np.float32)
    signed = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -0.2, np.nan], np.float32)
    small = np.array([-0.9, -0.3, 0, 0.2, 0.9], np.float32)
    unary = [
        ("acosh", x + 1, np.arccosh), ("cbrt", signed, np.cbrt), ("exp", signed, np.exp), ("exp2", signed, np.exp2), ("expm1", signed, np.expm1), ("log", x, np.log),
        ("log10", x, np.log10), ("log1p", x, np.log1p), ("log2", x, np.log2), ("sqrt", x, np.sqrt), ("rsqrt", x, lambda v: 1 / np.sqrt(v)),
        ("sin", signed, np.sin), ("cos", signed, np.cos), ("tan", signed, np.tan), ("sinh", signed, np.sinh), ("cosh", signed, np.cosh), ("tanh", signed, np.tanh),
        ("asin", small, np.arcsin), ("acos", small, np.arccos), ("atan", signed, np.arctan), ("asinh", signed, np.arcsinh), ("atanh", small, np.arctanh),
        ("erf", signed, np.vectorize(math.erf)), ("erfc", signed, np.vectorize(math.erfc)), ("absf", signed, np.abs), ("ceil", signed, np.ceil),
        ("floor", signed, np.floor), ("trunc", signed, np.trunc), ("roundeven", signed, np.rint),
        ("round", signed, lambda v: np.copysign(np.floor(np.abs(v) + 0.5), v))]
    for name, values, function in unary:
        yield elementwise(f"scalar_{name}", [f"%y = math.{name} %x0 : f32"], [values], function(values.astype(np.float64)).astype(np.float32), exact=False)
    yield elementwise("scalar_sincos", ["%s, %y = math.sincos %x0 : f32"], [x], np.cos(x.astype(np.float64)).astype(np.float32), exact=False)
    a, b = np.array([2, -8, 3, 0], np.float32), np.array([0.5, 3, -1, 0], np.float32)
    for name, expected in (("powf", a.astype(np.float64) ** b), ("atan2", np.arctan2(a, b)), ("copysign", np.copysign(a, b))):
        yield elementwise(f"scalar_{name}", [f"%y = math.{name} %x0, %x1 : f32"], [a, b], expected.astype(np.float32), exact=False)
    yield elementwise("scalar_fpowi", ["%y = math.fpowi %x0, %x1 : f32, i32"], [a, np.array([2, 3, -1, 0], np.int32)], np.array([4, -512, 1 / 3, 1], np.float32), exact=False)
    low, high = np.full(4, -1, np.float32), np.full(4, 2.5, np.float32)
    yield elementwise("scalar_clampf", ["%y = math.clampf %x0 to [%x1, %x2] : f32"], [a, low, high], np.clip(a, -1, 2.5))
    special = np.array([1, 0, 1e-40, np.inf, -np.inf, np.nan], np.float32)
    for name, expected in (("isfinite", np.isfinite(special)), ("isinf", np.isinf(special)), ("isnan", np.isnan(special)),
                           ("isnormal", np.array([1, 0, 0, 0, 0, 0], bool))):
        yield elementwise(f"scalar_{name}", [f"%y = math.{name} %x0 : f32"], [special], expected)


def scalar_cases(elementwise):
    for cases in (binary_integers, math_integers, floats, conversions, functions):
        yield from cases(elementwise)
