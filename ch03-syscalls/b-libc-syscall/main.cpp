// Stage ch03/b: the same line, through libc. New: a function that makes the system call for us; its
// errors come in errno.

#include "stage/stage.hpp"
#include "write.hpp"

namespace {

constexpr int standard_output = 1;  // a file descriptor that is open when a program starts

void example() { write_all(standard_output, "The kernel wrote this line.\n"); }

}  // namespace

int main() { return stage::run(example); }
