// Stage ch03/c: the same line, through the standard library. New: no descriptor, no count and no
// error number is left to be seen; whether it worked, we have to ask.

#include <iostream>
#include <stdexcept>

#include "stage/stage.hpp"

namespace {

void example() {
  std::cout << "The kernel wrote this line.\n";  // into a buffer, unless that is a terminal's
  std::cout.flush();                             // what is in the buffer goes to the kernel
  if (!std::cout) throw std::runtime_error("std::cout cannot write, and does not say why");
}

}  // namespace

int main() { return stage::run(example); }
