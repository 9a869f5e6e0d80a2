// Stage ch10/k: what do the other cores do? New: several workers, who steal from each other; the
// one that finds nothing first waits in the reactor.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "combinators.hpp"
#include "executor.hpp"
#include "http.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

// Keeps its core busy.
Task<std::size_t> compute(std::string name, std::chrono::milliseconds time) {
  narrate::Span span("work", name);
  std::size_t rounds = 0;
  for (auto begin = std::chrono::steady_clock::now();
       std::chrono::steady_clock::now() - begin < time;)
    ++rounds;
  co_return rounds;
}

// A tree of tasks: each makes two of itself, until the leaves compute.
Task<std::size_t> split(std::string name, int depth, std::chrono::milliseconds unit) {
  if (depth == 0) co_return co_await compute(name, unit / 4);
  std::vector<Task<std::size_t>> halves;
  for (const char* half : {"l", "r"}) halves.push_back(split(name + half, depth - 1, unit));
  std::size_t rounds = 0;
  for (std::size_t of_half : co_await when_all(std::move(halves))) rounds += of_half;
  co_return rounds;
}

Task<> async_main(net::Address server, std::chrono::milliseconds unit) {
  JoinHandle<std::string> request = spawn(get(server, "request-0", unit));
  std::size_t rounds = co_await split("task-", 3, unit);
  std::string body = co_await std::move(request);
  narrate::say("result", "main", rounds > 0 ? "8" : "no", " leaves have computed, and ", body);
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  Executor executor(2);
  executor.spawn(async_main(options.server, options.unit));
  executor.run();
}

}  // namespace

int main(int argc, char** argv) { return stage::run(argc, argv, example); }
