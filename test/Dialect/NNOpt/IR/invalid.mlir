// RUN: nnopt-opt %s --split-input-file --verify-diagnostics

// What every structured op checks.

func.func @mixes(%x: tensor<2x8xf32>, %w: memref<4x8xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{mixes tensors and buffers}}
  %y = nnopt.linear %x, %w : (tensor<2x8xf32>, memref<4x8xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @no_result(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @below {{expects 1 results, got 0}}
  nnopt.linear %x, %w : (tensor<2x8xf32>, tensor<4x8xf32>) -> ()
  return
}

// -----

func.func @destination(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %d: tensor<?x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{has a destination of type 'tensor<?x4xf32>' and a result of type 'tensor<2x4xf32>'}}
  %y = nnopt.linear %x, %w into %d : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<?x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @rank(%x: tensor<2x8xf32>) -> tensor<16xf32> {
  // expected-error @below {{expects a result of rank 2, got 1}}
  %y = nnopt.softmax %x {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<16xf32>
  return %y : tensor<16xf32>
}

// -----

func.func @extent(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) -> tensor<2x5xf32> {
  // expected-error @below {{expects extent 4 in dimension 1 of the result, got 5}}
  %y = nnopt.linear %x, %w : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}

// -----

// linear

func.func @linear_scalar(%x: tensor<f32>, %w: tensor<4x8xf32>) -> tensor<f32> {
  // expected-error @below {{expects an input of rank 1 or more, got 0}}
  %y = nnopt.linear %x, %w : (tensor<f32>, tensor<4x8xf32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @linear_weight(%x: tensor<2x8xf32>, %w: tensor<8xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{expects a weight of rank 2, got 1}}
  %y = nnopt.linear %x, %w : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_depth(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  // expected-note @below {{the weight is produced here}}
  %w = nnopt.weight dense<1.0> : tensor<4x7xf32>
  // expected-error @below {{expects 7 input features (the weight's), got 8}}
  %y = nnopt.linear %x, %w : (tensor<2x8xf32>, tensor<4x7xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_bias(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %b: tensor<3xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{expects 4 bias elements, one per output, got 3}}
  %y = nnopt.linear %x, %w bias %b : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_bias_rank(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %b: tensor<1x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{expects a bias of rank 1, got 2}}
  %y = nnopt.linear %x, %w bias %b : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @linear_pack(%x: tensor<2x8xf32>, %w: tensor<8x16xf32>) -> tensor<2x20xf32> {
  // expected-error @below {{expects 256 packed weight elements, got type 'tensor<8x16xf32>'}}
  %y = nnopt.linear %x, %w {pack = #nnopt.pack<outputs = 20, depth = 8, panel = 16>} : (tensor<2x8xf32>, tensor<8x16xf32>) -> tensor<2x20xf32>
  return %y : tensor<2x20xf32>
}

// -----

// expected-error @below {{expects outputs of at least 1, got 0}}
#pack = #nnopt.pack<outputs = 0, depth = 8, panel = 16>

// -----

// expected-error @below {{expects a depth of at least 1, got -8}}
#pack = #nnopt.pack<outputs = 4, depth = -8, panel = 16>

// -----

// expected-error @below {{expects a panel of at least 0, got -16}}
#pack = #nnopt.pack<outputs = 4, depth = 8, panel = -16>

// -----

// expected-error @below {{expects kernel extents of at least 1, got 0}}
#pack = #nnopt.pack<outputs = 4, depth = 8, panel = 16, kernel = [3, 0]>

// -----

// expected-error @below {{expects a depth that is a multiple of the kernel's 9 taps, got 8}}
#pack = #nnopt.pack<outputs = 4, depth = 8, panel = 16, kernel = [3, 3]>

// -----

// expected-error @below {{cannot store 3 elements next to each other of a depth of 8, panels of 16 and 1 taps}}
#pack = #nnopt.pack<outputs = 4, depth = 8, panel = 16 x 3>

// -----

// A run of four channels would cross from one tap to the next.
// expected-error @below {{cannot store 4 elements next to each other of a depth of 12, panels of 16 and 2 taps}}
#pack = #nnopt.pack<outputs = 4, depth = 12, panel = 16 x 4, kernel = [2]>

// -----

// expected-error @below {{counts more elements than an index can: 4611686018427387904 outputs of depth 4611686018427387904}}
#pack = #nnopt.pack<outputs = 4611686018427387904, depth = 4611686018427387904, panel = 16>

// -----

// epilogues

func.func @epilogue_maps(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{expects 1 epilogue maps, got 0}}
  %y = nnopt.linear %x, %w epilogue(%r) do {
  ^bb0(%a: f32, %e: f32):
    nnopt.yield %a : f32
  } : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @no_epilogue(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{has epilogue operands but no epilogue}}
  %y = nnopt.linear %x, %w epilogue(%r) maps [affine_map<(i, j) -> (i, j)>]
    : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @epilogue_arguments(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{expects 2 epilogue arguments (the accumulator and 1 operands), got 1}}
  %y = nnopt.linear %x, %w epilogue(%r) maps [affine_map<(i, j) -> (i, j)>] do {
  ^bb0(%a: f32):
    nnopt.yield %a : f32
  } : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @epilogue_map_rank(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{epilogue map #0 goes from 2 to 1 dimensions, expected 2 to 2}}
  %y = nnopt.linear %x, %w epilogue(%r) maps [affine_map<(i, j) -> (j)>] do {
  ^bb0(%a: f32, %e: f32):
    nnopt.yield %a : f32
  } : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @epilogue_map_shift(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %r: tensor<2x5xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{epilogue map #0 is not a projected permutation}}
  %y = nnopt.linear %x, %w epilogue(%r) maps [affine_map<(i, j) -> (i, j + 1)>] do {
  ^bb0(%a: f32, %e: f32):
    nnopt.yield %a : f32
  } : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<2x5xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @epilogue_extent(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %r: tensor<3xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{epilogue map #0 reads 4 elements of dimension 0 of an operand that has 3}}
  %y = nnopt.linear %x, %w epilogue(%r) maps [affine_map<(i, j) -> (j)>] do {
  ^bb0(%a: f32, %e: f32):
    nnopt.yield %a : f32
  } : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @epilogue_type(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %r: tensor<2x4xf16>) -> tensor<2x4xf32> {
  // expected-error @below {{epilogue argument #1 has type 'f32', its operand has elements of type 'f16'}}
  %y = nnopt.linear %x, %w epilogue(%r) maps [affine_map<(i, j) -> (i, j)>] do {
  ^bb0(%a: f32, %e: f32):
    nnopt.yield %a : f32
  } : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<2x4xf16>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @epilogue_yield_type(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{yields 'f16' from its epilogue, the result has elements of type 'f32'}}
  %y = nnopt.linear %x, %w do {
  ^bb0(%a: f32):
    %h = arith.truncf %a : f32 to f16
    nnopt.yield %h : f16
  } : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// matmul

func.func @matmul_rank(%a: tensor<4xf32>, %b: tensor<4x2xf32>) -> tensor<2xf32> {
  // expected-error @below {{expects operands of rank 2 or more, got 1 and 2}}
  %y = nnopt.matmul %a, %b : (tensor<4xf32>, tensor<4x2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @matmul_depth(%a: tensor<2x4xf32>, %b: tensor<3x2xf32>) -> tensor<2x2xf32> {
  // expected-error @below {{multiplies rows of 4 by columns of 3}}
  %y = nnopt.matmul %a, %b : (tensor<2x4xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

func.func @matmul_batch(%a: tensor<3x2x4xf32>, %b: tensor<2x4x2xf32>) -> tensor<3x2x2xf32> {
  // expected-error @below {{cannot broadcast batch extents 3 and 2}}
  %y = nnopt.matmul %a, %b : (tensor<3x2x4xf32>, tensor<2x4x2xf32>) -> tensor<3x2x2xf32>
  return %y : tensor<3x2x2xf32>
}

// -----

// conv

func.func @conv_rank(%x: tensor<1x4x9x9xf32>, %w: tensor<8x4x3xf32>) -> tensor<1x8x7x7xf32> {
  // expected-error @below {{expects a weight of rank 4, got 3}}
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x4x9x9xf32>, tensor<8x4x3xf32>) -> tensor<1x8x7x7xf32>
  return %y : tensor<1x8x7x7xf32>
}

// -----

func.func @conv_flat(%x: tensor<1x4xf32>, %w: tensor<8x4xf32>) -> tensor<1x8xf32> {
  // expected-error @below {{expects an input of rank 3 or more, got 2}}
  %y = nnopt.conv %x, %w {strides = array<i64>, dilations = array<i64>, pads = array<i64>}
    : (tensor<1x4xf32>, tensor<8x4xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}

// -----

func.func @conv_strides(%x: tensor<1x4x9x9xf32>, %w: tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32> {
  // expected-error @below {{expects 2 strides, got 1}}
  %y = nnopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x4x9x9xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32>
  return %y : tensor<1x8x7x7xf32>
}

// -----

func.func @conv_dilation(%x: tensor<1x4x9x9xf32>, %w: tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32> {
  // expected-error @below {{expects dilations of at least 1, got 0}}
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 0, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x4x9x9xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32>
  return %y : tensor<1x8x7x7xf32>
}

// -----

func.func @conv_pads(%x: tensor<1x4x9x9xf32>, %w: tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32> {
  // expected-error @below {{expects 4 pads, got 2}}
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0>}
    : (tensor<1x4x9x9xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32>
  return %y : tensor<1x8x7x7xf32>
}

// -----

func.func @conv_groups(%x: tensor<1x4x9x9xf32>, %w: tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32> {
  // expected-error @below {{expects at least one group, got 0}}
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 0 : i64}
    : (tensor<1x4x9x9xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x7x7xf32>
  return %y : tensor<1x8x7x7xf32>
}

// -----

func.func @conv_channels(%x: tensor<1x4x9x9xf32>) -> tensor<1x8x7x7xf32> {
  // expected-note @below {{the weight is produced here}}
  %w = nnopt.weight dense<1.0> : tensor<8x3x3x3xf32>
  // expected-error @below {{expects 6 input channels (2 groups of 3), got 4}}
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64}
    : (tensor<1x4x9x9xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x7x7xf32>
  return %y : tensor<1x8x7x7xf32>
}

// -----

func.func @conv_outputs(%x: tensor<1x4x9x9xf32>, %w: tensor<7x2x3x3xf32>) -> tensor<1x7x7x7xf32> {
  // expected-error @below {{cannot divide 7 outputs into 2 groups}}
  %y = nnopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64}
    : (tensor<1x4x9x9xf32>, tensor<7x2x3x3xf32>) -> tensor<1x7x7x7xf32>
  return %y : tensor<1x7x7x7xf32>
}

// -----

// conv_transpose

func.func @conv_transpose_rank(%x: tensor<1x4x9x9xf32>, %w: tensor<4x2x2xf32>) -> tensor<1x2x18x18xf32> {
  // expected-error @below {{expects a weight of rank 4, got 3}}
  %y = nnopt.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>}
    : (tensor<1x4x9x9xf32>, tensor<4x2x2xf32>) -> tensor<1x2x18x18xf32>
  return %y : tensor<1x2x18x18xf32>
}

// -----

func.func @conv_transpose_padding(%x: tensor<1x4x9x9xf32>, %w: tensor<4x2x2x2xf32>) -> tensor<1x2x18x18xf32> {
  // expected-error @below {{expects 2 output paddings, got 1}}
  %y = nnopt.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0>}
    : (tensor<1x4x9x9xf32>, tensor<4x2x2x2xf32>) -> tensor<1x2x18x18xf32>
  return %y : tensor<1x2x18x18xf32>
}

// -----

func.func @conv_transpose_channels(%x: tensor<1x4x9x9xf32>, %w: tensor<5x2x2x2xf32>) -> tensor<1x2x18x18xf32> {
  // expected-error @below {{expects 5 input channels (the weight's), got 4}}
  %y = nnopt.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>}
    : (tensor<1x4x9x9xf32>, tensor<5x2x2x2xf32>) -> tensor<1x2x18x18xf32>
  return %y : tensor<1x2x18x18xf32>
}

// -----

func.func @conv_transpose_groups(%x: tensor<1x4x9x9xf32>, %w: tensor<4x2x2x2xf32>) -> tensor<1x6x18x18xf32> {
  // expected-error @below {{cannot divide 4 input channels into 3 groups}}
  %y = nnopt.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>, groups = 3 : i64}
    : (tensor<1x4x9x9xf32>, tensor<4x2x2x2xf32>) -> tensor<1x6x18x18xf32>
  return %y : tensor<1x6x18x18xf32>
}

// -----

// attention

func.func @attention_rank(%q: tensor<3x5x8xf32>) -> tensor<3x5x8xf32> {
  // expected-error @below {{expects operands of rank 4, got 3, 3 and 3}}
  %y = nnopt.attention %q, %q, %q {scale = 1.0 : f32} : (tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>) -> tensor<3x5x8xf32>
  return %y : tensor<3x5x8xf32>
}

// -----

func.func @attention_size(%q: tensor<1x3x5x8xf32>, %k: tensor<1x3x5x7xf32>) -> tensor<1x3x5x8xf32> {
  // expected-error @below {{multiplies queries of size 8 by keys of size 7}}
  %y = nnopt.attention %q, %k, %q {scale = 1.0 : f32} : (tensor<1x3x5x8xf32>, tensor<1x3x5x7xf32>, tensor<1x3x5x8xf32>) -> tensor<1x3x5x8xf32>
  return %y : tensor<1x3x5x8xf32>
}

// -----

func.func @attention_values(%q: tensor<1x3x5x8xf32>, %v: tensor<1x3x6x8xf32>) -> tensor<1x3x5x8xf32> {
  // expected-error @below {{has 5 keys and 6 values}}
  %y = nnopt.attention %q, %q, %v {scale = 1.0 : f32} : (tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x6x8xf32>) -> tensor<1x3x5x8xf32>
  return %y : tensor<1x3x5x8xf32>
}

// -----

func.func @attention_value_heads(%q: tensor<1x3x5x8xf32>, %v: tensor<1x1x5x8xf32>) -> tensor<1x3x5x8xf32> {
  // expected-error @below {{has 3 key heads and 1 value heads}}
  %y = nnopt.attention %q, %q, %v {scale = 1.0 : f32} : (tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x1x5x8xf32>) -> tensor<1x3x5x8xf32>
  return %y : tensor<1x3x5x8xf32>
}

// -----

func.func @attention_heads(%q: tensor<1x3x5x8xf32>, %k: tensor<1x2x5x8xf32>) -> tensor<1x3x5x8xf32> {
  // expected-error @below {{cannot share 2 key heads among 3 query heads}}
  %y = nnopt.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<1x3x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) -> tensor<1x3x5x8xf32>
  return %y : tensor<1x3x5x8xf32>
}

// -----

func.func @attention_batch(%q: tensor<2x3x5x8xf32>, %k: tensor<1x3x5x8xf32>) -> tensor<2x3x5x8xf32> {
  // expected-error @below {{has batches of 2 queries, 1 keys and 1 values}}
  %y = nnopt.attention %q, %k, %k {scale = 1.0 : f32} : (tensor<2x3x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>) -> tensor<2x3x5x8xf32>
  return %y : tensor<2x3x5x8xf32>
}

// -----

func.func @attention_mask_rank(%q: tensor<1x3x5x8xf32>, %m: tensor<5x5xf32>) -> tensor<1x3x5x8xf32> {
  // expected-error @below {{expects a mask of rank 4, got 2}}
  %y = nnopt.attention %q, %q, %q mask %m {scale = 1.0 : f32} : (tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>, tensor<5x5xf32>) -> tensor<1x3x5x8xf32>
  return %y : tensor<1x3x5x8xf32>
}

// -----

func.func @attention_mask(%q: tensor<1x3x5x8xf32>, %m: tensor<1x1x5x4xf32>) -> tensor<1x3x5x8xf32> {
  // expected-error @below {{cannot broadcast mask extent 4 to 5 in dimension 3}}
  %y = nnopt.attention %q, %q, %q mask %m {scale = 1.0 : f32} : (tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x1x5x4xf32>) -> tensor<1x3x5x8xf32>
  return %y : tensor<1x3x5x8xf32>
}

// -----

// rows

func.func @clip_bounds(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{clip expects a lower bound 'alpha' or an upper bound 'beta'}}
  %y = nnopt.activation clip %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @celu_zero(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{celu divides by 'alpha', which is 0}}
  %y = nnopt.activation celu %x {alpha = 0.0 : f32} : tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @softmax_axis(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // expected-error @below {{axis 2 is not a dimension of an operand of rank 2}}
  %y = nnopt.softmax %x {axis = 2 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @gather_axis(%x: tensor<2x8xf32>, %i: tensor<3xi64>) -> tensor<2x3xf32> {
  // expected-error @below {{axis -1 is not a dimension of an operand of rank 2}}
  %y = nnopt.gather %x, %i {axis = -1 : i64} : (tensor<2x8xf32>, tensor<3xi64>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

func.func @normalize_axis(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // expected-error @below {{axis 7 is not a dimension of an operand of rank 2}}
  %y = nnopt.normalize layer %x {axis = 7 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @normalize_rank(%x: tensor<2x8xf32>, %g: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // expected-error @below {{expects scale and bias of rank 1, got 2}}
  %y = nnopt.normalize layer %x scale %g {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @normalize_scale(%x: tensor<2x8xf32>, %g: tensor<7xf32>) -> tensor<2x8xf32> {
  // expected-error @below {{expects 8 elements in dimension 0 of scale and bias, got 7}}
  %y = nnopt.normalize layer %x scale %g {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x8xf32>, tensor<7xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// windows

func.func @pool_rank(%x: tensor<6x6xf32>) -> tensor<6x6xf32> {
  // expected-error @below {{expects an input of rank 3 or more, got 2}}
  %y = nnopt.pool max %x {kernel = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 1, 1>}
    : (tensor<6x6xf32>) -> tensor<6x6xf32>
  return %y : tensor<6x6xf32>
}

// -----

func.func @pool_kernel(%x: tensor<1x2x6x6xf32>) -> tensor<1x2x3x3xf32> {
  // expected-error @below {{expects 2 kernel extents, got 1}}
  %y = nnopt.pool max %x {kernel = array<i64: 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 0, 0>}
    : (tensor<1x2x6x6xf32>) -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}

// -----

func.func @pool_pads(%x: tensor<1x2x6x6xf32>) -> tensor<1x2x3x3xf32> {
  // expected-error @below {{expects pads of at least 0, got -1}}
  %y = nnopt.pool max %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: -1, 1, 0, 0>}
    : (tensor<1x2x6x6xf32>) -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}

// -----

// precision

func.func @quantize_axis(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<2x4xi8> {
  // expected-error @below {{axis 2 is not a dimension of 'tensor<2x4xf32>'}}
  %q = nnopt.quantize %x scale %s {axis = 2 : i64} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xi8>
  return %q : tensor<2x4xi8>
}

// -----

func.func @quantize_zero(%x: tensor<2x4xf32>, %s: tensor<4xf32>, %z: tensor<2xi8>) -> tensor<2x4xi8> {
  // expected-error @below {{has a zero point of type 'tensor<2xi8>' and a scale of type 'tensor<4xf32>'}}
  %q = nnopt.quantize %x scale %s zero_point %z {axis = 1 : i64} : (tensor<2x4xf32>, tensor<4xf32>, tensor<2xi8>) -> tensor<2x4xi8>
  return %q : tensor<2x4xi8>
}

// -----

func.func @quantize_scales(%x: tensor<2x4xf32>, %s: tensor<3xf32>) -> tensor<2x4xi8> {
  // expected-error @below {{expects 4 scales along axis 1, got 'tensor<3xf32>'}}
  %q = nnopt.quantize %x scale %s {axis = 1 : i64} : (tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xi8>
  return %q : tensor<2x4xi8>
}

// -----

func.func @quantize_no_axis(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<2x4xi8> {
  // expected-error @below {{expects a scale of one element without an axis, got 'tensor<4xf32>'}}
  %q = nnopt.quantize %x scale %s : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xi8>
  return %q : tensor<2x4xi8>
}

// -----

func.func @dequantize_block_axis(%x: tensor<2x4xi8>, %s: tensor<2x2xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{has a block size but no axis}}
  %q = nnopt.dequantize %x scale %s {block_size = 2 : i64} : (tensor<2x4xi8>, tensor<2x2xf32>) -> tensor<2x4xf32>
  return %q : tensor<2x4xf32>
}

// -----

func.func @dequantize_block_rank(%x: tensor<2x4xi8>, %s: tensor<2xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{expects a blocked scale of rank 2, got 1}}
  %q = nnopt.dequantize %x scale %s {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x4xi8>, tensor<2xf32>) -> tensor<2x4xf32>
  return %q : tensor<2x4xf32>
}

// -----

func.func @dequantize_block_size(%x: tensor<2x4xi8>, %s: tensor<2x2xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{expects a block size of at least 1, got 0}}
  %q = nnopt.dequantize %x scale %s {axis = 1 : i64, block_size = 0 : i64} : (tensor<2x4xi8>, tensor<2x2xf32>) -> tensor<2x4xf32>
  return %q : tensor<2x4xf32>
}

// -----

func.func @dequantize_blocks(%x: tensor<2x5xi8>, %s: tensor<2x2xf32>) -> tensor<2x5xf32> {
  // expected-error @below {{expects 3 scales in dimension 1 (blocks of 2), got 2}}
  %q = nnopt.dequantize %x scale %s {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x5xi8>, tensor<2x2xf32>) -> tensor<2x5xf32>
  return %q : tensor<2x5xf32>
}

// -----

func.func @parallel_arguments(%n: index) {
  // expected-error @below {{expects two arguments of type index, the begin and the end of a range}}
  nnopt.parallel_for %n {
  ^bb0(%begin: index):
  }
  return
}

// -----

func.func @sparse_depth(%x: tensor<8x3xf32>, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{expects 2 input features (the weight's), got 3}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<8x3xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_rows_untiled(%x: tensor<8x2xf32>, %n: index, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{has 1 extents of rows, but its input is not tiled}}
  %y = nnopt.sparse_linear %x, %v, %c, %s rows(%n) {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>, index) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_tiles_shape(%x: tensor<8x2xf32>, %n: index, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{expects an input of tiles x 2 x 16, got type 'tensor<8x2xf32>'}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {tiled, pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_tiles_count(%x: tensor<2x2x16xf32>, %n: index, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<33x4xf32> {
  // expected-error @below {{expects 3 tiles of rows, got 2}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {tiled, pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<2x2x16xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<33x4xf32>
  return %y : tensor<33x4xf32>
}

// -----

func.func @sparse_tiles_extents(%x: tensor<?x2x16xf32>, %n: index, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<?x4xf32> {
  // expected-error @below {{expects 1 extents of rows, got 0}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {tiled, pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<?x2x16xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @sparse_tiles_rank(%x: tensor<1x2x16xf32>, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<f32> {
  // expected-error @below {{expects a result of rank 1 or more, got 0}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {tiled, pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<1x2x16xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @tile_scalar(%x: tensor<f32>) -> tensor<1x1x16xf32> {
  // expected-error @below {{expects an input of rank 1 or more, got 0}}
  %y = nnopt.tile_rows %x : (tensor<f32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// -----

func.func @tile_count(%x: tensor<17x3xf32>) -> tensor<1x3x16xf32> {
  // expected-error @below {{expects extent 2 in dimension 0 of the result, got 1}}
  %y = nnopt.tile_rows %x : (tensor<17x3xf32>) -> tensor<1x3x16xf32>
  return %y : tensor<1x3x16xf32>
}

// -----

func.func @sparse_values(%x: tensor<8x2xf32>, %v: tensor<2x3xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{expects values of 2 rows per block, got type 'tensor<2x3xf32>'}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<8x2xf32>, tensor<2x3xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_columns(%x: tensor<8x2xf32>, %v: tensor<2x2xf32>, %c: tensor<3xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{expects columns of 2 i32, got type 'tensor<3xi32>'}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<3xi32>, tensor<3xi32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_starts(%x: tensor<8x2xf32>, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi64>) -> tensor<8x4xf32> {
  // expected-error @below {{expects starts of 3 i32, got type 'tensor<3xi64>'}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 2>} : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi64>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_pack_zero(%x: tensor<8x2xf32>, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{expects chunk of at least 1, got 0}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 4, chunk = 0>} : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_pack_strip(%x: tensor<8x2xf32>, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{expects a strip that is a multiple of the 2 rows of a block, got 5}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4, depth = 2, rows = 2, strip = 5, chunk = 2>} : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @sparse_pack_lists(%x: tensor<8x2xf32>, %v: tensor<2x2xf32>, %c: tensor<2xi32>, %s: tensor<3xi32>) -> tensor<8x4xf32> {
  // expected-error @below {{has more lists of blocks than an i32 can count: 4000000000 outputs of depth 2}}
  %y = nnopt.sparse_linear %x, %v, %c, %s {pack = #nnopt.sparse_pack<outputs = 4000000000, depth = 2, rows = 1, strip = 1, chunk = 2>} : (tensor<8x2xf32>, tensor<2x2xf32>, tensor<2xi32>, tensor<3xi32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

func.func @permute_depth(%x: tensor<1x7xf32>, %v: tensor<1x2xf32>, %i: tensor<1x2xi8>, %c: tensor<1xi32>, %s: tensor<2xi32>) -> tensor<1x2xf32> {
  // expected-error @below {{expects 8 input features (the weight's), got 7}}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>} : (tensor<1x7xf32>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<1xi32>, tensor<2xi32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @permute_values(%x: tensor<1x8xf32>, %v: tensor<1x3xf32>, %i: tensor<1x2xi8>, %c: tensor<1xi32>, %s: tensor<2xi32>) -> tensor<1x2xf32> {
  // expected-error @below {{expects values of 2 rows per slot, got type 'tensor<1x3xf32>'}}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>} : (tensor<1x8xf32>, tensor<1x3xf32>, tensor<1x2xi8>, tensor<1xi32>, tensor<2xi32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @permute_indices(%x: tensor<1x8xf32>, %v: tensor<1x2xf32>, %i: tensor<1x2xi32>, %c: tensor<1xi32>, %s: tensor<2xi32>) -> tensor<1x2xf32> {
  // expected-error @below {{expects indices of 1x2 i8, got type 'tensor<1x2xi32>'}}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>} : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi32>, tensor<1xi32>, tensor<2xi32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @permute_columns(%x: tensor<1x8xf32>, %v: tensor<1x2xf32>, %i: tensor<1x2xi8>, %c: tensor<2xi32>, %s: tensor<2xi32>) -> tensor<1x2xf32> {
  // expected-error @below {{expects columns of 1 i32, got type 'tensor<2xi32>'}}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>} : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @permute_starts(%x: tensor<1x8xf32>, %v: tensor<1x2xf32>, %i: tensor<1x2xi8>, %c: tensor<1xi32>, %s: tensor<3xi32>) -> tensor<1x2xf32> {
  // expected-error @below {{expects starts of 2 i32, got type 'tensor<3xi32>'}}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 4>} : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<1xi32>, tensor<3xi32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @permute_pack_zero(%x: tensor<1x8xf32>, %v: tensor<1x2xf32>, %i: tensor<1x2xi8>, %c: tensor<1xi32>, %s: tensor<2xi32>) -> tensor<1x2xf32> {
  // expected-error @below {{expects rows of at least 1, got 0}}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 0, window = 4>} : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<1xi32>, tensor<2xi32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

func.func @permute_pack_window(%x: tensor<1x8xf32>, %v: tensor<1x2xf32>, %i: tensor<1x2xi8>, %c: tensor<1xi32>, %s: tensor<2xi32>) -> tensor<1x2xf32> {
  // expected-error @below {{expects a window of at most 8 elements, got 9}}
  %y = nnopt.permute_linear %x, %v, %i, %c, %s {pack = #nnopt.permute_pack<outputs = 2, depth = 8, rows = 2, window = 9>} : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<1xi32>, tensor<2xi32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// expected-error @below {{unknown pattern '4', expected unstructured, RxC as in 4x1, N:M as in 2:4, rows or columns}}
#sparsity = #nnopt.sparsity<found, "4", zeros = 1>

// -----

// expected-error @below {{expects at least 0 zeros, got -1}}
#sparsity = #nnopt.sparsity<pruned, "2:4", zeros = -1>

// -----

func.func @planes_rank(%x: tensor<1x5x3xf32>) -> tensor<1x3x1x64xf32> {
  // expected-error @below {{expects an input of rank 4, got 3}}
  %y = nnopt.image_planes %x {strides = array<i64: 1, 1>, phases = array<i64: 1, 1>, pads = array<i64: 0, 0>, lines = 5 : i64, pitch = 7 : i64, size = 64 : i64} : (tensor<1x5x3xf32>) -> tensor<1x3x1x64xf32>
  return %y : tensor<1x3x1x64xf32>
}

// -----

func.func @planes_pairs(%x: tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32> {
  // expected-error @below {{expects 2 strides, got 1}}
  %y = nnopt.image_planes %x {strides = array<i64: 1>, phases = array<i64: 1, 1>, pads = array<i64: 0, 0>, lines = 5 : i64, pitch = 7 : i64, size = 64 : i64} : (tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32>
  return %y : tensor<1x3x1x64xf32>
}

// -----

func.func @planes_pads(%x: tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32> {
  // expected-error @below {{expects pads of at least 0, got -1}}
  %y = nnopt.image_planes %x {strides = array<i64: 1, 1>, phases = array<i64: 1, 1>, pads = array<i64: 0, -1>, lines = 5 : i64, pitch = 7 : i64, size = 64 : i64} : (tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32>
  return %y : tensor<1x3x1x64xf32>
}

// -----

func.func @planes_pitch(%x: tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32> {
  // expected-error @below {{expects at least 1 line of at least 1 element, got 5 of 0}}
  %y = nnopt.image_planes %x {strides = array<i64: 1, 1>, phases = array<i64: 1, 1>, pads = array<i64: 0, 0>, lines = 5 : i64, pitch = 0 : i64, size = 64 : i64} : (tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32>
  return %y : tensor<1x3x1x64xf32>
}

// -----

func.func @planes_phases(%x: tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32> {
  // expected-error @below {{has 2 phases for a stride of 1}}
  %y = nnopt.image_planes %x {strides = array<i64: 1, 1>, phases = array<i64: 1, 2>, pads = array<i64: 0, 0>, lines = 5 : i64, pitch = 7 : i64, size = 64 : i64} : (tensor<1x5x7x3xf32>) -> tensor<1x3x1x64xf32>
  return %y : tensor<1x3x1x64xf32>
}

// -----

func.func @planes_size(%x: tensor<1x5x7x3xf32>) -> tensor<1x3x1x34xf32> {
  // expected-error @below {{has planes of 34 elements for 5 lines of 7}}
  %y = nnopt.image_planes %x {strides = array<i64: 1, 1>, phases = array<i64: 1, 1>, pads = array<i64: 0, 0>, lines = 5 : i64, pitch = 7 : i64, size = 34 : i64} : (tensor<1x5x7x3xf32>) -> tensor<1x3x1x34xf32>
  return %y : tensor<1x3x1x34xf32>
}

// -----

func.func @sparse_conv_frame(%p: tensor<1x2x1x32xf32>, %v: tensor<2x4xf32>, %c: tensor<2xi32>, %s: tensor<2xi32>) -> tensor<1x4x1x24xf32> {
  // expected-error @below {{has planes of 24 elements for 16 positions behind 9}}
  %y = nnopt.sparse_conv %p, %v, %c, %s {extents = array<i64: 2, 3>, pitch = 4 : i64, frame = array<i64: 9, 24>, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
     : (tensor<1x2x1x32xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x4x1x24xf32>
  return %y : tensor<1x4x1x24xf32>
}

// -----

func.func @sparse_conv_frame_entries(%p: tensor<1x2x1x32xf32>, %v: tensor<2x4xf32>, %c: tensor<2xi32>, %s: tensor<2xi32>) -> tensor<1x4x1x24xf32> {
  // expected-error @below {{expects 2 entries of the frame, got 1}}
  %y = nnopt.sparse_conv %p, %v, %c, %s {extents = array<i64: 2, 3>, pitch = 4 : i64, frame = array<i64: 24>, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
     : (tensor<1x2x1x32xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x4x1x24xf32>
  return %y : tensor<1x4x1x24xf32>
}

// -----

func.func @sparse_conv_frame_shape(%p: tensor<1x2x1x32xf32>, %v: tensor<2x4xf32>, %c: tensor<2xi32>, %s: tensor<2xi32>) -> tensor<1x2x3x4xf32> {
  // expected-error @below {{expects extent 4 in dimension 1 of the result, got 2}}
  %y = nnopt.sparse_conv %p, %v, %c, %s {extents = array<i64: 2, 3>, pitch = 4 : i64, frame = array<i64: 8, 24>, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
     : (tensor<1x2x1x32xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// -----

func.func @sparse_conv_depth(%p: tensor<1x2x1x31xf32>, %v: tensor<2x4xf32>, %c: tensor<2xi32>, %s: tensor<2xi32>) -> tensor<1x2x3x4xf32> {
  // expected-error @below {{expects planes of 64 elements per image (the depth of the pack), got type 'tensor<1x2x1x31xf32>'}}
  %y = nnopt.sparse_conv %p, %v, %c, %s {extents = array<i64: 2, 3>, pitch = 4 : i64, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
     : (tensor<1x2x1x31xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// -----

func.func @sparse_conv_pitch(%p: tensor<1x2x1x32xf32>, %v: tensor<2x4xf32>, %c: tensor<2xi32>, %s: tensor<2xi32>) -> tensor<1x2x3x4xf32> {
  // expected-error @below {{has lines of 3 results at a pitch of 2}}
  %y = nnopt.sparse_conv %p, %v, %c, %s {extents = array<i64: 2, 3>, pitch = 2 : i64, pack = #nnopt.sparse_pack<outputs = 4, depth = 64, rows = 4, strip = 4, chunk = 64>}
     : (tensor<1x2x1x32xf32>, tensor<2x4xf32>, tensor<2xi32>, tensor<2xi32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// -----

func.func @observe_scalar(%x: tensor<f32>) -> tensor<1x1xf32> {
  // expected-error @below {{expects an input of at least 1 dimension, got 0}}
  %0 = nnopt.observe squares %x : tensor<f32> -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// -----

func.func @observe_dynamic(%x: tensor<4x?xf32>) -> tensor<1x4xf32> {
  // expected-error @below {{expects a static extent of dimension 1}}
  %0 = nnopt.observe squares %x : tensor<4x?xf32> -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

func.func @observe_incomplete(%x: tensor<1x4x9xf32>) -> tensor<1x12xf32> {
  // expected-error @below {{expects strides, dilations and pads with a kernel}}
  %0 = nnopt.observe squares %x {kernel = array<i64: 3>} : tensor<1x4x9xf32> -> tensor<1x12xf32>
  return %0 : tensor<1x12xf32>
}

// -----

func.func @observe_no_kernel(%x: tensor<1x4x9xf32>) -> tensor<1x9xf32> {
  // expected-error @below {{expects a kernel with what describes convolutions}}
  %0 = nnopt.observe squares %x {groups = 2 : i64} : tensor<1x4x9xf32> -> tensor<1x9xf32>
  return %0 : tensor<1x9xf32>
}

// -----

func.func @observe_groups(%x: tensor<1x4x9xf32>) -> tensor<3x3xf32> {
  // expected-error @below {{expects channels in whole groups, got 4 channels in 3 groups}}
  %0 = nnopt.observe squares %x {kernel = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 3 : i64}
    : tensor<1x4x9xf32> -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

func.func @observe_strides(%x: tensor<1x4x9xf32>) -> tensor<1x12xf32> {
  // expected-error @below {{expects 1 strides, got 2}}
  %0 = nnopt.observe squares %x {kernel = array<i64: 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>}
    : tensor<1x4x9xf32> -> tensor<1x12xf32>
  return %0 : tensor<1x12xf32>
}

// -----

func.func @observe_no_range(%x: tensor<4x8xf32>) -> tensor<16xi64> {
  // expected-error @below {{expects a range of 2 numbers, got 0}}
  %0 = nnopt.observe histogram %x : tensor<4x8xf32> -> tensor<16xi64>
  return %0 : tensor<16xi64>
}

// -----

func.func @observe_empty_range(%x: tensor<4x8xf32>) -> tensor<16xi64> {
  // expected-error @below {{expects a range of finite numbers, the first below the second, got 2.000000e+00 and 2.000000e+00}}
  %0 = nnopt.observe histogram %x {range = array<f32: 2.0, 2.0>} : tensor<4x8xf32> -> tensor<16xi64>
  return %0 : tensor<16xi64>
}

// -----

func.func @observe_float_counts(%x: tensor<4x8xf32>) -> tensor<16xf32> {
  // expected-error @below {{expects a result of one dimension of i64, got 'tensor<16xf32>'}}
  %0 = nnopt.observe histogram %x {range = array<f32: 0.0, 2.0>} : tensor<4x8xf32> -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

func.func @observe_windows_counted(%x: tensor<1x4x9xf32>) -> tensor<16xi64> {
  // expected-error @below {{expects no kernel to count elements}}
  %0 = nnopt.observe histogram %x {kernel = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, range = array<f32: 0.0, 2.0>}
    : tensor<1x4x9xf32> -> tensor<16xi64>
  return %0 : tensor<16xi64>
}

// -----

func.func @observe_range(%x: tensor<4x8xf32>) -> tensor<1x8xf32> {
  // expected-error @below {{expects a range with histogram only}}
  %0 = nnopt.observe maximum %x {range = array<f32: 0.0, 2.0>} : tensor<4x8xf32> -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

func.func @observe_integers(%x: tensor<4x8xf32>) -> tensor<1x8xi64> {
  // expected-error @below {{expects a result of 'tensor<1x8xf32>', got 'tensor<1x8xi64>'}}
  %0 = nnopt.observe maximum %x : tensor<4x8xf32> -> tensor<1x8xi64>
  return %0 : tensor<1x8xi64>
}

// -----

func.func @observe_result(%x: tensor<4x8xf32>) -> tensor<1x8xf32> {
  // expected-error @below {{expects a result of 'tensor<1x8x8xf32>', got 'tensor<1x8xf32>'}}
  %0 = nnopt.observe gram %x : tensor<4x8xf32> -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// -----

func.func @sparse_compute_arguments(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expects a body with 2 arguments, got 1}}
  %y = nnopt.sparse_compute(%x) into %x {
  ^bb0(%out: tensor<4xf32>):
    nnopt.yield %out : tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @sparse_compute_argument_type(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expects argument 0 of its body to be a 'tensor<4xf32>' or a buffer of its shape, got 'memref<5xf32>'}}
  %y = nnopt.sparse_compute(%x) into %x {
  ^bb0(%in: memref<5xf32>, %out: tensor<4xf32>):
    nnopt.yield %out : tensor<4xf32>
  } : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @sparse_compute_yield(%x: tensor<5xf32>, %i: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{expects a body that ends in nnopt.yield of a 'tensor<4xf32>'}}
  %y = nnopt.sparse_compute(%x) into %i {
  ^bb0(%in: tensor<5xf32>, %out: tensor<4xf32>):
    nnopt.yield %in : tensor<5xf32>
  } : (tensor<5xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

#csr = #sparse_tensor.encoding<{ map = (i, j) -> (i : dense, j : compressed) }>
func.func @sparse_compute_operands(%c: tensor<?xindex>, %v: tensor<?xf32>, %i: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %y = nnopt.sparse_compute(%c, %v) into %i {
  ^bb0(%crd: tensor<?xindex>, %val: tensor<?xf32>, %out: tensor<2x4xf32>):
    %pos = arith.constant dense<0> : tensor<3xindex>
    // expected-error @below {{expects arguments of the body around it as operands}}
    %a = sparse_tensor.assemble (%pos, %crd), %val : (tensor<3xindex>, tensor<?xindex>), tensor<?xf32> to tensor<2x4xf32, #csr>
    %r = sparse_tensor.convert %a : tensor<2x4xf32, #csr> to tensor<2x4xf32>
    nnopt.yield %r : tensor<2x4xf32>
  } : (tensor<?xindex>, tensor<?xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
