#pragma once
// The reactor: waits for events on a thread of its own, and hands the coroutines that wait for them
// to their executors.

#include <sys/eventfd.h>

#include <atomic>
#include <coroutine>
#include <map>
#include <mutex>
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
  // source. False: something has happened since the last time that this was asked, so look again at
  // once. One waits at a time.
  [[nodiscard]] inline bool wait(std::coroutine_handle<> handle, ReadyQueue& queue);

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
  static constexpr Token stop_token = 0;

  // Who waits for a source, and where; or nobody. A handle that no coroutine has stands for
  // something that nobody has asked for yet.
  struct Source {
    std::coroutine_handle<> state = nullptr;
    ReadyQueue* queue = nullptr;
  };
  static std::coroutine_handle<> something_has_happened() {
    static char nobody;
    return std::coroutine_handle<>::from_address(&nobody);
  }

  bool wait(Token token, std::coroutine_handle<> handle, ReadyQueue& queue) {
    std::lock_guard lock(mutex_);
    Source& source = sources_.at(token);
    if (source.state == something_has_happened()) {
      source.state = nullptr;
      return false;
    }
    source = {handle, &queue};
    return true;
  }
  void remove(int source, Token token) {
    poll_.remove(source);
    std::lock_guard lock(mutex_);
    sources_.erase(token);
  }

  void run() {
    narrate::name_thread("reactor");
    while (!stopping_)
      for (Token token : poll_.wait())
        if (token != stop_token) wake(token);
  }
  // No token is used twice: an event that comes too late finds nobody. The lock is held until the
  // handle has been pushed. Whoever destroys the coroutine ends its registration first, and so
  // waits for us.
  void wake(Token token) {
    std::lock_guard lock(mutex_);
    auto found = sources_.find(token);
    if (found == sources_.end()) return;
    auto& [state, queue] = found->second;
    bool waits = state && state != something_has_happened();
    if (waits) queue->push(state);
    state = waits ? nullptr : something_has_happened();
  }

  static inline std::atomic<Reactor*> current_ = nullptr;
  Poll poll_;
  net::Fd stop_ = net::Fd::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  std::atomic<bool> stopping_ = false;
  std::atomic<Token> next_token_ = stop_token + 1;
  std::mutex mutex_;
  std::map<Token, Source> sources_;
  std::jthread thread_;
};

inline Registration::~Registration() {
  if (reactor_ != nullptr) reactor_->remove(source_, token_);
}
inline bool Registration::wait(std::coroutine_handle<> handle, ReadyQueue& queue) {
  return reactor_->wait(token_, handle, queue);
}
