#pragma once
// The reactor: waits for events and for deadlines on a thread of its own, and hands the coroutines
// that wait for them to their executors.

#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
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
  static constexpr Token interrupt_token = 0;
  static constexpr int no_source = -1;

  // What has happened to a source: nothing; or something that nobody has asked for yet; or nothing,
  // and somebody waits for it, perhaps until a deadline: what that takes is yours to add.
  struct Source {
    bool ready = false;
    std::coroutine_handle<> waiting = nullptr;
    ReadyQueue* queue = nullptr;  // of whoever waits
  };

  // Its thread looks at everything anew. (Edge-triggered: each write is an event, and nobody has to
  // read what was written.)
  void interrupt() { ::eventfd_write(interrupt_.get(), 1); }

  // See Registration::wait(). Deadlines may be equal: who has waited first is pushed first. If the
  // reactor's thread sleeps for longer than until this one, it has to be told.
  bool wait(Token token, std::coroutine_handle<> handle, ReadyQueue& queue,
            Clock::time_point deadline) {
    (void)token, (void)handle, (void)queue, (void)deadline;
    throw std::logic_error("Reactor::wait() is yours to write");
  }
  // See Registration::timed_out().
  bool timed_out(Token token) {
    (void)token;
    throw std::logic_error("Reactor::timed_out() is yours to write");
  }
  // Nothing is left of it afterwards, no deadline either.
  void remove(int descriptor, Token token) {
    if (descriptor != no_source) poll_.remove(descriptor);
    std::lock_guard lock(mutex_);
    sources_.erase(token);
  }

  void run() {
    narrate::name_thread("reactor");
    while (!stopping_) {
      // Yours to write: for how long may it sleep, and whose time has come after that? (Nobody
      // would catch an exception on this thread.)
      for (Token token : poll_.wait(std::chrono::milliseconds(-1)))
        if (token != interrupt_token) wake(token);
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
      source.queue->push(std::exchange(source.waiting, nullptr));
    }
  }

  static inline std::atomic<Reactor*> current_ = nullptr;
  Poll poll_;
  net::Fd interrupt_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  std::atomic<bool> stopping_ = false;
  std::atomic<Token> next_token_ = interrupt_token + 1;
  std::mutex mutex_;
  std::map<Token, Source> sources_;
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
