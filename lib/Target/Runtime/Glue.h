/* What the object writer tells the glue code about a model. lib/Target/Descriptor.cpp fills these structures in.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#ifndef NNOPT_TARGET_RUNTIME_GLUE_H
#define NNOPT_TARGET_RUNTIME_GLUE_H

#include "Interface.h"

typedef void nnopt_main(const void *const *inputs, void *const *outputs, const int64_t *symbols, void *workspace,
                        const void *options);

/* The code for one instruction set. */
typedef struct nnopt_variant {
  const nnopt_info *info;
  nnopt_main *main;  /* null in the last variant, which every processor may "run": there is nothing for it */
  uint64_t required; /* rows of CpuFeatures.def */
} nnopt_variant;

/* What the code relies on: a symbol between two bounds, or equal to another. */
typedef struct nnopt_requirement {
  int32_t symbol;
  int32_t equals; /* number of the other symbol, or -1 */
  int64_t least;
  int64_t most;
} nnopt_requirement;

typedef struct nnopt_model {
  int32_t symbol_count;
  int32_t output_extent_count;        /* of all outputs together */
  int32_t default_threads;            /* when the options say 0; 0: what the OpenMP runtime is set to */
  int32_t input_count;
  int32_t output_count;
  const int32_t *const *input_symbols; /* per input and dimension: number of the symbol, or -1 */
  const nnopt_argument *inputs;
  const nnopt_argument *outputs;
  const nnopt_variant *variants; /* the best first */
  const nnopt_requirement *requirements;
  int64_t requirement_count;
  int64_t (*workspace)(const int64_t *symbols);
  void (*shapes)(const int64_t *symbols, int64_t *extents);
} nnopt_model;

extern const nnopt_model nnopt_this_model;

#endif /* NNOPT_TARGET_RUNTIME_GLUE_H */
