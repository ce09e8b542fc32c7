/* Two models in one program, and their headers in one file. */
#include "mlp.h"

#include "other.h"

#include <stdio.h>
#include <string.h>

int main(void) {
  printf("%s %s\n", mlp_info()->name, other_info()->name);
  return mlp_info() == other_info();
}
