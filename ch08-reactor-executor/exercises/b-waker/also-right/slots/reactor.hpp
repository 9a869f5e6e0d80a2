#pragma once
// The reactor: waits for events on a thread of its own, and calls the wakers of those concerned.

#include <sys/eventfd.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "poll.hpp"
#include "waker.hpp"

class Reactor;

// Keeps a source registered for as long as it lives, which is within the life of the source and of
// the reactor. Moves with its owner.
class [[nodiscard]] Registration {
 public:
  Registration() = default;  // of nothing
  Registration(Registration&& other) noexcept
      : reactor_(std::exchange(other.reactor_, nullptr)),
        source_(other.source_),
        token_(other.token_) {}
  Registration& operator=(Registration other) noexcept {
    std::swap(reactor_, other.reactor_);
    std::swap(source_, other.source_);
    std::swap(token_, other.token_);
    return *this;
  }
  inline ~Registration();

  // Whom to wake when something happens to the source; the last one counts. It has to come before
  // the source is looked at: what happens after that look is then told to the right one.
  inline void set_waker(const Waker& waker);

 private:
  friend Reactor;
  Registration(Reactor& reactor, int source, Token token)
      : reactor_(&reactor), source_(source), token_(token) {}

  Reactor* reactor_ = nullptr;
  int source_ = -1;
  Token token_ = 0;
};

// A process has one at a time, which leaf futures find by themselves. Its thread begins and ends
// with it. Every other function may be called on any thread.
class Reactor {
 public:
  Reactor() {
    if (Reactor* none = nullptr; !current_.compare_exchange_strong(none, this))
      throw std::logic_error("there is a reactor already");
    try {
      poll_.add(stop_, stop_token);
      thread_ = std::jthread([this] { run(); });
    } catch (...) {
      current_ = nullptr;
      throw;
    }
  }
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor() {
    stopping_ = true;
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
    current_ = nullptr;
  }

  // Throws std::logic_error if there is none.
  static Reactor& current() {
    Reactor* reactor = current_;
    if (reactor == nullptr) throw std::logic_error("there is no reactor");
    return *reactor;
  }

  // From now on the source is watched. Nobody is told before Registration::set_waker().
  Registration add(const net::Fd& source, std::string_view name) {
    Token token = take_slot();
    narrate::say("register", name, "as token-", token);
    try {
      poll_.add(source, token);
    } catch (...) {
      free_slot(token);
      throw;
    }
    return {*this, source.get(), token};
  }

 private:
  friend Registration;
  static constexpr Token stop_token = ~Token{0};

  // A place for a source, which another one may get afterwards. A token has its index in the lower
  // half, and in the upper half how many have had the place before: so it is never used twice.
  struct Slot {
    Token generation = 0;
    bool had_event = false;  // while there was no waker
    std::optional<Waker> waker;
  };
  static constexpr Token half = Token{1} << 32;

  Slot* find(Token token) {
    Slot& slot = slots_[token % half];
    return slot.generation == token / half ? &slot : nullptr;
  }
  Token take_slot() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) {
      free_.push_back(slots_.size());
      slots_.emplace_back();
    }
    std::size_t index = free_.back();
    free_.pop_back();
    return slots_[index].generation * half + index;
  }
  void free_slot(Token token) {
    std::lock_guard lock(mutex_);
    Slot& slot = *find(token);
    slot = Slot{slot.generation + 1, false, std::nullopt};
    free_.push_back(token % half);
  }

  void set_waker(Token token, const Waker& waker) {
    narrate::say("store", "token-" + std::to_string(token), "its waker");
    bool too_late = false;
    {
      std::lock_guard lock(mutex_);
      Slot& slot = *find(token);
      slot.waker = waker;
      too_late = std::exchange(slot.had_event, false);
    }
    if (too_late) waker.wake();
  }
  void remove(int source, Token token) {
    poll_.remove(source);
    free_slot(token);
  }

  void run() {
    narrate::name_thread("reactor");
    for (std::vector<Waker> wakers;; wakers.clear()) {
      std::vector<Token> ready = poll_.wait();
      if (stopping_) return;
      {
        std::lock_guard lock(mutex_);
        for (Token token : ready) {
          if (token == stop_token) continue;  // it is writable, and nobody has asked for that
          Slot* slot = find(token);
          if (slot != nullptr && slot->waker) wakers.push_back(*slot->waker);
          if (slot != nullptr && !slot->waker) slot->had_event = true;
        }
      }
      for (const Waker& waker : wakers) waker.wake();
    }
  }

  static inline std::atomic<Reactor*> current_ = nullptr;
  Poll poll_;
  net::Fd stop_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::deque<Slot> slots_;
  std::vector<std::size_t> free_;  // the indices of slots that nobody has
  std::jthread thread_;
};

inline Registration::~Registration() {
  if (reactor_ != nullptr) reactor_->remove(source_, token_);
}
inline void Registration::set_waker(const Waker& waker) { reactor_->set_waker(token_, waker); }
