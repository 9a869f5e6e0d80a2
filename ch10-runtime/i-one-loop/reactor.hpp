#pragma once
// The reactor: waits for events and for deadlines where its executor has nothing else to do, and
// says which coroutines have waited for them.

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <coroutine>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "poll.hpp"

class Reactor;

using Clock = std::chrono::steady_clock;
inline constexpr Clock::time_point never = Clock::time_point::max();

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

  // True: the reactor returns the coroutine, once, as soon as something has happened to the source,
  // or when the deadline has passed. False: something has happened since the last time that this
  // was asked, so look again at once. One waits at a time.
  [[nodiscard]] inline bool wait(std::coroutine_handle<> handle, Clock::time_point deadline);
  // Ends the wait, and returns who has waited; or ends the next one if nobody waits just now:
  // nullptr. A readiness that promises nothing. May be called on any thread.
  [[nodiscard]] inline std::coroutine_handle<> cancel();
  // Was it the deadline that ended the last wait?
  [[nodiscard]] inline bool timed_out() const;

 private:
  friend Reactor;
  Registration(Reactor& reactor, int source, Token token)
      : reactor_(&reactor), source_(source), token_(token) {}

  Reactor* reactor_ = nullptr;
  int source_ = -1;
  Token token_ = 0;
};

// An executor has one, and its thread calls every function but interrupt() and
// Registration::cancel(), which any thread may call.
class Reactor {
 public:
  Reactor() { poll_.add(interrupt_, interrupt_token); }
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // For whoever waits for nothing but a deadline.
  Registration add_timer() {
    Token token = next_token_++;
    std::lock_guard lock(mutex_);
    sources_.try_emplace(token);
    return {*this, no_source, token};
  }

  // Sleeps until something has happened to a source, until a deadline has passed, or until it is
  // interrupted. Returns those who have waited for that, until it is
  // asked again: they are next.
  std::span<const std::coroutine_handle<>> wait() { return poll(until_the_first_deadline()); }
  // The same, but does not sleep.
  std::span<const std::coroutine_handle<>> look() { return poll(std::chrono::milliseconds(0)); }
  // Ends wait(), or the next one. (Edge-triggered: each write is an event, and nobody has to read
  // what was written.)
  void interrupt() { ::eventfd_write(interrupt_.get(), 1); }

  // From now on the source is watched.
  Registration add(const net::Fd& source, std::string_view name) {
    Token token = next_token_++;
    narrate::say("register", name, "as token-", token);
    {
      std::lock_guard lock(mutex_);
      sources_.try_emplace(token);
    }
    poll_.add(source, token);
    return {*this, source.get(), token};
  }

 private:
  friend Registration;
  static constexpr Token interrupt_token = 0;
  static constexpr int no_source = -1;

  using Timers = std::multimap<Clock::time_point, Token>;

  // What has happened to a source: nothing; or something that nobody has asked for yet; or nothing,
  // and somebody waits for it, perhaps until a deadline.
  struct Source {
    bool ready = false;
    bool timed_out = false;
    std::coroutine_handle<> waiting = nullptr;
    std::optional<Timers::iterator> timer = {};
  };

  bool wait(Token token, std::coroutine_handle<> handle, Clock::time_point deadline) {
    std::lock_guard lock(mutex_);
    Source& source = sources_.at(token);
    source.timed_out = false;
    if (std::exchange(source.ready, false)) return false;
    narrate::say("store", "token-" + std::to_string(token), "who waits for it");
    source.waiting = handle;
    if (deadline != never) source.timer = timers_.emplace(deadline, token);
    return true;
  }
  // As if something had happened to the source.
  std::coroutine_handle<> cancel(Token token) {
    std::lock_guard lock(mutex_);
    narrate::say("cancel", "token-" + std::to_string(token));
    Source& source = sources_.at(token);
    if (source.waiting == nullptr) source.ready = true;
    return end_wait(source);
  }
  bool timed_out(Token token) {
    std::lock_guard lock(mutex_);
    return sources_.at(token).timed_out;
  }
  void remove(int descriptor, Token token) {
    if (descriptor != no_source) poll_.remove(descriptor);
    std::lock_guard lock(mutex_);
    auto found = sources_.find(token);
    if (found->second.timer) timers_.erase(*found->second.timer);
    sources_.erase(found);
  }

  std::span<const std::coroutine_handle<>> poll(std::chrono::milliseconds limit) {
    next_.clear();
    for (Token token : poll_.wait(limit))
      if (token != interrupt_token) wake(token);
    wake_the_late();
    return next_;
  }

  // Rounded up: rounded down it would wake too early, and again and again until the time has come.
  std::chrono::milliseconds until_the_first_deadline() {
    std::lock_guard lock(mutex_);
    if (timers_.empty()) return std::chrono::milliseconds(-1);
    auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
    return std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(INT_MAX));
  }

  // No token is used twice: an event that comes too late finds nobody.
  void wake(Token token) {
    std::lock_guard lock(mutex_);
    auto found = sources_.find(token);
    if (found == sources_.end()) return;
    Source& source = found->second;
    if (source.waiting == nullptr) {
      narrate::say("ready", "token-" + std::to_string(token), "nobody waits for it yet");
      source.ready = true;
    } else {
      narrate::say("ready", "token-" + std::to_string(token), "who waits for it is next");
      next_.push_back(end_wait(source));
    }
  }
  void wake_the_late() {
    std::lock_guard lock(mutex_);
    Clock::time_point now = Clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      Token token = timers_.begin()->second;
      narrate::say("time", "token-" + std::to_string(token), "who waits for it is next");
      Source& source = sources_.at(token);
      source.timed_out = true;
      next_.push_back(end_wait(source));
    }
  }
  // Its wait is over, and so is its deadline. Returns who has waited; nobody: nullptr.
  std::coroutine_handle<> end_wait(Source& source) {
    if (source.timer) timers_.erase(*std::exchange(source.timer, std::nullopt));
    return std::exchange(source.waiting, nullptr);
  }

  Poll poll_;
  net::Fd interrupt_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  Token next_token_ = interrupt_token + 1;
  std::mutex mutex_;
  std::map<Token, Source> sources_;
  std::vector<std::coroutine_handle<>> next_;
  Timers timers_;  // of those sources whose waiters have a deadline
};

inline Registration::~Registration() {
  if (reactor_ != nullptr) reactor_->remove(source_, token_);
}
inline bool Registration::wait(std::coroutine_handle<> handle, Clock::time_point deadline) {
  return reactor_->wait(token_, handle, deadline);
}
inline std::coroutine_handle<> Registration::cancel() { return reactor_->cancel(token_); }
inline bool Registration::timed_out() const { return reactor_->timed_out(token_); }
