#pragma once
// The reactor: waits for events and for deadlines where its executor has nothing else to do, and
// says which coroutines have waited for them.

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <coroutine>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "poll.hpp"
#include "readiness.hpp"
#include "timer_wheel.hpp"

class Reactor;

using Clock = std::chrono::steady_clock;
inline constexpr Clock::time_point never = Clock::time_point::max();

// What the reactor knows of a source. The kernel gives back its address with each event.
struct Slot {
  Readiness readable;
  Readiness writable;
  std::string name;
  Slot* next_free = nullptr;
};

// Keeps a source registered for as long as it lives, which is within the life of the source and of
// the reactor. Moves with its owner; what it refers to stays where it is.
class [[nodiscard]] Registration {
 public:
  Registration() = default;  // of nothing
  Registration(Registration&& other) noexcept
      : reactor_(std::exchange(other.reactor_, nullptr)),
        source_(other.source_),
        slot_(other.slot_) {}
  Registration& operator=(Registration other) noexcept {
    std::swap(reactor_, other.reactor_);
    std::swap(source_, other.source_);
    std::swap(slot_, other.slot_);
    return *this;
  }
  inline ~Registration();

  // One coroutine may wait for each of the two.
  [[nodiscard]] Readiness& readable() const noexcept { return slot_->readable; }
  [[nodiscard]] Readiness& writable() const noexcept { return slot_->writable; }

 private:
  friend Reactor;
  Registration(Reactor& reactor, int source, Slot& slot)
      : reactor_(&reactor), source_(source), slot_(&slot) {}

  Reactor* reactor_ = nullptr;
  int source_ = -1;
  Slot* slot_ = nullptr;
};

// An executor has one, and its thread calls every function but interrupt(), which any thread may
// call.
class Reactor {
 public:
  Reactor() { poll_.add(interrupt_, nullptr); }
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Sleeps until something has happened to a source, until a deadline has passed, or until it is
  // interrupted. Returns those who have waited for that, until it is asked again: they are next.
  std::span<const std::coroutine_handle<>> wait() { return poll(until_the_first_deadline()); }
  // The same, but does not sleep.
  std::span<const std::coroutine_handle<>> look() { return poll(std::chrono::milliseconds(0)); }
  // Ends wait(), or the next one. (Edge-triggered: each write is an event, and nobody has to read
  // what was written.)
  void interrupt() { ::eventfd_write(interrupt_.get(), 1); }

  // From now on the source is watched.
  Registration add(const net::Fd& source, std::string_view name) {
    Slot& slot = take_slot();
    narrate::say("register", name, "as ", slot.name);
    try {
      poll_.add(source, &slot);
    } catch (...) {
      give_back(slot);
      throw;
    }
    return {*this, source.get(), slot};
  }

  // From now on its readiness is set when the deadline has passed.
  void add(Timer& timer) {
    if (timer.deadline != TimerWheel::never) timers_.add(timer);
  }
  // Whether it has been added or not, and passed or not.
  void remove(Timer& timer) { timers_.remove(timer); }

  // Rounded up: rounded down it would wake too early, and again and again until the time has come.
  static Tick tick(Clock::time_point time) {
    if (time == never) return TimerWheel::never;
    auto since = std::chrono::ceil<std::chrono::milliseconds>(time.time_since_epoch());
    return static_cast<Tick>(std::max<std::chrono::milliseconds::rep>(since.count(), 0));
  }

 private:
  friend Registration;

  std::span<const std::coroutine_handle<>> poll(std::chrono::milliseconds limit) {
    next_.clear();
    for (const epoll_event& event : poll_.wait(limit)) deliver(event);
    timers_.advance(now(), [this](Timer& timer) {
      std::coroutine_handle<> waiting = timer.readiness->set();
      if (waiting == nullptr) return;  // something else was faster
      narrate::say("time", "timer", "who waits for it is next");
      timer.passed = true;
      next_.push_back(waiting);
    });
    return next_;
  }

  void deliver(const epoll_event& event) {
    if (event.data.ptr == nullptr) return;  // interrupt()
    Slot& slot = *static_cast<Slot*>(event.data.ptr);
    // An end stays, whatever else comes: a part of a stream that is read to its end raises no
    // event.
    bool broken = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
    if (broken || (event.events & EPOLLRDHUP) != 0)
      wake(slot, slot.readable.close());
    else if ((event.events & EPOLLIN) != 0)
      wake(slot, slot.readable.set());
    if (broken)
      wake(slot, slot.writable.close());
    else if ((event.events & EPOLLOUT) != 0)
      wake(slot, slot.writable.set());
  }
  void wake(const Slot& slot, std::coroutine_handle<> waiting) {
    narrate::say("ready", slot.name,
                 waiting ? "who waits for it is next" : "nobody waits for it yet");
    if (waiting) next_.push_back(waiting);
  }

  // What has begun counts for nothing: see tick().
  static Tick now() {
    auto since = Clock::now().time_since_epoch();
    return static_cast<Tick>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }
  std::chrono::milliseconds until_the_first_deadline() {
    Tick next = timers_.next(), present = now();
    if (next == TimerWheel::never) return std::chrono::milliseconds(-1);
    return std::chrono::milliseconds(next <= present ? 0 : std::min<Tick>(next - present, INT_MAX));
  }

  Slot& take_slot() {
    if (free_ == nullptr) {
      free_ = &slots_.emplace_back();
      free_->name = "slot-" + std::to_string(slots_.size());
    }
    Slot& slot = *std::exchange(free_, free_->next_free);
    slot.readable.reset();
    slot.writable.reset();
    return slot;
  }
  void give_back(Slot& slot) noexcept { slot.next_free = std::exchange(free_, &slot); }
  void remove(int descriptor, Slot& slot) {
    poll_.remove(descriptor);
    give_back(slot);
  }

  Poll poll_;
  net::Fd interrupt_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  std::deque<Slot> slots_;  // they never move
  Slot* free_ = nullptr;
  TimerWheel timers_{now()};
  std::vector<std::coroutine_handle<>> next_;
};

inline Registration::~Registration() {
  if (reactor_ != nullptr) reactor_->remove(source_, *slot_);
}
