"""Networks whose channels may change places: shuffled_blocks.py NAME."""
import random
import struct
import sys

RANDOM = random.Random(1)
ORDER = RANDOM.sample(range(64), 64)


def weight(name, values, *shape):
    data = "".join(struct.pack("<f", value).hex() for value in values)
    return f'%{name} = nnopt.weight "{name}" dense<"0x{data}"> : tensor<{"x".join(map(str, shape))}xf32>'


def shuffled(name, *shape):
    """64 outputs, of which every four (before they were shuffled) keep the same eighth of the inputs."""
    kept = [[RANDOM.random() < 0.125 for _ in range(64)] for _ in range(16)]
    return weight(name, [RANDOM.uniform(-1, 1) if kept[ORDER[o] // 4][i] else 0 for o in range(64) for i in range(64)], *shape)


def dense(name, *shape):
    count = 1
    for extent in shape:
        count *= extent
    return weight(name, [RANDOM.uniform(-1, 1) for _ in range(count)], *shape)


ROWS = f"""
func.func @main(%x: tensor<512x64xf32>) -> tensor<512x3xf32> {{
  {shuffled("w1", 64, 64)}
  {shuffled("w2", 64, 64)}
  {dense("b", 64)}
  {dense("scale", 64)}
  {dense("w3", 64, 3)}
  %0 = nnopt.linear %x, %w1 bias %b : (tensor<512x64xf32>, tensor<64x64xf32>, tensor<64xf32>) -> tensor<512x64xf32>
  %1 = nnopt.activation relu %0 : tensor<512x64xf32>
  %2 = nnopt.linear %x, %w2 : (tensor<512x64xf32>, tensor<64x64xf32>) -> tensor<512x64xf32>
  %e = tensor.empty() : tensor<512x64xf32>
  %3 = linalg.add ins(%1, %2 : tensor<512x64xf32>, tensor<512x64xf32>) outs(%e : tensor<512x64xf32>) -> tensor<512x64xf32>
  %4 = nnopt.normalize layer %3 scale %scale {{axis = 1 : i64, epsilon = 1.0e-5 : f32}} : (tensor<512x64xf32>, tensor<64xf32>) -> tensor<512x64xf32>
  %5 = nnopt.linear %4, %w3 {{weight_kn}} : (tensor<512x64xf32>, tensor<64x3xf32>) -> tensor<512x3xf32>
  return %5 : tensor<512x3xf32>
}}"""

WINDOW = "dilations = array<i64: 1, 1>"
IMAGES = f"""
func.func @main(%x: tensor<1x64x24x24xf32>) -> tensor<1x3xf32> {{
  {shuffled("w1", 64, 64, 1, 1)}
  {dense("depthwise", 64, 1, 3, 3)}
  {dense("b", 64)}
  {dense("w2", 5, 64, 3, 3)}
  {dense("w3", 3, 64)}
  {dense("w4", 3, 5)}
  %0 = nnopt.conv %x, %w1 {{strides = array<i64: 1, 1>, {WINDOW}, pads = array<i64: 0, 0, 0, 0>}}
    : (tensor<1x64x24x24xf32>, tensor<64x64x1x1xf32>) -> tensor<1x64x24x24xf32>
  %1 = nnopt.conv %0, %depthwise bias %b {{strides = array<i64: 1, 1>, {WINDOW}, pads = array<i64: 1, 1, 1, 1>, groups = 64 : i64}}
    : (tensor<1x64x24x24xf32>, tensor<64x1x3x3xf32>, tensor<64xf32>) -> tensor<1x64x24x24xf32>
  %2 = nnopt.pool max %1 {{kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, {WINDOW}, pads = array<i64: 0, 0, 0, 0>}}
    : (tensor<1x64x24x24xf32>) -> tensor<1x64x12x12xf32>
  %3 = nnopt.conv %2, %w2 {{strides = array<i64: 1, 1>, {WINDOW}, pads = array<i64: 0, 0, 0, 0>}}
    : (tensor<1x64x12x12xf32>, tensor<5x64x3x3xf32>) -> tensor<1x5x10x10xf32>
  %zero = arith.constant 0.0 : f32
  %4 = nnopt.pool average %2 {{kernel = array<i64: 12, 12>, strides = array<i64: 1, 1>, {WINDOW}, pads = array<i64: 0, 0, 0, 0>}}
    : (tensor<1x64x12x12xf32>) -> tensor<1x64x1x1xf32>
  %5 = tensor.collapse_shape %4 [[0], [1, 2, 3]] : tensor<1x64x1x1xf32> into tensor<1x64xf32>
  %6 = nnopt.linear %5, %w3 : (tensor<1x64xf32>, tensor<3x64xf32>) -> tensor<1x3xf32>
  %e2 = tensor.empty() : tensor<1x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e2 : tensor<1x5xf32>) -> tensor<1x5xf32>
  %7 = linalg.reduce ins(%3 : tensor<1x5x10x10xf32>) outs(%z : tensor<1x5xf32>) dimensions = [2, 3]
    (%a: f32, %s: f32) {{
      %t = arith.addf %a, %s : f32
      linalg.yield %t : f32
    }}
  %8 = nnopt.linear %7, %w4 : (tensor<1x5xf32>, tensor<3x5xf32>) -> tensor<1x3xf32>
  %e3 = tensor.empty() : tensor<1x3xf32>
  %9 = linalg.add ins(%6, %8 : tensor<1x3xf32>, tensor<1x3xf32>) outs(%e3 : tensor<1x3xf32>) -> tensor<1x3xf32>
  return %9 : tensor<1x3xf32>
}}"""



def uneven(name, outputs, inputs, density):
    """Where `density(o, i)` says how likely an element is kept."""
    return weight(name, [RANDOM.uniform(-1, 1) if RANDOM.random() < density(o, i) else 0 for o in range(outputs) for i in range(inputs)], outputs,
                  inputs)


STRIPS = f"""
func.func @main(%x: tensor<64x96xf32>) -> tensor<64x3xf32> {{
  {uneven("w1", 1024, 96, lambda o, i: 0.3 if o < 512 else 0.02)}
  {dense("b", 1024)}
  {dense("w2", 3, 1024)}
  %0 = nnopt.linear %x, %w1 bias %b : (tensor<64x96xf32>, tensor<1024x96xf32>, tensor<1024xf32>) -> tensor<64x1024xf32>
  %1 = nnopt.softmax %0 {{axis = 1 : i64}} : (tensor<64x1024xf32>) -> tensor<64x1024xf32>
  %2 = nnopt.linear %1, %w2 : (tensor<64x1024xf32>, tensor<3x1024xf32>) -> tensor<64x3xf32>
  return %2 : tensor<64x3xf32>
}}"""

WINDOWS = f"""
func.func @main(%x: tensor<4x7xf32>) -> tensor<4x256xf32> {{
  {dense("w1", 512, 7)}
  {uneven("w2", 256, 512, lambda o, i: 0.5 if i % 128 < 32 else 0.01)}
  %0 = nnopt.linear %x, %w1 : (tensor<4x7xf32>, tensor<512x7xf32>) -> tensor<4x512xf32>
  %1 = nnopt.activation relu %0 : tensor<4x512xf32>
  %2 = nnopt.linear %1, %w2 : (tensor<4x512xf32>, tensor<256x512xf32>) -> tensor<4x256xf32>
  return %2 : tensor<4x256xf32>
}}"""

# Each channel is 81 inputs of the linear layer.
FLAT = f"""
func.func @main(%x: tensor<1x64x9x9xf32>) -> tensor<1x3xf32> {{
  {shuffled("w1", 64, 64, 1, 1)}
  {dense("w2", 3, 64 * 81)}
  %0 = nnopt.conv %x, %w1 {{strides = array<i64: 1, 1>, {WINDOW}, pads = array<i64: 0, 0, 0, 0>}}
    : (tensor<1x64x9x9xf32>, tensor<64x64x1x1xf32>) -> tensor<1x64x9x9xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<1x64x9x9xf32> into tensor<1x5184xf32>
  %2 = nnopt.linear %1, %w2 : (tensor<1x5184xf32>, tensor<3x5184xf32>) -> tensor<1x3xf32>
  return %2 : tensor<1x3xf32>
}}"""

# Of every other channel the two halves of its pixels are exchanged.
PIECES = [(64 * c + first, 32) for c in range(64) for first in ((32, 0) if c % 2 else (0, 32))]
NEWLINE = "\n  "
CROSSED = f"""
func.func @main(%x: tensor<1x64x8x8xf32>) -> tensor<1x3xf32> {{
  {shuffled("w1", 64, 64, 1, 1)}
  {dense("w2", 3, 64 * 64)}
  %0 = nnopt.conv %x, %w1 {{strides = array<i64: 1, 1>, {WINDOW}, pads = array<i64: 0, 0, 0, 0>}}
    : (tensor<1x64x8x8xf32>, tensor<64x64x1x1xf32>) -> tensor<1x64x8x8xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<1x64x8x8xf32> into tensor<1x4096xf32>
  {NEWLINE.join(f"%p{i} = tensor.extract_slice %1[0, {at}] [1, {size}] [1, 1] : tensor<1x4096xf32> to tensor<1x{size}xf32>"
                for i, (at, size) in enumerate(PIECES))}
  %2 = tensor.concat dim(1) {", ".join(f"%p{i}" for i in range(len(PIECES)))}
    : ({", ".join(f"tensor<1x{size}xf32>" for _, size in PIECES)}) -> tensor<1x4096xf32>
  %3 = nnopt.linear %2, %w2 : (tensor<1x4096xf32>, tensor<3x4096xf32>) -> tensor<1x3xf32>
  return %3 : tensor<1x3xf32>
}}"""

print({"rows": ROWS, "images": IMAGES, "strips": STRIPS, "windows": WINDOWS, "flat": FLAT, "crossed": CROSSED}[sys.argv[1]])
