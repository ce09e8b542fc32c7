//===- Kernels.cpp - the table of vector kernels --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Products.h"
#include "Rows.h"

using namespace nnopt;

static constexpr Kernel kKernels[] = {
    {"nnopt.linear", "gemm", "packed f32 weights, register tiles", emitLinear},
    {"nnopt.tile_rows", "tile-rows", "f32, even rows, squares turned in registers", emitTileRows},
    {"nnopt.sparse_linear", "sparse-straight", "f32, tiled rows, single outputs, code without loops for 30 outputs (AVX-512)", emitSparseStraight},
    {"nnopt.sparse_linear", "sparse-panels", "f32, blocks of 16 outputs, vectors along the outputs", emitSparsePanels},
    {"nnopt.permute_linear", "permute-panels", "f32, slots of 16 outputs, windows of the input permuted in registers", emitPermuteLinear},
    {"nnopt.sparse_linear", "sparse-rows", "f32, tiled rows, blocks of 1 to 8 outputs", emitSparseLinear},
    {"nnopt.image_planes", "planes", "f32, squares of positions and channels turned in registers", emitImagePlanes},
    {"nnopt.sparse_conv", "sparse-planes-straight", "f32, single outputs, code without loops for 30 outputs (AVX-512)", emitSparseConvStraight},
    {"nnopt.sparse_conv", "sparse-planes", "f32, blocks of 1 to 8 outputs, vectors of positions of planes", emitSparseConv},
    {"nnopt.matmul", "gemm", "f32, both operands row by row, register tiles", emitMatmul},
    {"nnopt.conv", "conv-gemm", "f32 channels last, packed weights, register tiles over output positions", emitConv},
    {"nnopt.conv", "depthwise", "f32 channels last, one filter per channel, vectors of channels", emitDepthwiseConv},
    {"nnopt.attention", "attention", "f32, blocks of queries and keys, running softmax", emitAttention},
    {"nnopt.softmax", "softmax-rows", "f32, last dimension, three passes over a row", emitSoftmaxRows},
    {"nnopt.softmax", "softmax-columns", "f32, another dimension, vectors of columns", emitSoftmaxColumns},
    {"nnopt.normalize", "normalize", "f32, contiguous rows", emitNormalize},
    {"nnopt.pool", "pool", "f32 channels last, vectors of channels", emitPool},
    {"nnopt.gather", "gather", "contiguous rows of a table", emitGather},
    {"memref.copy", "elementwise", "vectors along the last axis", emitElementwise},
    {"memref.copy", "transposing", "squares turned in registers", emitTransposing},
    {"linalg.copy", "elementwise", "vectors along the last axis", emitElementwise},
    {"linalg.copy", "transposing", "squares turned in registers", emitTransposing},
    {"linalg.fill", "elementwise", "vectors along the last axis", emitElementwise},
    {"linalg.broadcast", "elementwise", "vectors along the last axis", emitElementwise},
    {"linalg.map", "elementwise", "vectors along the last axis", emitElementwise},
    {"linalg.transpose", "elementwise", "vectors along the last axis", emitElementwise},
    {"linalg.transpose", "transposing", "squares turned in registers", emitTransposing},
    {"linalg.generic", "elementwise", "vectors along the last axis", emitElementwise},
    {"linalg.generic", "transposing", "squares turned in registers", emitTransposing},
    {"linalg.generic", "reduce-rows", "vectors along the last reduced axis", emitReduceRows},
    {"linalg.generic", "reduce-columns", "vectors along the last kept axis", emitReduceColumns},
    {"linalg.reduce", "reduce-rows", "vectors along the last reduced axis", emitReduceRows},
    {"linalg.reduce", "reduce-columns", "vectors along the last kept axis", emitReduceColumns},
};

llvm::ArrayRef<Kernel> nnopt::kernelTable() { return kKernels; }
