#pragma once
// The stage's queue and the reactor's locks, with somebody who looks on. To be included before
// everything else of the stage.

#include <atomic>
#include <barrier>
#include <condition_variable>
#include <coroutine>
#include <functional>
#include <future>
#include <latch>
#include <memory_resource>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <stop_token>
#include <syncstream>
#include <thread>
#include <utility>

#include "watched_queue.hpp"

namespace watched {

// While it lives, and once: does something on this thread, at the nth of those moments at which
// the thread is about to lock a mutex of the reactor's, or has unlocked one, and holds none.
class Between {
 public:
  Between(int nth, std::function<void()> action) : left_(nth), action_(std::move(action)) {
    current_ = this;
  }
  Between(const Between&) = delete;
  ~Between() { current_ = nullptr; }

  static void moment() {
    if (held == 0 && current_ != nullptr && --current_->left_ == 0)
      std::exchange(current_, nullptr)->action_();
  }
  static inline thread_local int held = 0;

 private:
  static inline thread_local Between* current_ = nullptr;
  int left_;
  std::function<void()> action_;
};

}  // namespace watched

// The macro `mutex` makes std::watched_mutex of std::mutex, so it has to be found there.
namespace std {

class watched_mutex : public mutex {
 public:
  void lock() {
    watched::Between::moment();
    mutex::lock();
    ++watched::Between::held;
  }
  bool try_lock() {
    watched::Between::moment();
    if (!mutex::try_lock()) return false;
    ++watched::Between::held;
    return true;
  }
  void unlock() {
    --watched::Between::held;
    mutex::unlock();
    watched::Between::moment();
  }
};

}  // namespace std

// What else the reactor includes is ours, and has ordinary ones.
#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "poll.hpp"

#define mutex watched_mutex
#define condition_variable condition_variable_any
#include "reactor.hpp"
#undef condition_variable
#undef mutex
