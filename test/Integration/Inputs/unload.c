/* Loads a network from a shared library, runs it on threads, unloads it and goes on while the idle threads still wait. */
#define _GNU_SOURCE
#include "wide.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 256, COLUMNS = 512 };

int main(int argc, char **argv) {
  void *library = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    puts(dlerror());
    return 1;
  }
  nnopt_status (*plan)(const nnopt_tensor *, nnopt_tensor *, size_t *) =
      (nnopt_status(*)(const nnopt_tensor *, nnopt_tensor *, size_t *))dlsym(library, "wide_plan");
  nnopt_status (*run)(const nnopt_tensor *, nnopt_tensor *, void *, const nnopt_options *) =
      (nnopt_status(*)(const nnopt_tensor *, nnopt_tensor *, void *, const nnopt_options *))dlsym(library, "wide_run");
  float *x = calloc(ROWS * COLUMNS, sizeof *x), *y = calloc(ROWS * COLUMNS, sizeof *y);
  nnopt_tensor in = {x, NNOPT_F32, 2, {ROWS, COLUMNS}}, out = {y, 0, 0, {0}};
  nnopt_options options = {2, NULL, NULL};
  size_t bytes = 0;
  if (plan(&in, &out, &bytes) != NNOPT_OK)
    return 1;
  void *workspace = aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (run(&in, &out, workspace, &options) != NNOPT_OK)
    return 1;
  dlclose(library);
  struct timespec pause = {0, 200000000};
  nanosleep(&pause, NULL);
  printf("went on, y[0] = %g\n", y[0]);
  return 0;
}
