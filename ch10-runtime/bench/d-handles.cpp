// What a wake costs, from the queue to the coroutine that waits: here, and where it is asked. And
// what it costs to await a task, beside symmetric transfer.

#include <coroutine>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/bench.hpp"
#include "executor.hpp"
#include "polled.hpp"
#include "symmetric.hpp"
#include "task.hpp"

namespace {

// ---- A wake

// Stops, and is in the queue by then.
struct Soon {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const {
    Executor::current().ready().push(handle);
  }
  void await_resume() const noexcept {}
};

Task<> row(int depth, int times) {
  if (depth > 1) {
    co_await row(depth - 1, times);
  } else {
    for (int i = 0; i != times; ++i) co_await Soon();
  }
}

void wait_in_a_row(int depth, int times) {
  Executor executor;
  executor.spawn(row(depth, times));
  executor.run();
}

// ---- A task that is awaited, and ends at once

Task<int> one() { co_return 1; }
symmetric::Task one_symmetrically() { co_return 1; }

Task<int> await_all(int times) {
  int sum = 0;
  for (int i = 0; i != times; ++i) sum += co_await one();
  co_return sum;
}
symmetric::Task await_all_symmetrically(int times) {
  int sum = 0;
  for (int i = 0; i != times; ++i) sum += co_await one_symmetrically();
  co_return sum;
}

void check(int sum, int times) {
  if (sum != times) throw std::logic_error("some were not awaited");
}
void await_many(int times) {
  Task<int> all = await_all(times);
  run(all.handle());
  check(all.handle().promise().result(), times);
}
void await_many_symmetrically(int times) {
  symmetric::Task all = await_all_symmetrically(times);
  all.handle().resume();
  check(all.handle().promise().value, times);
}

// ---- Samples and rows

// Does something so many times.
using Repeated = std::function<void(int times)>;

bench::Sample time_of(const Repeated& repeat) {
  return [repeat] {
    int times = bench::quick() ? 100 : 200'000;
    return bench::nanoseconds(1, [&] { repeat(times); }) / times;
  };
}
bench::Sample instructions_of(const Repeated& repeat) {
  return [repeat] { return bench::repeated_instructions(repeat); };
}

void add(std::vector<bench::Row>& rows, const std::string& name, const Repeated& ours,
         const std::string& peer, const Repeated& theirs) {
  rows.push_back({name, "ns", time_of(ours), bench::Peer{peer, "", time_of(theirs)}});
  rows.push_back(bench::counted_by_valgrind({name, "instructions", instructions_of(ours),
                                             bench::Peer{peer, "", instructions_of(theirs)}}));
}

}  // namespace

int main() {
  std::vector<bench::Row> rows;
  for (int depth : {1, 3, 30}) {
    auto deep = [depth](void (*wait)(int, int)) {
      return [wait, depth](int times) { wait(depth, times); };
    };
    std::string name = "a wake, " + std::to_string(depth) + " deep";
    add(rows, name, deep(wait_in_a_row), "ch10/a", deep(ch10_a::wait_in_a_row));
    add(rows, name, deep(wait_in_a_row), "ch10/c", deep(ch10_c::wait_in_a_row));
  }
  add(rows, "a task awaited", await_many, "symmetric", await_many_symmetrically);
  return bench::run(rows);
}
