// Stage ch05/d: what if a fiber is to know something, to start others, or to fail? New: it runs any
// callable; each stack has a guard page; exceptions stay with their fiber, or come out of run().

#include <memory>
#include <stdexcept>
#include <string>

#include "narrate/narrate.hpp"
#include "runtime.hpp"
#include "stage/stage.hpp"

namespace {

void count(const std::string& what, int steps) {
  for (int i = 1; i <= steps; ++i) {
    narrate::say("step", what, i, " of ", steps);
    if (i < steps) yield();  // the loop, and where it is, stay on this stack
  }
}

// Yields in a catch block: somebody else may throw and catch meanwhile.
void stumble(const std::string& what) {
  try {
    throw std::runtime_error(what + " has stumbled");
  } catch (const std::runtime_error&) {
    yield();
    narrate::say("error", what, "still at hand, and thrown again");
    throw;
  }
}

void example() {
  Runtime runtime;
  for (std::string what : {"first", "second"}) {
    // Only one can own it: a closure that can be moved, but not copied.
    auto steps = std::make_unique<int>(what == "first" ? 3 : 2);
    runtime.spawn([what, steps = std::move(steps)] {
      spawn([what] { stumble("a child of " + what); });
      count(what, *steps);
    });
  }
  for (bool done = false; !done;) {
    try {
      runtime.run();
      done = true;
    } catch (const std::runtime_error& error) {
      narrate::print(std::string("out of run(): ") + error.what());
    }
  }
  narrate::print("all have returned");
}

}  // namespace

int main() { return stage::run(example); }
