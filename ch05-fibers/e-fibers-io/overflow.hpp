#pragma once
// Says so when a fiber needs more stack than it has.

#include <signal.h>

#include <cstddef>
#include <memory>

// The guard page turns an overflow into SIGSEGV, and a bare "Segmentation fault" is no help. While
// one of these lives, the thread's overflows are reported in a line on standard error; then the
// signal ends the program, as it would have done. What else causes a SIGSEGV meets the handler that
// was there before; after the last of these the process has that one again, and the thread its
// alternative stack.
class OverflowReports {
 public:
  // Tells whether an address belongs to the guard page of the fiber that runs on this thread, and
  // whose it is: a name, or else a null pointer. Called in a signal handler.
  using OwnerOf = const char* (*)(const void* address);

  explicit OverflowReports(OwnerOf owner_of);
  OverflowReports(const OverflowReports&) = delete;
  OverflowReports& operator=(const OverflowReports&) = delete;
  ~OverflowReports();

 private:
  std::unique_ptr<std::byte[]> stack_;
  stack_t before_{};
};
