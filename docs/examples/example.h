/* What the examples share: options, a clock, an aligned workspace, one line of times. Nothing here is needed to run a model.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NNOPT_EXAMPLE_H
#define NNOPT_EXAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXAMPLE_CHECK(call)                                                                                            \
  do {                                                                                                                 \
    nnopt_status status_ = (call);                                                                                     \
    if (status_ != NNOPT_OK) {                                                                                         \
      fprintf(stderr, "%s: %s\n", #call, nnopt_status_text(status_));                                                  \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

enum { EXAMPLE_MAX_RUNS = 10000 };
static double example_times[EXAMPLE_MAX_RUNS];

struct example_options {
  int threads, runs;
  const char *output;
};

static struct example_options example_options(int argc, char **argv) {
  struct example_options o = {0, 1, NULL};
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--threads"))
      o.threads = atoi(argv[i + 1]);
    else if (!strcmp(argv[i], "--runs"))
      o.runs = atoi(argv[i + 1]);
    else if (!strcmp(argv[i], "--output"))
      o.output = argv[i + 1];
  }
  if (o.runs < 1 || o.runs > EXAMPLE_MAX_RUNS)
    o.runs = 1;
  return o;
}

static double example_now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void example_time(int run, double milliseconds) { example_times[run] = milliseconds; }

/* aligned_alloc wants a multiple of the alignment, and a model may need no workspace at all. */
static void *example_allocate(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (!memory) {
    fprintf(stderr, "no memory for a workspace of %zu bytes\n", bytes);
    exit(1);
  }
  return memory;
}

static int example_less(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void example_report(const struct example_options *o, const void *answer, size_t size, size_t workspace) {
  qsort(example_times, (size_t)o->runs, sizeof *example_times, example_less);
  printf("median %.4f ms, best %.4f ms, %d runs, workspace %zu bytes\n", example_times[o->runs / 2], example_times[0],
         o->runs, workspace);
  if (!o->output)
    return;
  FILE *file = fopen(o->output, "wb");
  if (!file || fwrite(answer, size, 1, file) != 1 || fclose(file)) {
    fprintf(stderr, "cannot write %s\n", o->output);
    exit(1);
  }
}

#endif
