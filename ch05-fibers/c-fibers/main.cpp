// Stage ch05/c: how do two functions take turns on one thread? New: the registers of the one that
// has to wait are kept, so that it can go on; and a runtime decides whose turn it is.

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

void short_job() { count("short", 2); }
void long_job() { count("long", 4); }

void example() {
  Runtime runtime;
  runtime.spawn(short_job);
  runtime.spawn(long_job);
  runtime.run();
  narrate::print("all have returned");
}

}  // namespace

int main() { return stage::run(example); }
