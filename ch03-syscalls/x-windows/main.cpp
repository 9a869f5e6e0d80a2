// Stage ch03/x-windows: the same line on another system. New: a handle instead of a descriptor, and
// kernel32 instead of libc, with error numbers of its own.

#include <exception>
#include <iostream>

#include "write.hpp"

namespace {

// Without a standard output the handle is one that WriteFile() refuses.
void example() { write_all(::GetStdHandle(STD_OUTPUT_HANDLE), "The kernel wrote this line.\n"); }

}  // namespace

int main() {  // stage::run() is for Linux; this is what it does
  try {
    example();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
  }
  return 1;
}
