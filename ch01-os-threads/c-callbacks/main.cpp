// Stage ch01/c: the same three tasks in a single thread. New: what happens after a wait is a
// callback, and a loop of our own calls it when its time has come.

#include <chrono>

#include "narrate/narrate.hpp"
#include "stage/stage.hpp"
#include "timer_loop.hpp"

using namespace std::chrono_literals;

namespace {

void example() {
  TimerLoop loop;
  narrate::start("task-1", "waits 200 ms");
  loop.after(200ms, [] { narrate::done("task-1", "the longest wait ends last"); });
  narrate::start("task-2", "waits 100 ms");
  loop.after(100ms, [&loop] {
    narrate::done("task-2", "one task can start another ...");
    narrate::start("task-3", "waits 50 ms");
    loop.after(50ms, [] { narrate::done("task-3", "... like this"); });
  });
  narrate::print("all of them wait at the same time");
  loop.run();
}

}  // namespace

int main() { return stage::run(example); }
