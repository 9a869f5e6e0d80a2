// Stage ch07/x-cpp-coroutine: we have cut a function by hand. What does the compiler make of it?
// New: the same function with co_await, and a Task, which makes a future of what the compiler made.

#include <iomanip>
#include <sstream>
#include <string>
#include <thread>

#include "co_two_requests.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"
#include "two_requests.hpp"

namespace {

struct Run {
  std::string result;
  int polls = 0;
};

// Asks until there is a result.
Run complete(Future<std::string>& future, std::chrono::milliseconds pause) {
  Run run;
  while (true) {
    ++run.polls;
    if (PollState<std::string> result = future.poll()) {
      run.result = *result;
      return run;
    }
    std::this_thread::sleep_for(pause);
  }
}

template <class Value>
void print_row(const std::string& what, const Value& by_hand, const Value& by_compiler) {
  std::ostringstream row;
  row << "  " << std::left << std::setw(14) << what << std::setw(12) << by_hand << by_compiler;
  narrate::print(row.str());
}

void example(const stage::Options& options) {
  narrate::print("cut by hand:");
  TwoRequests machine = two_requests(options.server, options.unit);
  Run by_hand = complete(machine, options.unit / 4);

  narrate::print("cut by the compiler:");
  Run by_compiler;
  {
    Task<std::string> task = co_two_requests(options.server, options.unit);
    narrate::print("co_two_requests() has returned");
    by_compiler = complete(task, options.unit / 4);
  }

  narrate::print("side by side:");
  print_row<std::string>("", "by hand", "by the compiler");
  print_row("result", by_hand.result, by_compiler.result);
  print_row("polls", by_hand.polls, by_compiler.polls);
  print_row<std::string>("places", "4 states", std::to_string(NarratedFrame::stops) + " stops");
  print_row<std::string>("bytes", std::to_string(sizeof(TwoRequests)),
                         std::to_string(NarratedFrame::bytes) + ", and " +
                             std::to_string(sizeof(Task<std::string>)) + " for the Task");
  print_row<std::size_t>("allocations", 0, NarratedFrame::allocations);
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
