// Stage ch01/a: three tasks that wait, one of them started by another. New: each task is a thread
// of the operating system, and waits by sleeping in it.

#include <chrono>
#include <thread>

#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

using namespace std::chrono_literals;

namespace {

void example() {
  narrate::start("toast", "browns for 180 ms");
  std::jthread toast([] {
    std::this_thread::sleep_for(180ms);
    narrate::done("toast", "jumps out");
  });
  narrate::start("kettle", "heats for 70 ms");
  std::jthread kettle([] {
    std::this_thread::sleep_for(70ms);
    narrate::done("kettle", "whistles");
    narrate::start("tea", "draws for 60 ms");
    std::jthread tea([] {
      std::this_thread::sleep_for(60ms);
      narrate::done("tea", "is strong enough");
    });
  });
  narrate::print("breakfast is on its way");
}  // the destructor of a std::jthread waits until its thread has ended

}  // namespace

int main() { return stage::run(example); }
