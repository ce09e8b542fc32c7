/* The C interface of a compiled model: types and status codes, the same in every model's header.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#ifndef NNOPT_INTERFACE
#define NNOPT_INTERFACE 1

#include <stddef.h>
#include <stdint.h>

/* What a call answers. NNOPT_OK is 0; after anything else no output was computed. */
typedef enum nnopt_status {
  NNOPT_OK = 0,
  NNOPT_NULL_POINTER = 1,        /* a tensor array, a tensor's data or a needed workspace is null */
  NNOPT_WRONG_DTYPE = 2,         /* an input has another element type than the model's */
  NNOPT_WRONG_RANK = 3,          /* an input has another number of dimensions than the model's */
  NNOPT_WRONG_SHAPE = 4,         /* an extent is negative, differs from the model's fixed one, or is beyond what the model takes */
  NNOPT_SHAPE_MISMATCH = 5,      /* two extents that the model takes for equal differ */
  NNOPT_TOO_LARGE = 6,           /* the shapes need more bytes than an address can count */
  NNOPT_UNALIGNED_WORKSPACE = 7, /* the workspace is not aligned to 64 bytes */
  NNOPT_UNSUPPORTED_CPU = 8      /* this processor has none of the instruction sets in the object */
} nnopt_status;

/* Element types, with ONNX's numbers. A bool is one byte, 0 or 1. */
enum {
  NNOPT_F32 = 1,
  NNOPT_U8 = 2,
  NNOPT_I8 = 3,
  NNOPT_U16 = 4,
  NNOPT_I16 = 5,
  NNOPT_I32 = 6,
  NNOPT_I64 = 7,
  NNOPT_BOOL = 9,
  NNOPT_F16 = 10,
  NNOPT_F64 = 11,
  NNOPT_U32 = 12,
  NNOPT_U64 = 13,
  NNOPT_BF16 = 16
};

enum { NNOPT_MAX_RANK = 8, NNOPT_WORKSPACE_ALIGNMENT = 64 };

/* An array that the caller owns: row-major and dense. The data of an input is only read. */
typedef struct nnopt_tensor {
  void *data;
  int32_t dtype;
  int32_t rank;
  int64_t shape[NNOPT_MAX_RANK];
} nnopt_tensor;

/* How to run. A null pointer to options means all zero. */
typedef struct nnopt_options {
  int32_t threads; /* 0: what the OpenMP runtime is set to; ignored when parallel_for is set */
  /* The caller's own thread pool: calls `body` on ranges that together are [0, count), and returns when all have ended. */
  void (*parallel_for)(void *pool, void (*body)(void *context, int64_t begin, int64_t end), void *context,
                       int64_t count);
  void *pool; /* first argument of parallel_for */
} nnopt_options;

/* One input or output as the model declares it. */
typedef struct nnopt_argument {
  const char *name;        /* the model's own name */
  int32_t dtype;
  int32_t rank;
  const int64_t *shape;    /* -1 where the extent may differ from call to call */
  const char *const *dims; /* what the model calls each extent: a number, or a name such as "batch" */
} nnopt_argument;

typedef struct nnopt_info {
  const char *name;         /* of the model, as in NAME_run */
  const char *stamp;        /* which model file and which compiler */
  const char *isa;          /* the instruction set that runs on this processor; "none" if none does */
  const char *const *isas;  /* all that the object holds, the best last */
  int32_t isa_count;
  int32_t input_count;
  int32_t output_count;
  int32_t threads;          /* 0: compiled without threads */
  const nnopt_argument *inputs;
  const nnopt_argument *outputs;
  int64_t workspace_bytes;  /* -1 if it depends on the shapes: NAME_plan tells */
  int64_t weight_bytes;
} nnopt_info;

/* An English phrase for a status. */
static inline const char *nnopt_status_text(nnopt_status status) {
  switch (status) {
  case NNOPT_OK: return "ok";
  case NNOPT_NULL_POINTER: return "a tensor array, a tensor's data or a needed workspace is null";
  case NNOPT_WRONG_DTYPE: return "an input has another element type than the model's";
  case NNOPT_WRONG_RANK: return "an input has another number of dimensions than the model's";
  case NNOPT_WRONG_SHAPE: return "an extent of an input is negative, differs from the model's fixed one, or is beyond what the model takes";
  case NNOPT_SHAPE_MISMATCH: return "two extents that the model takes for equal differ";
  case NNOPT_TOO_LARGE: return "the shapes need more bytes than an address can count";
  case NNOPT_UNALIGNED_WORKSPACE: return "the workspace is not aligned to 64 bytes";
  case NNOPT_UNSUPPORTED_CPU: return "this processor has none of the instruction sets in the object";
  }
  return "unknown status";
}

#endif /* NNOPT_INTERFACE */
