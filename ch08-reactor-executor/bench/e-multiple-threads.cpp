// What a request costs where only the task is polled whose waker was called: with one executor,
// beside libuv, which has one thread, too; and with the dozen executors of the stage.

#include <array>
#include <cstddef>
#include <functional>
#include <future>
#include <vector>

#include "count_calls.hpp"
#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "reactor.hpp"
#include "requests.hpp"
#include "rows.hpp"
#include "waker.hpp"

namespace {

#include "request.hpp"

// Some of the requests: `first`, and from there every `step`th one.
requests::Done run_executor(const requests::Task& task, int first, int step) {
  requests::Done done;
  Executor executor;
  for (int i = first; i < task.count; i += step)
    executor.spawn(Request<const Waker&>(task, i, done));
  executor.run();
  return done;
}

requests::Done one_executor(const requests::Task& task) {
  Reactor reactor;
  return run_executor(task, 0, 1);
}

requests::Done a_dozen_executors(const requests::Task& task) {
  constexpr int count = 12;
  Reactor reactor;
  std::array<std::future<requests::Done>, count> executors;
  for (int i = 0; i != count; ++i)
    executors[static_cast<std::size_t>(i)] =
        std::async(std::launch::async, run_executor, std::cref(task), i, count);
  requests::Done all;
  for (std::future<requests::Done>& executor : executors) {
    requests::Done done = executor.get();
    all.polls += done.polls;
    all.answered += done.answered;
  }
  return all;
}

}  // namespace

int main() {
  std::vector<bench::Row> rows =
      requests::rows_of(one_executor, {"12 executors", a_dozen_executors, {requests::cpu_time}});
  requests::add_futex_calls(rows, one_executor);
  requests::add_instructions(rows, one_executor);
  return bench::run(rows, requests::rounds);
}
