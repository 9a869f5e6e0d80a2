#pragma once
// Futures for suites: a case decides when they are ready, and sees what is done to them. And how
// often a program says that it has polled its own.

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "future.hpp"

// What is seen of a future. It must outlive it.
struct Seen {
  int polls = 0;
  bool alive = false;
};

// At which of its polls a future is ready, or throws.
struct When {
  When(int poll) : poll_number(poll) {}
  int poll_number;
  bool throws = false;
};
inline When throws_at(int poll) {
  When when(poll);
  when.throws = true;
  return when;
}
inline constexpr int never = 1'000'000;  // whoever asks on and on comes to an end, too

// Ready at that poll, with this value; what it throws instead is std::runtime_error("broken"). Can
// be moved, but not copied.
template <class T>
class TestFuture final : public Future<T> {
 public:
  TestFuture(When when, T value, Seen* seen = nullptr)
      : when_(when), value_(std::move(value)), seen_(seen) {
    if (seen_) seen_->alive = true;
  }

  PollState<T> poll() override {
    if (seen_) ++seen_->polls;
    if (++polls_ < when_.poll_number) return std::nullopt;
    if (polls_ > when_.poll_number || !value_)
      throw std::logic_error("a future was polled after it was ready");
    if (when_.throws) throw std::runtime_error("broken");
    return std::exchange(value_, std::nullopt);
  }

 private:
  struct Gone {
    void operator()(Seen* seen) const { seen->alive = false; }
  };
  When when_;
  int polls_ = 0;
  std::optional<T> value_;
  std::unique_ptr<Seen, Gone> seen_;
};
static_assert(IsFuture<TestFuture<int>>);

// The number in "N polls", which the program says at its end.
inline long polls_of(const std::string& output) {
  std::size_t end = output.rfind(" polls\n");
  REQUIRE(end != std::string::npos);
  std::size_t begin = output.rfind('\n', end) + 1;  // 0 if it is the first line
  return std::stol(output.substr(begin, end - begin));
}
