/* The code between the C interface and a model's generated functions: checks, choice of instruction set, threads.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Compiled to LLVM bitcode for each architecture when nnopt is built, and linked into the module of every model, where the names get the
 * model's name. Needs no header of the C library, allocates nothing, and writes no global but the idempotent choice below.
 */
#include "Glue.h"

/* ---- choice of the instruction set ---- */

#if defined(__x86_64__)
enum { Leaf1, Leaf7, Leaf7Sub1, LeafExtended, LeafCount };
enum { EAX, EBX, ECX, EDX };
enum { None = 0, Ymm = 0x6, Zmm = 0xe6 }; /* bits of XCR0: xmm and ymm; also opmask and both parts of zmm */

static void cpuid(uint32_t leaf, uint32_t sub, uint32_t *registers) {
  __asm__("cpuid"
          : "=a"(registers[EAX]), "=b"(registers[EBX]), "=c"(registers[ECX]), "=d"(registers[EDX])
          : "a"(leaf), "c"(sub));
}

static uint64_t cpu_features(void) {
  static const struct {
    uint8_t leaf, reg, bit, saved;
  } features[] = {
#define NNOPT_X86_FEATURE(name, leaf, reg, bit, saved) {leaf, reg, bit, saved},
#include "CpuFeatures.def"
  };
  uint32_t leaves[LeafCount][4] = {{0}}, most[4], saved = 0;
  cpuid(0, 0, most);
  cpuid(1, 0, leaves[Leaf1]);
  if (most[EAX] >= 7) {
    uint32_t subleaves[4];
    cpuid(7, 0, leaves[Leaf7]);
    for (int i = 0; i < 4; ++i)
      subleaves[i] = leaves[Leaf7][i];
    if (subleaves[EAX] >= 1)
      cpuid(7, 1, leaves[Leaf7Sub1]);
  }
  cpuid(0x80000000u, 0, most);
  if (most[EAX] >= 0x80000001u)
    cpuid(0x80000001u, 0, leaves[LeafExtended]);
  if (leaves[Leaf1][ECX] >> 27 & 1) { /* OSXSAVE: the instruction exists */
    uint32_t high;
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  }
  uint64_t result = 0;
  for (unsigned i = 0; i < sizeof features / sizeof *features; ++i)
    if ((leaves[features[i].leaf][features[i].reg] >> features[i].bit & 1) &&
        (saved & features[i].saved) == features[i].saved)
      result |= (uint64_t)1 << i;
  return result;
}
#else
/* Every variant of the other architectures runs on all their processors. */
static uint64_t cpu_features(void) { return 0; }
#endif

static const nnopt_variant *variant(void) {
  static int32_t chosen; /* number of the variant plus 1; threads that come first at once write the same */
  int32_t i = __atomic_load_n(&chosen, __ATOMIC_RELAXED) - 1;
  if (i < 0) {
    uint64_t have = cpu_features();
    for (i = 0; (nnopt_this_model.variants[i].required & have) != nnopt_this_model.variants[i].required; ++i)
      ;
    __atomic_store_n(&chosen, i + 1, __ATOMIC_RELAXED);
  }
  return &nnopt_this_model.variants[i];
}

/* ---- checks ---- */

static int64_t element_bytes(int32_t dtype) {
  switch (dtype) {
  case NNOPT_U8:
  case NNOPT_I8:
  case NNOPT_BOOL:
    return 1;
  case NNOPT_U16:
  case NNOPT_I16:
  case NNOPT_F16:
  case NNOPT_BF16:
    return 2;
  case NNOPT_F32:
  case NNOPT_I32:
  case NNOPT_U32:
    return 4;
  default:
    return 8;
  }
}

/* More bytes than any of these processors can address. */
static const int64_t too_many_bytes = (int64_t)1 << 56;

/* Bytes of an array of non-negative extents, or -1 if an address cannot count them. */
static int64_t array_bytes(const int64_t *shape, int32_t rank, int32_t dtype) {
  int64_t bytes = element_bytes(dtype);
  for (int32_t d = 0; d < rank; ++d)
    if (shape[d] >= too_many_bytes || __builtin_mul_overflow(bytes, shape[d], &bytes))
      return -1;
  return bytes < too_many_bytes ? bytes : -1;
}

/* Checks the inputs' types and shapes, and finds the extent that each symbol stands for. */
static nnopt_status read_symbols(const nnopt_tensor *inputs, int64_t *symbols) {
  const nnopt_model *model = &nnopt_this_model;
  for (int32_t i = 0; i < model->symbol_count; ++i)
    symbols[i] = -1;
  for (int32_t i = 0; i < model->input_count; ++i) {
    const nnopt_argument *expected = &model->inputs[i];
    const int32_t *numbers = model->input_symbols[i];
    if (inputs[i].dtype != expected->dtype)
      return NNOPT_WRONG_DTYPE;
    if (inputs[i].rank != expected->rank)
      return NNOPT_WRONG_RANK;
    for (int32_t d = 0; d < expected->rank; ++d) {
      int64_t extent = inputs[i].shape[d];
      if (extent < 0 || (numbers[d] < 0 && extent != expected->shape[d]))
        return NNOPT_WRONG_SHAPE;
      if (numbers[d] < 0)
        continue;
      int64_t *symbol = &symbols[numbers[d]];
      if (*symbol >= 0 && *symbol != extent)
        return NNOPT_SHAPE_MISMATCH;
      *symbol = extent;
    }
    if (array_bytes(inputs[i].shape, inputs[i].rank, inputs[i].dtype) < 0)
      return NNOPT_TOO_LARGE;
  }
  for (int64_t i = 0; i < model->requirement_count; ++i) {
    const nnopt_requirement *required = &model->requirements[i];
    int64_t extent = symbols[required->symbol];
    if (required->equals >= 0 && extent != symbols[required->equals])
      return NNOPT_SHAPE_MISMATCH;
    if (extent < required->least || extent > required->most)
      return NNOPT_WRONG_SHAPE;
  }
  return NNOPT_OK;
}

static nnopt_status write_shapes(const int64_t *symbols, nnopt_tensor *outputs) {
  const nnopt_model *model = &nnopt_this_model;
  int64_t extents[model->output_extent_count + 1], *next = extents;
  model->shapes(symbols, extents);
  for (int32_t i = 0; i < model->output_count; ++i) {
    outputs[i].dtype = model->outputs[i].dtype;
    outputs[i].rank = model->outputs[i].rank;
    for (int32_t d = 0; d < NNOPT_MAX_RANK; ++d)
      outputs[i].shape[d] = d < outputs[i].rank ? *next++ : 0;
    for (int32_t d = 0; d < outputs[i].rank; ++d)
      if (outputs[i].shape[d] < 0)
        return NNOPT_WRONG_SHAPE;
    if (array_bytes(outputs[i].shape, outputs[i].rank, outputs[i].dtype) < 0)
      return NNOPT_TOO_LARGE;
  }
  return NNOPT_OK;
}

/* Everything that both calls do: checks the inputs, fills the outputs' shapes, sizes the workspace. */
static nnopt_status prepare(const nnopt_tensor *inputs, nnopt_tensor *outputs, int64_t *symbols, int64_t *bytes) {
  const nnopt_model *model = &nnopt_this_model;
  if ((!inputs && model->input_count) || (!outputs && model->output_count))
    return NNOPT_NULL_POINTER;
  nnopt_status status = read_symbols(inputs, symbols);
  if (status != NNOPT_OK)
    return status;
  *bytes = model->workspace(symbols);
  if (*bytes < 0)
    return NNOPT_TOO_LARGE;
  return write_shapes(symbols, outputs);
}

/* Collects the data pointers; null is allowed where there are no elements. */
static nnopt_status read_pointers(const nnopt_tensor *tensors, int32_t count, void **pointers) {
  for (int32_t i = 0; i < count; ++i) {
    pointers[i] = tensors[i].data;
    if (!pointers[i] && array_bytes(tensors[i].shape, tensors[i].rank, tensors[i].dtype) != 0)
      return NNOPT_NULL_POINTER;
  }
  return NNOPT_OK;
}

/* ---- the interface ---- */

nnopt_status nnopt_this_plan(const nnopt_tensor *inputs, nnopt_tensor *outputs, size_t *workspace_bytes) {
  int64_t symbols[nnopt_this_model.symbol_count + 1], bytes = 0;
  nnopt_status status = prepare(inputs, outputs, symbols, &bytes);
  if (status == NNOPT_OK && workspace_bytes)
    *workspace_bytes = (size_t)bytes;
  return status;
}

nnopt_status nnopt_this_run(const nnopt_tensor *inputs, nnopt_tensor *outputs, void *workspace,
                            const nnopt_options *options) {
  const nnopt_model *model = &nnopt_this_model;
  int64_t symbols[model->symbol_count + 1], bytes = 0;
  void *in[model->input_count + 1], *out[model->output_count + 1];
  nnopt_status status = prepare(inputs, outputs, symbols, &bytes);
  if (status == NNOPT_OK)
    status = read_pointers(inputs, model->input_count, in);
  if (status == NNOPT_OK)
    status = read_pointers(outputs, model->output_count, out);
  if (status != NNOPT_OK)
    return status;
  if (!workspace && bytes != 0)
    return NNOPT_NULL_POINTER;
  if ((uintptr_t)workspace % NNOPT_WORKSPACE_ALIGNMENT != 0)
    return NNOPT_UNALIGNED_WORKSPACE;
  nnopt_main *main = variant()->main;
  if (!main)
    return NNOPT_UNSUPPORTED_CPU;

  nnopt_options chosen = {0};
  if (options)
    chosen = *options;
  if (chosen.threads <= 0)
    chosen.threads = model->default_threads;
  main((const void *const *)in, out, symbols, workspace, &chosen);
  return NNOPT_OK;
}

const nnopt_info *nnopt_this_info(void) { return variant()->info; }

/* ---- threads ---- */

typedef void nnopt_body(void *context, int64_t begin, int64_t end);

/* libgomp's and libomp's entry points; declared here because this file is compiled without their header. */
void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_max_threads(void);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_in_parallel(void);

struct work {
  nnopt_body *body;
  void *context;
  int64_t count;
};

/* One thread's share: a contiguous range, the first `count % threads` shares one longer. */
static void run_share(void *data) {
  const struct work *work = (const struct work *)data;
  int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
  int64_t size = work->count / threads, longer = work->count % threads;
  int64_t begin = thread * size + (thread < longer ? thread : longer);
  int64_t end = begin + size + (thread < longer);
  if (begin < end)
    work->body(work->context, begin, end);
}

/* Called by the generated code for each parallel region; `options` are those that the call of the model got. */
void nnopt_parallel_for(const void *options, nnopt_body *body, void *context, int64_t count) {
  const nnopt_options *chosen = (const nnopt_options *)options;
  if (count <= 0)
    return;
  if (chosen->parallel_for) {
    chosen->parallel_for(chosen->pool, body, context, count);
    return;
  }
  // Inside the caller's own parallel region the cores are taken already.
  int64_t threads = chosen->threads > 0 ? chosen->threads : omp_in_parallel() ? 1 : omp_get_max_threads();
  if (threads > count)
    threads = count;
  if (threads <= 1) {
    body(context, 0, count);
    return;
  }
  struct work work = {body, context, count};
  GOMP_parallel(run_share, &work, (unsigned)threads, 0);
}
