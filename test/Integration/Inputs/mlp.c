/* Calls the network of mlp.mlir and checks its numbers; then everything that the interface promises about wrong calls. */
#include "mlp.h"
#include "mlp.h" /* included twice on purpose */

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 37, IN = 24, HIDDEN = 48, OUT = 16 };

#define EXPECT(condition)                                                                                              \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      printf("line %d: %s does not hold\n", __LINE__, #condition);                                                     \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

struct call {
  float x[BATCH * IN], b[BATCH * HIDDEN], y[BATCH * HIDDEN], z[BATCH * OUT];
  nnopt_tensor in[2], out[2];
  void *workspace;
  size_t bytes;
  int seed;
};

static void prepare(struct call *c, int64_t batch, int seed) {
  memset(c, 0, sizeof *c);
  c->seed = seed;
  for (int i = 0; i < BATCH * IN; ++i)
    c->x[i] = (float)((i * 7 + seed) % 11 - 5);
  for (int i = 0; i < BATCH * HIDDEN; ++i)
    c->b[i] = (float)((i * 3 + seed) % 5);
  c->in[0] = (nnopt_tensor){c->x, NNOPT_F32, 2, {batch, IN}};
  c->in[1] = (nnopt_tensor){c->b, NNOPT_F32, 2, {batch, HIDDEN}};
  c->out[0] = (nnopt_tensor){c->y, 0, 0, {0}};
  c->out[1] = (nnopt_tensor){c->z, 0, 0, {0}};
  EXPECT(mlp_plan(c->in, c->out, &c->bytes) == NNOPT_OK);
  EXPECT(batch == 0 || c->bytes >= (size_t)batch * OUT * sizeof(float));
  c->workspace = aligned_alloc(64, (c->bytes / 64 + 1) * 64);
}

/* Every product is a multiple of 1/8 far below 2^24, so the sums are exact in any order. */
static void check(const struct call *c, int64_t batch) {
  for (int64_t m = 0; m < batch; ++m) {
    float sum = 0, total = 0;
    for (int k = 0; k < IN; ++k)
      sum += c->x[m * IN + k] * 0.5f;
    for (int n = 0; n < HIDDEN; ++n) {
      float expected = (sum > 0 ? sum : 0) + c->b[m * HIDDEN + n];
      EXPECT(c->y[m * HIDDEN + n] == expected);
      total += expected * 0.25f;
    }
    for (int n = 0; n < OUT; ++n)
      EXPECT(c->z[m * OUT + n] == total * OUT * 0.5f);
  }
}

static void check_numbers(const nnopt_options *options) {
  struct call c;
  for (int64_t batch = 0; batch <= BATCH; batch += batch < 4 ? 1 : 11) {
    prepare(&c, batch, (int)batch);
    EXPECT(mlp_run(c.in, c.out, c.workspace, options) == NNOPT_OK);
    EXPECT(c.out[0].dtype == NNOPT_F32 && c.out[0].rank == 2 && c.out[0].shape[0] == batch && c.out[0].shape[1] == HIDDEN);
    EXPECT(c.out[1].rank == 2 && c.out[1].shape[0] == batch && c.out[1].shape[1] == OUT);
    check(&c, batch);
    free(c.workspace);
  }
}

static void check_wrong_calls(void) {
  struct call c;
  prepare(&c, 5, 1);
#define EXPECT_STATUS(change, undo, status)                                                                            \
  do {                                                                                                                 \
    change;                                                                                                            \
    EXPECT(mlp_run(c.in, c.out, c.workspace, NULL) == status);                                                         \
    undo;                                                                                                              \
  } while (0)
  EXPECT_STATUS(c.in[0].dtype = NNOPT_F64, c.in[0].dtype = NNOPT_F32, NNOPT_WRONG_DTYPE);
  EXPECT_STATUS(c.in[1].rank = 3, c.in[1].rank = 2, NNOPT_WRONG_RANK);
  EXPECT_STATUS(c.in[0].shape[1] = 25, c.in[0].shape[1] = IN, NNOPT_WRONG_SHAPE);
  EXPECT_STATUS(c.in[0].shape[0] = -5, c.in[0].shape[0] = 5, NNOPT_WRONG_SHAPE);
  EXPECT_STATUS(c.in[1].shape[0] = 6, c.in[1].shape[0] = 5, NNOPT_SHAPE_MISMATCH);
  EXPECT_STATUS(c.in[0].data = NULL, c.in[0].data = c.x, NNOPT_NULL_POINTER);
  EXPECT_STATUS(c.out[1].data = NULL, c.out[1].data = c.z, NNOPT_NULL_POINTER);
  for (int64_t huge = INT64_MAX; huge > INT64_MAX / 512; huge /= 2) {
    c.in[0].shape[0] = c.in[1].shape[0] = huge;
    EXPECT(mlp_plan(c.in, c.out, &c.bytes) == NNOPT_TOO_LARGE);
  }
  c.in[0].shape[0] = c.in[1].shape[0] = 5;
  EXPECT(mlp_run(c.in, c.out, (char *)c.workspace + 8, NULL) == NNOPT_UNALIGNED_WORKSPACE);
  EXPECT(mlp_run(NULL, c.out, c.workspace, NULL) == NNOPT_NULL_POINTER);
  EXPECT(mlp_run(c.in, NULL, c.workspace, NULL) == NNOPT_NULL_POINTER);
  EXPECT(mlp_plan(c.in, c.out, NULL) == NNOPT_OK);
  for (int status = NNOPT_OK; status <= NNOPT_UNSUPPORTED_CPU; ++status)
    EXPECT(strcmp(nnopt_status_text((nnopt_status)status), "unknown status") != 0);
  EXPECT(mlp_run(c.in, c.out, c.workspace, NULL) == NNOPT_OK); /* the changes were undone */
  check(&c, 5);
  free(c.workspace);
}

/* A pool that runs the ranges backwards, in pieces of its own choice. */
static void backwards(void *pool, void (*body)(void *, int64_t, int64_t), void *context, int64_t count) {
  ++*(int *)pool;
  for (int64_t end = count; end > 0;) {
    int64_t begin = end > 3 ? end - 3 : 0;
    body(context, begin, end);
    end = begin;
  }
}

static void *run_often(void *argument) {
  struct call *c = argument;
  for (int i = 0; i < 200; ++i) {
    memset(c->y, 0xff, sizeof c->y);
    EXPECT(mlp_run(c->in, c->out, c->workspace, NULL) == NNOPT_OK);
    check(c, BATCH);
  }
  return NULL;
}

static void check_reentrant(void) {
  static struct call calls[2];
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) {
    prepare(&calls[i], BATCH, i);
    pthread_create(&threads[i], NULL, run_often, &calls[i]);
  }
  for (int i = 0; i < 2; ++i) {
    pthread_join(threads[i], NULL);
    free(calls[i].workspace);
  }
}

static void check_nan(void) {
  struct call c;
  prepare(&c, 2, 0);
  c.b[3] = NAN;
  EXPECT(mlp_run(c.in, c.out, c.workspace, NULL) == NNOPT_OK);
  EXPECT(isnan(c.y[3]) && isnan(c.z[0]) && isnan(c.z[OUT - 1]));
  EXPECT(!isnan(c.y[2]) && !isnan(c.z[OUT]));
  free(c.workspace);
}

static void check_info(void) {
  const nnopt_info *info = mlp_info();
  EXPECT(!strcmp(info->name, "mlp") && strstr(info->stamp, "mlp.mlir") && strstr(info->stamp, "nnopt "));
  EXPECT(info->input_count == 2 && info->output_count == 2 && info->workspace_bytes == -1 && info->weight_bytes > 0);
  EXPECT(!strcmp(info->inputs[1].name, "b") && info->inputs[1].dtype == NNOPT_F32 && info->inputs[1].rank == 2);
  EXPECT(info->inputs[1].shape[0] == -1 && info->inputs[1].shape[1] == HIDDEN);
  EXPECT(!strcmp(info->inputs[1].dims[0], "batch") && !strcmp(info->outputs[1].dims[1], "16"));
  int found = 0;
  for (int i = 0; i < info->isa_count; ++i)
    found += !strcmp(info->isas[i], info->isa);
  EXPECT(found == 1);
  printf("isa %s\n", info->isa);
}

int main(void) {
  int regions = 0;
  nnopt_options one = {1, NULL, NULL}, three = {3, NULL, NULL}, pool = {0, backwards, &regions};
  check_info();
  check_numbers(NULL);
  check_numbers(&one);
  check_numbers(&three);
  check_numbers(&pool);
  check_wrong_calls();
  check_nan();
  check_reentrant();
  printf("all held\n");
  return 0;
}
