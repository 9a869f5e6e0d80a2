#pragma once
// What the benches of this chapter measure: many requests in flight at once, and what one of them
// costs the client. The server has a process of its own, which counts nowhere. It answers the first
// one when all are on their way (it has seen that many at the same time), and the others within a
// second, at equal distances: of 1,000 one each millisecond, of 10,000 ten.

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "bench/bench.hpp"
#include "bench/delayserver.hpp"
#include "net/address.hpp"
#include "net/fd.hpp"

namespace requests {

using std::chrono::milliseconds;

// What a client is to do: GET /{delay(i)}/{name(i)}, for each i below `count`, all at once.
struct Task {
  net::Address server;
  milliseconds first_answer, last_answer;
  int count;

  [[nodiscard]] static std::string name(int i) { return "request-" + std::to_string(i); }
  // They are not answered in the order in which they were made: each place in the order of answers
  // is given once, because no count of ours has this prime number in it.
  [[nodiscard]] milliseconds delay(int i) const {
    constexpr int step = 7919;
    return first_answer + (last_answer - first_answer) * (i * step % count) / count;
  }
};

// What a client comes back with.
struct Done {
  long polls = 0;    // of all requests: how often one was asked how far it is
  int answered = 0;  // right
};
using Client = Done (*)(const Task&);

inline Done run(Client client, const Task& task) {
  Done done = client(task);
  if (done.answered != task.count) throw std::runtime_error("a request had a wrong answer");
  return done;
}

// ---- All of them in flight

// How long it may take to send them all. Chosen by the program that has another one counted, too.
inline constexpr const char* delay_variable = "COURSE_BENCH_DELAY";

inline Task task_for(const bench::Delayserver& server, int requests) {
  const char* delay = std::getenv(delay_variable);
  if (delay == nullptr) throw std::logic_error("nobody has chosen a delay");
  milliseconds first(std::stol(delay)), all(bench::quick() ? 50 : 1000);
  return {server.address(), first, first + all, bench::quick() ? requests / 200 : requests};
}

// A sample: what `measure` says of a server on which all requests were in flight at once. Where
// they were not, it is measured again with a longer delay, which stays.
inline double in_flight(int requests, milliseconds& delay,
                        const std::function<double(const Task&)>& measure) {
  if (std::getenv(delay_variable) != nullptr)
    return measure(task_for(bench::Delayserver(), requests));
  if (bench::quick()) delay = milliseconds(50);
  for (int attempts = 0; attempts != 5; ++attempts, delay *= 2) {
    bench::Delayserver server;
    ::setenv(delay_variable, std::to_string(delay.count()).c_str(), 1);
    std::optional<double> measured;
    try {
      measured = measure(task_for(server, requests));
    } catch (const std::system_error& error) {
      // The kernel keeps 4096 connections for a server that has not accepted them yet. It puts off
      // what is more, and once in a while gives one up.
      if (error.code() != std::errc::connection_reset) throw;
    }
    ::unsetenv(delay_variable);
    if (!measured) continue;
    if (bench::quick() || server.peak_in_flight() == static_cast<std::uint64_t>(requests))
      return *measured;
  }
  throw std::runtime_error("this machine is too slow to have " + std::to_string(requests) +
                           " requests in flight");
}

// ---- What is measured while they run as usual

inline std::atomic<long> calls_so_far = 0;  // see count_calls.hpp

enum Figure : std::size_t { polls, wake_ups, system_calls, cpu_time, figure_count };

// Runs of a client, each of which gives one sample of every figure. The rows that show them take
// one each in turn, and whoever comes first has the client run.
class Runs {
 public:
  Runs(Client client, int requests)
      : client_(client), requests_(requests), delay_(requests < 10'000 ? 150 : 800) {}

  // Of that run; they count from 1.
  double sample(Figure figure, int run_number) {
    for (; runs_ < run_number; ++runs_)
      in_flight(requests_, delay_, [this](const Task& task) {
        run_once(task);
        return 0;
      });
    return figures_.at(figure);
  }

 private:
  void run_once(const Task& task) {
    double sleeps = sleeps_so_far(), time = cpu_time_so_far();
    long calls = calls_so_far;
    Done done = run(client_, task);
    calls = calls_so_far - calls;
    time = cpu_time_so_far() - time;
    sleeps = sleeps_so_far() - sleeps;
    double count = task.count;
    figures_[polls] = static_cast<double>(done.polls) / count;
    figures_[wake_ups] = sleeps / count;
    figures_[system_calls] = static_cast<double>(calls) / count;
    figures_[cpu_time] = time / count;
  }

  // How often a thread of ours has given up its CPU of its own accord: to sleep.
  static double sleeps_so_far() {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == -1) throw net::last_error("getrusage");
    return static_cast<double>(usage.ru_nvcsw);
  }
  // Of all threads, in microseconds: our own code, and the kernel's for us.
  static double cpu_time_so_far() {
    timespec time{};
    if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == -1)
      throw net::last_error("clock_gettime");
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  }

  Client client_;
  int requests_;
  milliseconds delay_;
  int runs_ = 0;
  std::array<double, figure_count> figures_{};  // of the last one
};

inline bench::Sample sample_of(std::shared_ptr<Runs> runs, Figure figure) {
  return [runs = std::move(runs), figure, run_number = 0]() mutable {
    return runs->sample(figure, ++run_number);
  };
}

// ---- What other programs count, which slows this one down

inline double futex_calls(Client client, int requests) {
  milliseconds delay(requests < 10'000 ? 300 : 1200);
  return in_flight(requests, delay, [client](const Task& task) {
    return bench::system_calls_of_one("futex", [&] { run(client, task); }) / task.count;
  });
}

// Only for a client that does the same whether the events come one by one or in heaps.
inline double instructions(Client client, int requests) {
  milliseconds delay(requests < 10'000 ? 600 : 4000);
  return in_flight(requests, delay, [client](const Task& task) {
    return bench::instructions_of_one([&] { run(client, task); }) / task.count;
  });
}

}  // namespace requests
