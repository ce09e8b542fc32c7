/* Runs a model of one input and one output, both f32 of fixed shape, from a file to a file: files INPUT OUTPUT. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

static size_t elements(const nnopt_tensor *tensor) {
  size_t count = 1;
  for (int d = 0; d < tensor->rank; ++d)
    count *= (size_t)tensor->shape[d];
  return count;
}

int main(int argc, char **argv) {
  const nnopt_argument *argument = &model_info()->inputs[0];
  nnopt_tensor in = {NULL, NNOPT_F32, argument->rank, {0}}, out = {0};
  size_t bytes;
  for (int d = 0; d < argument->rank; ++d)
    in.shape[d] = argument->shape[d];
  if (argc != 3 || model_plan(&in, &out, &bytes) != NNOPT_OK)
    return 2;
  in.data = calloc(elements(&in), sizeof(float));
  out.data = calloc(elements(&out), sizeof(float));
  FILE *source = fopen(argv[1], "rb"), *target = fopen(argv[2], "wb");
  if (!source || !target || fread(in.data, sizeof(float), elements(&in), source) != elements(&in))
    return 2;
  nnopt_status status = model_run(&in, &out, aligned_alloc(64, (bytes / 64 + 1) * 64), NULL);
  printf("isa %s: %s\n", model_info()->isa, nnopt_status_text(status));
  return fwrite(out.data, sizeof(float), elements(&out), target) != elements(&out) || fclose(target) || status != NNOPT_OK;
}
