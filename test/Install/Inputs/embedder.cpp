#include "nnopt/Target/March.h"

#include <cstdio>

int main() {
  llvm::Expected<std::vector<std::string>> isas = nnopt::parseMarch("x86-64-v3", llvm::Triple("x86_64-linux-gnu"));
  return !isas || std::printf("%s\n", isas->front().c_str()) < 0;
}
