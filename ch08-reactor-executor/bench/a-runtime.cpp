// What a request costs where the thread sleeps, and asks all whenever something has happened:
// beside libuv, and beside stage c of chapter 7, which never sleeps.

#include <string>
#include <utility>
#include <vector>

#include "ch07_c.hpp"
#include "count_calls.hpp"
#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "requests.hpp"
#include "rows.hpp"
#include "runtime.hpp"

namespace {

#include "join_all_waiting.hpp"
#include "request.hpp"

requests::Done join_all_of_them(const requests::Task& task) {
  requests::Done done;
  std::vector<Box<Unit>> futures;
  for (int i = 0; i != task.count; ++i) futures.push_back(box(Request<>(task, i, done)));
  Runtime runtime;
  runtime.block_on(join_all(std::move(futures)));
  return done;
}

// `measure` gets what polls all that wait, which are connected.
template <class Measure>
double cost_of_a_poll(Measure measure) {
  bench::Delayserver server;
  Runtime runtime;
  Waiting waiting(server.address());
  for (int i = 0; i != 100; ++i) waiting.poll();
  return measure([&] { waiting.poll(); }) / Waiting::count;
}
double time_of_a_poll() {
  return cost_of_a_poll([](auto poll) { return bench::nanoseconds(5000, poll); });
}
double instructions_of_a_poll() {
  return cost_of_a_poll([](auto poll) { return bench::instructions(poll); });
}

}  // namespace

int main() {
  std::vector<bench::Row> rows = requests::rows_of(
      join_all_of_them, {"ch07/c",
                         ch07_c::join_all_of_them,
                         {requests::polls, requests::system_calls, requests::cpu_time}});
  requests::add_poll_in_vain(rows, time_of_a_poll, instructions_of_a_poll);
  return bench::run(rows, requests::rounds);
}
