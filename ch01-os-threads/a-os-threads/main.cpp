// Stage ch01/a: three tasks that wait, one of them started by another. New: each task is a thread
// of the operating system, and waits by sleeping in it.

#include <chrono>
#include <thread>

#include "narrate/narrate.hpp"
#include "stage/stage.hpp"

using namespace std::chrono_literals;

namespace {

void example() {
  narrate::start("task-1", "waits 200 ms");
  std::jthread task_1([] {
    std::this_thread::sleep_for(200ms);
    narrate::done("task-1", "the longest wait ends last");
  });
  narrate::start("task-2", "waits 100 ms");
  std::jthread task_2([] {
    std::this_thread::sleep_for(100ms);
    narrate::done("task-2", "one task can start another ...");
    narrate::start("task-3", "waits 50 ms");
    std::jthread task_3([] {
      std::this_thread::sleep_for(50ms);
      narrate::done("task-3", "... like this");
    });
  });
  narrate::print("all of them wait at the same time");
}  // the destructor of a std::jthread waits until its thread has ended

}  // namespace

int main() { return stage::run(example); }
