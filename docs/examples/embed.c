/* Embeds a sentence with MiniLM, compiled to minilm_l6.o: no framework, only libc and OpenMP.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   nnopt-compile minilm-l6.onnx -o minilm_l6.o
 *   cc -O2 embed.c minilm_l6.o -lgomp -lm -o embed
 *   ./embed tokens.txt [--threads N] [--runs N] [--output hidden.raw]
 *
 * The file holds the token numbers of the sentence; its length may differ from call to call.
 */
#include "minilm_l6.h"

#include "example.h"

enum { MAX_TOKENS = 512, WIDTH = 384 };

static int read_tokens(const char *path, int64_t *tokens) {
  FILE *file = fopen(path, "r");
  int count = 0;
  long long token;
  if (!file)
    return 0;
  while (count < MAX_TOKENS && fscanf(file, "%lld", &token) == 1)
    tokens[count++] = token;
  fclose(file);
  return count;
}

int main(int argc, char **argv) {
  static int64_t ids[MAX_TOKENS], mask[MAX_TOKENS], types[MAX_TOKENS];
  static float hidden[MAX_TOKENS * WIDTH];
  struct example_options o = example_options(argc, argv);
  int count = argc < 2 ? 0 : read_tokens(argv[1], ids);
  if (count == 0) {
    fprintf(stderr, "usage: embed TOKENS.txt [--threads N] [--runs N] [--output FILE]\n");
    return 2;
  }
  for (int i = 0; i < count; ++i)
    mask[i] = 1;

  nnopt_tensor in[3] = {{.data = ids, .dtype = NNOPT_I64, .rank = 2, .shape = {1, count}},
                        {.data = mask, .dtype = NNOPT_I64, .rank = 2, .shape = {1, count}},
                        {.data = types, .dtype = NNOPT_I64, .rank = 2, .shape = {1, count}}};
  nnopt_tensor out = {.data = hidden};
  nnopt_options options = {.threads = o.threads};
  size_t bytes = 0;
  EXAMPLE_CHECK(minilm_l6_plan(in, &out, &bytes));
  void *workspace = example_allocate(bytes);
  for (int run = 0; run < o.runs; ++run) {
    double start = example_now();
    EXAMPLE_CHECK(minilm_l6_run(in, &out, workspace, &options));
    example_time(run, example_now() - start);
  }

  printf("%d tokens, the first vector starts %.4f %.4f %.4f\n", count, hidden[0], hidden[1], hidden[2]);
  example_report(&o, hidden, (size_t)count * WIDTH * sizeof *hidden, bytes);
  free(workspace);
  return 0;
}
