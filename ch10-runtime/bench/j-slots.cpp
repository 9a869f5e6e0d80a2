// What a wait costs where its place is looked up in maps, under a lock, and where it is a word; and
// a timer in the wheel beside one of Asio's, which lie in a heap.

#ifdef HAVE_LIBASIO_DEV
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#endif

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/bench.hpp"
#include "ch10_i.hpp"
#include "echo_server.hpp"
#include "executor.hpp"
#include "sleep.hpp"
#include "socket.hpp"
#include "task.hpp"
#include "timer_wheel.hpp"

namespace {

#include "round_trips.hpp"
#include "sleepers.hpp"

using Repeated = std::function<void(int times)>;

// ---- Many timers at once

int timers() { return bench::quick() ? 1000 : 1'000'000; }

// A deadline within a second, for each of them.
std::vector<Tick> deadlines() {
  std::mt19937 random(1);
  std::vector<Tick> all(static_cast<std::size_t>(timers()));
  for (Tick& one : all) one = 1 + random() % 1000;
  return all;
}

// Adds them all, adds and removes as many more, and lets the time of all come.
double wheel() {
  std::vector<Tick> all = deadlines();
  std::vector<Timer> live(all.size()), removed(all.size());
  auto wheel = std::make_unique<TimerWheel>(0);
  double passed = 0;
  double time = bench::nanoseconds(1, [&] {
    for (std::size_t i = 0; i != all.size(); ++i) {
      live[i].deadline = removed[i].deadline = all[i];
      wheel->add(live[i]);
      wheel->add(removed[i]);
      TimerWheel::remove(removed[i]);
    }
    for (Tick now = 0; now <= 1000; ++now) wheel->advance(now, [&](Timer&) { ++passed; });
  });
  if (passed != timers()) throw std::logic_error("some have not passed");
  return time / timers();
}

#ifdef HAVE_LIBASIO_DEV
// The same with Asio. (Its clock is not ours to turn, so the deadlines lie in the future first, and
// the time until they have passed is left out.)
double asio_timers() {
  std::vector<Tick> all = deadlines();
  asio::io_context context(1);
  std::vector<asio::steady_timer> live, removed;
  for (std::size_t i = 0; i != all.size(); ++i) {
    live.emplace_back(context);
    removed.emplace_back(context);
  }
  auto begin = asio::steady_timer::clock_type::now() + std::chrono::seconds(2);
  int passed = 0, cancelled = 0;
  double time = bench::nanoseconds(1, [&] {
    for (std::size_t i = 0; i != all.size(); ++i) {
      live[i].expires_at(begin + std::chrono::milliseconds(all[i]));
      live[i].async_wait([&](std::error_code) { ++passed; });
      removed[i].expires_at(begin + std::chrono::milliseconds(all[i]));
      removed[i].async_wait([&](std::error_code) { ++cancelled; });
      removed[i].cancel();
    }
  });
  std::this_thread::sleep_until(begin + std::chrono::seconds(1));
  time += bench::nanoseconds(1, [&] { context.run(); });
  if (passed != timers() || cancelled != timers()) throw std::logic_error("some are missing");
  return time / timers();
}
const bench::Sample asio_sample = asio_timers;
#else
const bench::Sample asio_sample;
#endif

// ---- Rows

bench::Row counted(const std::string& name, const Repeated& ours, const Repeated& theirs) {
  auto count = [](const Repeated& repeat) -> bench::Sample {
    return [repeat] { return bench::repeated_instructions(repeat); };
  };
  return bench::counted_by_valgrind(
      {name, "instructions", count(ours), bench::Peer{"ch10/i", "", count(theirs)}});
}

template <class RoundTrips>
Repeated with_server(RoundTrips run) {
  return [run](int times) {
    EchoServer server;
    run(server.address(), times);
  };
}

}  // namespace

int main() {
  return bench::run({
      counted("a round trip", with_server(run_round_trips), with_server(ch10_i::round_trips)),
      counted("a sleep", run_sleepers, ch10_i::sleeps),
      {"a timer: added, removed, passed", "ns", wheel,
       bench::Peer{"Asio 1.22", "libasio-dev", asio_sample}, 0.2},
  });
}
