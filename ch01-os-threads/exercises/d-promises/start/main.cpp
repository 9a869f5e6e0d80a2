// Stage ch01/d: the same three tasks on the same loop. New: a wait returns a promise, and what
// comes after it is chained to that, one step below the other.

#include <chrono>

#include "narrate/narrate.hpp"
#include "promise.hpp"
#include "stage/stage.hpp"
#include "timer_loop.hpp"

using namespace std::chrono_literals;

namespace {

// Makes a promise of a callback.
[[nodiscard]] Promise<Unit> sleep(TimerLoop& loop, std::chrono::milliseconds delay) {
  auto [promise, resolver] = make_promise<Unit>(loop);
  loop.after(delay, [resolver] { resolver.resolve({}); });
  return promise;
}

void example() {
  TimerLoop loop;
  narrate::start("task-1", "waits 200 ms");
  sleep(loop, 200ms).then([] { narrate::done("task-1", "the longest wait ends last"); });
  narrate::start("task-2", "waits 100 ms");
  sleep(loop, 100ms)
      .then([&loop] {
        narrate::done("task-2", "one task can start another ...");
        narrate::start("task-3", "waits 50 ms");
        return sleep(loop, 50ms);
      })
      .then([] { narrate::done("task-3", "... like this"); });
  narrate::print("all of them wait at the same time");
  loop.run();
}

}  // namespace

int main() { return stage::run(example); }
