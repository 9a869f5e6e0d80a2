#pragma once
// The reactor: waits for events and for deadlines on a thread of its own, and hands the coroutines
// that wait for them to their executors.

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "poll.hpp"
#include "ready_queue.hpp"

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

  // True: the coroutine is pushed into that queue, once, as soon as something happens to the
  // source, or when the deadline has passed. False: something has happened since the last time that
  // this was asked, so look again at once. One waits at a time.
  [[nodiscard]] inline bool wait(std::coroutine_handle<> handle, ReadyQueue& queue,
                                 Clock::time_point deadline);
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

// A process has one at a time, which leaf futures find by themselves. Its thread begins and ends
// with it. Every other function may be called on any thread.
class Reactor {
 public:
  Reactor() {
    if (Reactor* none = nullptr; !current_.compare_exchange_strong(none, this))
      throw std::logic_error("there is a reactor already");
    try {
      poll_.add(interrupt_, interrupt_token);
      poll_.add(clock_, clock_token);
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
    interrupt();
    thread_.join();
    current_ = nullptr;
  }

  // Throws std::logic_error if there is none.
  static Reactor& current() {
    Reactor* reactor = current_;
    if (reactor == nullptr) throw std::logic_error("there is no reactor");
    return *reactor;
  }

  // For whoever waits for nothing but a deadline.
  Registration add_timer() {
    Token token = next_token_++;
    std::lock_guard lock(mutex_);
    sources_.try_emplace(token);
    return {*this, no_source, token};
  }

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
  static constexpr Token interrupt_token = 0, clock_token = 1;
  static constexpr int no_source = -1;

  using Timers = std::multimap<Clock::time_point, Token>;

  // What has happened to a source: nothing; or something that nobody has asked for yet; or nothing,
  // and somebody waits for it, perhaps until a deadline.
  struct Source {
    bool ready = false;
    bool timed_out = false;
    std::coroutine_handle<> waiting = nullptr;
    ReadyQueue* queue = nullptr;  // of whoever waits
    std::optional<Timers::iterator> timer = {};
  };

  // The clock rings at the first deadline, and then the reactor looks. It may ring for nothing.
  void set_the_clock() {
    if (timers_.empty()) return;
    auto time = std::max(timers_.begin()->first.time_since_epoch(), Clock::duration(1));
    auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    itimerspec when{};
    when.it_value.tv_sec = seconds.count();
    when.it_value.tv_nsec = (time - seconds).count();
    ::timerfd_settime(clock_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  // Its thread looks at everything anew. (Edge-triggered: each write is an event, and nobody has to
  // read what was written.)
  void interrupt() { ::eventfd_write(interrupt_.get(), 1); }

  bool wait(Token token, std::coroutine_handle<> handle, ReadyQueue& queue,
            Clock::time_point deadline) {
    std::lock_guard lock(mutex_);
    Source& source = sources_.at(token);
    source.timed_out = false;
    if (std::exchange(source.ready, false)) return false;
    narrate::say("store", "token-" + std::to_string(token), "who waits for it");
    source.waiting = handle;
    source.queue = &queue;
    if (deadline != never) {
      source.timer = timers_.emplace(deadline, token);
      if (*source.timer == timers_.begin()) set_the_clock();
    }
    return true;
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

  void run() {
    narrate::name_thread("reactor");
    while (!stopping_) {
      for (Token token : poll_.wait(std::chrono::milliseconds(-1)))
        if (token != interrupt_token && token != clock_token) wake(token);
      wake_the_late();
    }
  }

  // No token is used twice: an event that comes too late finds nobody. The lock is held until the
  // handle has been pushed. Whoever destroys the coroutine ends its registration first, and so
  // waits for us.
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
      push(source);
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
      push(source);
    }
    set_the_clock();
  }
  // Its wait is over, and so is its deadline.
  void push(Source& source) {
    if (source.timer) timers_.erase(*std::exchange(source.timer, std::nullopt));
    source.queue->push(std::exchange(source.waiting, nullptr));
  }

  static inline std::atomic<Reactor*> current_ = nullptr;
  Poll poll_;
  net::Fd interrupt_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  net::Fd clock_ = net::Fd::checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                                    "timerfd_create");
  std::atomic<bool> stopping_ = false;
  std::atomic<Token> next_token_ = clock_token + 1;
  std::mutex mutex_;
  std::map<Token, Source> sources_;
  Timers timers_;  // of those sources whose waiters have a deadline
  std::jthread thread_;
};

inline Registration::~Registration() {
  if (reactor_ != nullptr) reactor_->remove(source_, token_);
}
inline bool Registration::wait(std::coroutine_handle<> handle, ReadyQueue& queue,
                               Clock::time_point deadline) {
  return reactor_->wait(token_, handle, queue, deadline);
}
inline bool Registration::timed_out() const { return reactor_->timed_out(token_); }
