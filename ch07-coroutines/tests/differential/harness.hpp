#pragma once
// What the programs of this test are made of, on both sides: futures and objects that write down
// what happens to them, and that can be told to fail.

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// As in chapter 8 and 9, where corofy is asked for that; else as in the stage.
#ifdef WITH_WAKER
struct Unit {};
struct Waker {};
template <class T>
using PollState = std::optional<T>;
template <class T>
class Future {
 public:
  using Output = T;
  virtual ~Future() = default;
  virtual PollState<T> poll(const Waker& waker) = 0;

 protected:
  Future() = default;
  Future(Future&&) = default;
  Future& operator=(Future&&) = default;
};
#define POLL poll([[maybe_unused]] const Waker& waker)
#define POLL_AGAIN poll(Waker{})
#else
#include "future.hpp"
#define POLL poll()
#define POLL_AGAIN poll()
#endif

#ifdef WITH_PIN
template <class T>
using Pinned = std::unique_ptr<Future<T>>;
template <class F, class... Arguments>
Pinned<typename F::Output> pin(Arguments&&... arguments) {
  return std::make_unique<F>(std::forward<Arguments>(arguments)...);
}
template <class F>
Pinned<typename F::Output> made(F future) {
  return pin<F>(std::move(future));
}
#else
template <class F>
F made(F future) {
  return future;
}
#endif

// A future, whether it is held by value or by a pointer.
template <class F>
F& future_of(F& future) {
  return future;
}
template <class F>
F& future_of(std::unique_ptr<F>& future) {
  return *future;
}
template <class F>
using OutputOf = typename std::remove_reference_t<decltype(future_of(std::declval<F&>()))>::Output;

// ---- A run, and what is told of it

struct Run {
  int argument = 0;
  int delay = 0;     // leaves are ready at once, at the second poll, or by turns
  int fault = 0;     // the number of the step that throws; 0: none
  int polls = 1000;  // after so many it is destroyed
};

struct Journal {
  Run run;
  std::vector<std::string> lines;
  int steps = 0;   // of what may fail
  int leaves = 0;  // that were made
  int alive = 0;   // objects
};
inline Journal journal;

inline void say(std::string text) { journal.lines.push_back(std::move(text)); }
inline void step(const std::string& what) {
  if (++journal.steps == journal.run.fault) throw std::runtime_error(what + " fails");
}

// ---- Values

// Can't be moved, and can't be overlooked.
class Counted {
 public:
  explicit Counted(std::string name) : name_(std::move(name)) {
    step(name_);
    say("+" + name_);
    ++journal.alive;
  }
  Counted(const Counted&) = delete;
  ~Counted() {
    --journal.alive;
    say("-" + name_);
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  explicit operator bool() const { return name_ != "no"; }

 private:
  std::string name_;
};

// Can only be moved.
class Token {
 public:
  explicit Token(int value) : value_(value) { ++journal.alive; }
  Token(Token&& other) noexcept : value_(std::exchange(other.value_, -1)) { ++journal.alive; }
  Token& operator=(Token&& other) noexcept {
    value_ = std::exchange(other.value_, -1);
    return *this;
  }
  ~Token() {
    --journal.alive;
    if (value_ >= 0) say("-token " + std::to_string(value_));
  }
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};

inline std::string show(Unit) { return "done"; }
inline std::string show(bool value) { return value ? "true" : "false"; }
inline std::string show(int value) { return std::to_string(value); }
inline std::string show(const std::string& value) { return value; }
inline std::string show(const Token& token) { return "token " + std::to_string(token.value()); }
template <class T>
std::string show(const std::optional<T>& value) {
  return value ? show(*value) : "nothing";
}
template <class T>
std::string show(const std::unique_ptr<T>& value) {
  return value ? show(*value) : "null";
}
inline std::string show(const std::pair<int, std::string>& pair) {
  return show(pair.first) + pair.second;
}
template <class T>
std::string show(const std::vector<T>& list) {
  std::string text = "[";
  for (const T& one : list) text += show(one) + ' ';
  return text + "]";
}

// ---- Futures

template <class T>
class Leaf final : public Future<T> {
 public:
  explicit Leaf(T value) : value_(std::move(value)), number_(++journal.leaves) {
    step("leaf " + std::to_string(number_));
    if (number_ > 400) throw std::runtime_error("too many leaves");
    say("leaf " + std::to_string(number_) + " of " + show(value_));
    more_ = journal.run.delay < 2 ? journal.run.delay : number_ % 3;
    ++journal.alive;
  }
  Leaf(Leaf&& other) noexcept
      : value_(std::move(other.value_)),
        number_(std::exchange(other.number_, 0)),
        more_(other.more_) {
    ++journal.alive;
  }
  ~Leaf() override {
    --journal.alive;
    if (number_ > 0) say("-leaf " + std::to_string(number_));
  }

  PollState<T> POLL override {
    say("poll " + std::to_string(number_));
    step("poll " + std::to_string(number_));
    if (more_-- > 0) return std::nullopt;
    return std::move(value_);
  }

 private:
  T value_;
  int number_;
  int more_ = 0;
};

// Ready later, with this value.
template <class T>
auto later(T value) {
  return made(Leaf<T>(std::move(value)));
}
inline auto later(const char* value) { return later(std::string(value)); }
inline auto later() { return later(Unit{}); }

// A future of any class.
template <class T>
using Box = std::unique_ptr<Future<T>>;
template <class F>
Box<typename F::Output> box(F future) {
  return std::make_unique<F>(std::move(future));
}
template <class T>
Box<T> box(std::unique_ptr<Future<T>> future) {
  return future;
}

template <class T>
class JoinAll final : public Future<std::vector<T>> {
 public:
  explicit JoinAll(std::vector<Box<T>> futures)
      : futures_(std::move(futures)), results_(futures_.size()) {}
  PollState<std::vector<T>> POLL override {
    bool all = true;
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      if (results_[i]) continue;
      results_[i] = futures_[i]->POLL_AGAIN;
      if (results_[i])
        futures_[i].reset();
      else
        all = false;
    }
    if (!all) return std::nullopt;
    std::vector<T> list;
    for (PollState<T>& one : results_) list.push_back(std::move(*one));
    return list;
  }

 private:
  std::vector<Box<T>> futures_;
  std::vector<PollState<T>> results_;
};
template <class T>
auto join_all(std::vector<Box<T>> futures) {
  return made(JoinAll<T>(std::move(futures)));
}

// ---- Programs

class Running {
 public:
  virtual ~Running() = default;
  virtual bool poll() = 0;  // has it come to its end?
};
template <class F>
class RunningFuture final : public Running {
 public:
  template <class Make>
  explicit RunningFuture(const Make& make) : future_(make()) {}  // in place: it may be immovable
  bool poll() override {
    auto result = future_of(future_).POLL_AGAIN;
    if (result) say("result " + show(*result));
    return result.has_value();
  }

 private:
  F future_;
};
template <class Make>
std::unique_ptr<Running> start(const Make& make) {
  return std::make_unique<RunningFuture<decltype(make())>>(make);
}

struct Program {
  std::string name;
  std::function<std::unique_ptr<Running>(int)> start;
};

// The same files, compiled twice: rewritten by corofy, and as coroutines of the compiler.
enum class Side { lowered, oracle };
inline std::vector<Program>& programs(Side side) {
  static std::vector<Program> lists[2];
  return lists[static_cast<int>(side)];
}
struct Registration {
  Registration(Side side, Program program) { programs(side).push_back(std::move(program)); }
};
#define PROGRAM_ON_LINE(call, line)                                                           \
  const Registration program_##line(Side::SIDE, Program{#call, []([[maybe_unused]] int n) {   \
                                                          return start([&] { return call; }); \
                                                        }})
#define PROGRAM_AT(call, line) PROGRAM_ON_LINE(call, line)
#define PROGRAM(call) PROGRAM_AT(call, __LINE__)
