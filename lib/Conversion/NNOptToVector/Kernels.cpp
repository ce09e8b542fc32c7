//===- Kernels.cpp - the table of vector kernels --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Products.h"

using namespace nnopt;

static constexpr Kernel kKernels[] = {
    {"nnopt.linear", "gemm", "packed f32 weights, register tiles", emitLinear},
    {"nnopt.matmul", "gemm", "f32, both operands row by row, register tiles", emitMatmul},
    {"nnopt.conv", "conv-gemm", "f32 channels last, packed weights, register tiles over output positions", emitConv},
    {"nnopt.conv", "depthwise", "f32 channels last, one filter per channel, vectors of channels", emitDepthwiseConv},
    {"nnopt.attention", "attention", "f32, blocks of queries and keys, running softmax", emitAttention},
};

llvm::ArrayRef<Kernel> nnopt::kernelTable() { return kKernels; }
