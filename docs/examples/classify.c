/* Classifies a photo with EfficientNet-lite0, compiled to efficientnet_lite0.o: no framework, only libc and OpenMP.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   nnopt-compile efficientnet-lite0.onnx -o efficientnet_lite0.o
 *   cc -O2 classify.c efficientnet_lite0.o -lgomp -lm -o classify
 *   ./classify photo.ppm [--threads N] [--runs N] [--output logits.raw]
 *
 * The photo is a binary PPM of 224 by 224 pixels.
 */
#include "efficientnet_lite0.h"

#include "example.h"

enum { SIZE = 224, CLASSES = 1000 };

/* Reads the photo as the network wants it: planes of (pixel - 127) / 128. */
static int read_photo(const char *path, float *image) {
  static unsigned char pixels[SIZE * SIZE * 3];
  FILE *file = fopen(path, "rb");
  int width = 0, height = 0, depth = 0;
  if (!file)
    return 0;
  int ok = fscanf(file, "P6 %d %d %d", &width, &height, &depth) == 3 && width == SIZE && height == SIZE &&
           depth == 255 && fgetc(file) != EOF && fread(pixels, sizeof pixels, 1, file) == 1;
  fclose(file);
  for (int i = 0; ok && i < SIZE * SIZE; ++i)
    for (int c = 0; c < 3; ++c)
      image[c * SIZE * SIZE + i] = ((float)pixels[3 * i + c] - 127) / 128;
  return ok;
}

int main(int argc, char **argv) {
  static float image[3 * SIZE * SIZE], logits[CLASSES];
  struct example_options o = example_options(argc, argv);
  if (argc < 2 || !read_photo(argv[1], image)) {
    fprintf(stderr, "usage: classify PHOTO.ppm [--threads N] [--runs N] [--output FILE]; the photo is 224x224\n");
    return 2;
  }

  nnopt_tensor in = {.data = image, .dtype = NNOPT_F32, .rank = 4, .shape = {1, 3, SIZE, SIZE}};
  nnopt_tensor out = {.data = logits};
  nnopt_options options = {.threads = o.threads};
  size_t bytes = 0;
  EXAMPLE_CHECK(efficientnet_lite0_plan(&in, &out, &bytes));
  void *workspace = example_allocate(bytes);
  for (int run = 0; run < o.runs; ++run) {
    double start = example_now();
    EXAMPLE_CHECK(efficientnet_lite0_run(&in, &out, workspace, &options));
    example_time(run, example_now() - start);
  }

  int best = 0;
  for (int i = 1; i < CLASSES; ++i)
    if (logits[i] > logits[best])
      best = i;
  printf("class %d, score %.4f\n", best, logits[best]);
  example_report(&o, logits, sizeof logits, bytes);
  free(workspace);
  return 0;
}
