// Stage ch08/e: how many threads can poll? New: a dozen executors, each on a thread of its own with
// its own tasks, and still one reactor.

#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "reactor.hpp"
#include "stage/stage.hpp"

namespace {

coroutine Unit request(net::Address server, int i, std::chrono::milliseconds unit) {
  std::string body = wait get(server, "request-" + std::to_string(i), (5 - i % 5) * unit);
  narrate::say("result", "main", body, ": ", body.size(), " bytes");
}

coroutine Unit async_main(net::Address server, int number, std::chrono::milliseconds unit) {
  for (int i = 0; i < 2; ++i) spawn(request(server, 2 * number + i, unit));
}

// Returns how often it has polled.
long run_executor(const stage::Options& options, int number) {
  narrate::name_thread("executor-" + std::to_string(number));
  Executor executor;
  executor.spawn(async_main(options.server, number, options.unit));
  executor.run();
  return executor.polls();
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Reactor reactor;
  std::vector<std::future<long>> executors;
  for (int i = 0; i < 12; ++i)
    executors.push_back(std::async(std::launch::async, run_executor, options, i));
  long polls = 0;
  for (std::future<long>& executor : executors) polls += executor.get();
  narrate::print(std::to_string(polls) + " polls");
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
