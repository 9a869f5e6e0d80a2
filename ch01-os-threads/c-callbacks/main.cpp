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
  narrate::start("toast", "browns for 180 ms");
  loop.after(180ms, [] { narrate::done("toast", "jumps out"); });
  narrate::start("kettle", "heats for 70 ms");
  loop.after(70ms, [&loop] {
    narrate::done("kettle", "whistles");
    narrate::start("tea", "draws for 60 ms");
    loop.after(60ms, [] { narrate::done("tea", "is strong enough"); });
  });
  narrate::print("breakfast is on its way");
  loop.run();
}

}  // namespace

int main() { return stage::run(example); }
