// What it costs to hand over from thread to thread: round trips over 20 connections, where the
// reactor has a thread of its own, and where it has none.

#include <sys/resource.h>

#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/bench.hpp"
#include "ch10_h.hpp"
#include "echo_server.hpp"
#include "executor.hpp"
#include "socket.hpp"
#include "task.hpp"

namespace {

#include "round_trips.hpp"

using RoundTrips = std::function<void(const net::Address& server, int times)>;

int times() { return bench::quick() ? 40 : 20'000; }

bench::Sample time_of(const RoundTrips& run) {
  return [run] {
    EchoServer server;
    return bench::nanoseconds(1, [&] { run(server.address(), times()); }) / times() / 1000;
  };
}
// How often a thread has given up its CPU of its own accord.
bench::Sample sleeps_of(const RoundTrips& run) {
  return [run] {
    EchoServer server;
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    run(server.address(), times());
    ::getrusage(RUSAGE_SELF, &after);
    return static_cast<double>(after.ru_nvcsw - before.ru_nvcsw) / times();
  };
}

}  // namespace

int main() {
  return bench::run({
      {"a round trip", "µs", time_of(run_round_trips),
       bench::Peer{"ch10/h", "", time_of(ch10_h::round_trips)}},
      {"a round trip", "sleeps", sleeps_of(run_round_trips),
       bench::Peer{"ch10/h", "", sleeps_of(ch10_h::round_trips)}},
  });
}
