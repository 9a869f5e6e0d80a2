// Stage ch05/x-windows: what is different on another system, on the same CPU? New: Windows' calling
// convention, with more registers to keep and shadow space on the stack; and each thread's record
// of where its stack is. And the same with the fibers that Windows has of its own.

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "narrate.hpp"
#include "native.hpp"
#include "runtime.hpp"

namespace {

void count(const std::string& what, int steps, void (*give_way)()) {
  for (int i = 1; i <= steps; ++i) {
    narrate::say("step", what, i, " of ", steps);
    if (i < steps) give_way();  // the loop, and where it is, stay on this stack
  }
}

void short_job() noexcept { count("short", 2, yield); }
void long_job() noexcept { count("long", 4, yield); }

void example() {
  Runtime runtime;
  runtime.spawn(short_job);
  runtime.spawn(long_job);
  runtime.run();
  narrate::print("all have returned");
}

void same_with_windows_fibers() {
  native::Runtime runtime;
  runtime.spawn([] { count("short", 2, native::yield); });
  runtime.spawn([] { count("long", 4, native::yield); });
  runtime.run();
  narrate::print("all have returned, from Windows' fibers, too");
}

// For an exception that leaves a fiber, too: there is nobody above it to catch it.
[[noreturn]] void end_with_a_line() {
  try {
    if (std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    std::_Exit(1);
  } catch (...) {
  }
  std::abort();
}

}  // namespace

int main() {  // stage::run() is for Linux; this is what it does
  std::set_terminate(end_with_a_line);
  example();
  same_with_windows_fibers();
}
