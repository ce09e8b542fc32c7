/* The size of the workspace is counted right, or not at all: never modulo 2^64. */
#include "quadratic.h"

#include <stdio.h>

int main(void) {
  nnopt_tensor in = {0, NNOPT_F32, 2, {0, 4}}, out = {0};
  for (int64_t length = 1; length < (int64_t)1 << 50; length *= 2) {
    size_t bytes = 0;
    in.shape[0] = length;
    nnopt_status status = quadratic_plan(&in, &out, &bytes);
    double least = (double)length * (double)length * 4;
    if (status == NNOPT_OK ? (double)bytes < least : status != NNOPT_TOO_LARGE || least < 1e15) {
      printf("length %lld: %s, %zu bytes\n", (long long)length, nnopt_status_text(status), bytes);
      return 1;
    }
  }
  printf("never too small\n");
  return 0;
}
