#pragma once
// What a thread costs in time, and beside it what is cheaper. Each function is one round: it
// returns the time of one, on average.

#include <sched.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "measure.hpp"
#include "net/fd.hpp"
#include "start_thread.hpp"

// noinline: it is really called. The empty assembly is something that the compiler cannot look
// into, so that it does not leave out a call that does nothing.
[[gnu::noinline]] inline void do_nothing() { asm volatile(""); }

inline Nanoseconds function_call() { return time_of_one(100'000, do_nothing); }

// A call into the kernel with hardly any work: it asks for the number of the parent process.
inline Nanoseconds system_call() {
  return time_of_one(10'000, [] { (void)::getppid(); });
}

inline Nanoseconds start_and_join() {
  return time_of_one(20, [] { start_thread(do_nothing).join(); });
}

// While it lives, this thread and those that it starts stay on one CPU: the one that it is on now.
class OneCpu {
 public:
  OneCpu() {
    if (::sched_getaffinity(0, sizeof before_, &before_) == -1)
      throw net::last_error("sched_getaffinity");
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(::sched_getcpu(), &here);
    if (::sched_setaffinity(0, sizeof here, &here) == -1)
      throw net::last_error("sched_setaffinity");
  }
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;
  ~OneCpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

// Two threads take turns. Whoever waits for its turn sleeps.
class Turn {
 public:
  void give_to(int thread) {
    {
      std::lock_guard lock(mutex_);
      whose_ = thread;
    }
    changed_.notify_one();
  }
  void wait_for(int thread) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return whose_ == thread; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int whose_ = 0;
};

// On one CPU the other thread cannot take its turn before this one has left the CPU: there is at
// least one switch for each time that the turn changes. What it takes to wake the other and to fall
// asleep belongs to it: a mutex, a condition variable, and the system calls below them.
inline constexpr int round_trips = 200;
inline Nanoseconds thread_switch() {
  OneCpu one_cpu;
  Turn turn;
  std::jthread other = start_thread([&] {
    for (int i = 0; i != 1 + round_trips; ++i) {
      turn.wait_for(1);
      turn.give_to(0);
    }
  });
  auto there_and_back = [&] {
    turn.give_to(1);
    turn.wait_for(0);
  };
  there_and_back();  // the other thread has started now: that is not what we measure
  return time_of_one(round_trips, there_and_back) / 2;
}
