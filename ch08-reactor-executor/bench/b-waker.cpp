// What a request costs where a waker tells that something has happened, but not to whom, beside
// libuv.

#include <string>
#include <utility>
#include <vector>

#include "count_calls.hpp"
#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "join_all.hpp"
#include "reactor.hpp"
#include "requests.hpp"
#include "rows.hpp"
#include "waker.hpp"

namespace {

#include "join_all_waiting.hpp"
#include "request.hpp"

requests::Done join_all_of_them(const requests::Task& task) {
  requests::Done done;
  std::vector<Box<Unit>> futures;
  for (int i = 0; i != task.count; ++i)
    futures.push_back(box(Request<const Waker&>(task, i, done)));
  Reactor reactor;
  Executor executor;
  executor.block_on(join_all(std::move(futures)));
  return done;
}

// `measure` gets what polls all that wait, which are connected.
template <class Measure>
double cost_of_a_poll(Measure measure) {
  bench::Delayserver server;
  Reactor reactor;
  Waiting waiting(server.address());
  Waker waker(std::make_shared<Parker>());
  for (int i = 0; i != 100; ++i) waiting.poll(waker);
  return measure([&] { waiting.poll(waker); }) / Waiting::count;
}
double time_of_a_poll() {
  return cost_of_a_poll([](auto poll) { return bench::nanoseconds(5000, poll); });
}
double instructions_of_a_poll() {
  return cost_of_a_poll([](auto poll) { return bench::instructions(poll); });
}

}  // namespace

int main() {
  std::vector<bench::Row> rows = requests::rows_of(join_all_of_them);
  requests::add_futex_calls(rows, join_all_of_them);
  requests::add_poll_in_vain(rows, time_of_a_poll, instructions_of_a_poll);
  return bench::run(rows, requests::rounds);
}
