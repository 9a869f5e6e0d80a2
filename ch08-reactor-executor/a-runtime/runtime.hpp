#pragma once
// A runtime: goes on with a future until it is ready, and sleeps while it can't. Executor and
// reactor are one here.

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "poll.hpp"

class Runtime;

// Keeps a source registered for as long as it lives, which is within the life of the source and of
// the runtime. Moves with its owner.
class [[nodiscard]] Registration {
 public:
  Registration() = default;  // of nothing
  Registration(Registration&& other) noexcept
      : runtime_(std::exchange(other.runtime_, nullptr)), source_(other.source_) {}
  Registration& operator=(Registration other) noexcept {
    std::swap(runtime_, other.runtime_);
    std::swap(source_, other.source_);
    return *this;
  }
  inline ~Registration();

 private:
  friend Runtime;
  Registration(Runtime& runtime, int source) : runtime_(&runtime), source_(source) {}

  Runtime* runtime_ = nullptr;
  int source_ = -1;
};

// A thread has one at a time, which its leaf futures find by themselves.
class Runtime {
 public:
  Runtime() {
    if (current_ != nullptr) throw std::logic_error("this thread has a runtime already");
    current_ = this;
  }
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime() { current_ = nullptr; }

  // That of this thread. Throws std::logic_error if it has none.
  static Runtime& current() {
    if (current_ == nullptr) throw std::logic_error("no runtime on this thread");
    return *current_;
  }

  // Polls the future until it is ready, and returns its result. In between it sleeps, until
  // something happens to a source that is registered. What the future throws comes out of here.
  // Throws std::logic_error where it would sleep for ever, because nothing is registered.
  template <IsFuture F>
  typename F::Output block_on(F future) {
    while (true) {
      narrate::say("poll", "root");
      ++polls_;
      if (auto result = future.poll()) return std::move(*result);
      if (sources_ == 0) throw std::logic_error("asleep for ever: nothing is registered");
      ++waits_;
      for (Token token : poll_.wait()) narrate::say("ready", "token-" + std::to_string(token));
    }
  }

  // For leaf futures: from now on, block_on() wakes up when something happens to the source.
  Registration add(const net::Fd& source, std::string_view name) {
    Token token = next_token_++;
    narrate::say("register", name, "as token-", token);
    poll_.add(source, token);
    ++sources_;
    return {*this, source.get()};
  }

  [[nodiscard]] long polls() const { return polls_; }
  [[nodiscard]] long waits() const { return waits_; }

 private:
  friend Registration;
  void remove(int source) {
    poll_.remove(source);
    --sources_;
  }

  static inline thread_local Runtime* current_ = nullptr;
  Poll poll_;
  Token next_token_ = 0;
  long sources_ = 0;
  long polls_ = 0;
  long waits_ = 0;
};

inline Registration::~Registration() {
  if (runtime_ != nullptr) runtime_->remove(source_);
}
