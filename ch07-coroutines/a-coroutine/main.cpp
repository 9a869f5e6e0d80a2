// Stage ch07/a: how can a function wait twice, if it may not block and has no stack to stay on?
// New: futures, which are asked to go on, and a function that was cut by hand where it waits.

#include <string>
#include <thread>

#include "narrate/narrate.hpp"
#include "stage/stage.hpp"
#include "two_requests.hpp"

namespace {

void example(const stage::Options& options) {
  TwoRequests future = two_requests(options.server, options.unit);
  narrate::print("two_requests() has returned, and nothing was sent yet");

  int polls = 1;
  PollState<std::string> result = future.poll();
  while (!result) {
    narrate::say("work", "main", "not ready: time for other things");
    std::this_thread::sleep_for(options.unit * 3 / 4);
    ++polls;
    result = future.poll();
  }
  narrate::print("the result after " + std::to_string(polls) + " polls: " + *result);
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
