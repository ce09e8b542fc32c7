#include "mlp.h"
#include "serial.h"

#include <stdio.h>

int main(void) {
  printf("%s %d, %s %d\n", mlp_info()->name, mlp_info()->input_count, serial_info()->name, serial_info()->threads);
  return 0;
}
