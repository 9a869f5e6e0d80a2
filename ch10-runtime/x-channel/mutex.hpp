#pragma once
// A lock that may be held across a co_await.

#include <utility>

#include "channel.hpp"
#include "task.hpp"

// A channel with one value in it: whoever has received it has the lock, and posts it at the end. So
// whoever has waited longest is next, on whichever worker. It must outlive its guards.
class Mutex {
 public:
  Mutex() { free_.post(Unlocked()); }

  // Unlocks at the end of its life, on any worker.
  class [[nodiscard]] Guard {
   public:
    explicit Guard(Mutex& mutex) : mutex_(&mutex) {}
    Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard other) noexcept {
      std::swap(mutex_, other.mutex_);
      return *this;
    }
    ~Guard() {
      if (mutex_ != nullptr) mutex_->free_.post(Unlocked());
    }

   private:
    Mutex* mutex_;
  };

  // `Mutex::Guard guard = co_await mutex.lock()`. Throws Cancelled.
  Task<Guard> lock() {
    co_await free_.receive();
    co_return Guard(*this);
  }

 private:
  struct Unlocked {};
  Channel<Unlocked> free_;
};
