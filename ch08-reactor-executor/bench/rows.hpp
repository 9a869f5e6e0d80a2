#pragma once
// The rows of a stage's bench, each beside libuv where that does the same.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench.hpp"
#include "libuv_requests.hpp"
#include "requests.hpp"

namespace requests {

inline constexpr int rounds = 5;

inline bench::Peer beside_libuv(bench::Sample sample) {
  if (!libuv::is_there) sample = nullptr;
  return {libuv::name, "libuv1-dev", std::move(sample)};
}

// "10,000 in flight: "
inline std::string in_flight(int requests) {
  std::string number = std::to_string(requests);
  return number.insert(number.size() - 3, ",") + " in flight: ";
}

// How many requests are measured: fewer where the system does not allow that many descriptors.
inline std::vector<int> numbers_of_requests() {
  constexpr int besides = 100;  // descriptors of the program's own
  if (bench::raise_descriptor_limit() >= 10'000 + besides) return {1000, 10'000};
  std::fputs(
      "10,000 requests are left out: they need as many descriptors (the command ulimit -Hn says "
      "how many are allowed)\n",
      stderr);
  return {1000};
}

// Another client to compare a stage with, besides libuv, and in what.
struct Other {
  std::string name;
  Client client;
  std::vector<Figure> figures;
};

// What is measured of every stage: with 1,000 requests in flight, and with 10,000.
inline std::vector<bench::Row> rows_of(Client ours, const Other& other = {}) {
  struct What {
    std::string name, unit;
    Figure figure;
  };
  static const What all[] = {{"polls", "a request", polls},
                             {"wake-ups", "a request", wake_ups},
                             {"system calls", "a request", system_calls},
                             {"CPU time", "µs a request", cpu_time}};
  std::vector<bench::Row> rows;
  for (int count : numbers_of_requests()) {
    auto our_runs = std::make_shared<Runs>(ours, count);
    auto libuv_runs = std::make_shared<Runs>(libuv::client, count);
    auto other_runs = std::make_shared<Runs>(other.client, count);
    for (const What& what : all) {
      auto add = [&](std::optional<bench::Peer> peer) {
        rows.push_back({in_flight(count) + what.name, what.unit, sample_of(our_runs, what.figure),
                        std::move(peer)});
      };
      bool compared = std::ranges::find(other.figures, what.figure) != other.figures.end();
      if (what.figure != polls)
        add(beside_libuv(sample_of(libuv_runs, what.figure)));
      else if (!compared)
        add(std::nullopt);  // libuv asks nobody
      if (compared) add(bench::Peer{other.name, "", sample_of(other_runs, what.figure)});
    }
  }
  return rows;
}

// ---- Rows whose figures another program counts. That takes long: in the first round only.

inline bench::Sample once(double (*count)(Client, int), Client client, int requests) {
  return [=, known = std::optional<double>()]() mutable {
    if (!known) known = count(client, requests);
    return *known;
  };
}

// More rows, for stages with several threads. libuv has no locks to wait for.
inline void add_futex_calls(std::vector<bench::Row>& rows, Client ours) {
  for (int count : numbers_of_requests()) {
    bench::Row row{in_flight(count) + "and futex calls", "a request",
                   once(futex_calls, ours, count)};
    row.package = "strace";
#ifndef HAVE_STRACE
    row.ours = {};
#endif
    rows.push_back(std::move(row));
  }
}

// More rows, for stages that ask nobody in vain.
inline void add_instructions(std::vector<bench::Row>& rows, Client ours) {
  for (int count : numbers_of_requests()) {
    bench::Row row{in_flight(count) + "instructions", "a request", once(instructions, ours, count),
                   beside_libuv(once(instructions, libuv::client, count))};
    rows.push_back(bench::counted_by_valgrind(std::move(row)));
  }
}

// One more row, for stages that ask all: what it costs to ask one that cannot go on.
inline void add_poll_in_vain(std::vector<bench::Row>& rows, double (*nanoseconds)(),
                             double (*instructions_of_a_poll)()) {
  rows.push_back({"a poll in vain", "ns", nanoseconds});
  bench::Row row{"a poll in vain", "instructions", instructions_of_a_poll};
  rows.push_back(bench::counted_by_valgrind(std::move(row)));
}

}  // namespace requests
