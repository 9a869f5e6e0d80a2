#pragma once
// A C++20 coroutine: its variables are in a frame that stays, and what moves is a handle.

#include <coroutine>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "narrate/narrate.hpp"

// Owns a coroutine that stops where it says `co_await std::suspend_always()`.
class Steps {
 public:
  struct promise_type {
    Steps get_return_object() {
      return Steps(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  Steps(Steps&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Steps& operator=(Steps&&) = delete;
  ~Steps() {
    if (handle_) handle_.destroy();
  }
  void resume() { handle_.resume(); }
  [[nodiscard]] const void* frame() const { return handle_.address(); }

 private:
  explicit Steps(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// What the coroutine has seen: where its variable was at each step, and what it said at the end.
struct Seen {
  std::vector<const void*> text_at;
  std::string text;
};

// Stage b's coroutine, in small: a variable, and a reference to it that is used after a wait.
inline Steps write_later(Seen& seen) {
  std::string text = "old words";
  std::string& line = text;
  seen.text_at.push_back(&text);
  co_await std::suspend_always();
  line = "new words";
  seen.text_at.push_back(&text);
  seen.text = text;
}

struct Resumed {
  Seen seen;
  bool owner_moved, frame_stayed;
};

inline Resumed move_the_handle() {
  Seen seen;
  Steps first = write_later(seen);
  first.resume();
  const void* frame = first.frame();
  narrate::say("stop", "first", "owner at ", &first, ", text at ", seen.text_at.front());
  std::vector<Steps> owners;
  owners.push_back(std::move(first));
  owners.front().resume();
  narrate::say("resume", "second", "owner at ", &owners.front(), ", text at ", seen.text_at.back(),
               ": \"", seen.text, '"');
  return {seen, &owners.front() != &first, owners.front().frame() == frame};
}
