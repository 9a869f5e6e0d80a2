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

#define ReadyQueue FirstInFirstOut
#include "ready_queue.hpp"
#undef ReadyQueue

// In place of the stage's: the same, and a case may do something before one is pushed, or before
// the executor parks.
class ReadyQueue : public FirstInFirstOut {
 public:
  // As long as it lives it hears of all queues. Made before those who push, and destroyed after.
  struct Watch {
    Watch() { watch_ = this; }
    Watch(const Watch&) = delete;
    ~Watch() { watch_ = nullptr; }
    std::function<void(ReadyQueue&)> before_push, before_park;
  };

  ReadyQueue() { ++alive; }
  ~ReadyQueue() { --alive; }
  static inline std::atomic<int> alive = 0;

  void push(std::coroutine_handle<> handle) {
    if (watch_ != nullptr && watch_->before_push) watch_->before_push(*this);
    pushed_ = true;
    FirstInFirstOut::push(handle);
  }
  void wait() {
    if (watch_ != nullptr && watch_->before_park) watch_->before_park(*this);
    pushed_ = false;
    FirstInFirstOut::wait();
  }
  // Whether nothing has been pushed since the last wait(). (Where one thread does all.)
  [[nodiscard]] bool would_sleep() const { return !pushed_; }

 private:
  static inline Watch* watch_ = nullptr;
  std::atomic<bool> pushed_ = false;
};

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
