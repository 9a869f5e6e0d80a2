#pragma once
// Promises, as JavaScript has them: a value that comes later, or an error in its place.
//
// A Promise is the end where one reads, with then() and or_else(); a Resolver is the end where it
// is settled, once. The standard library's names are others: std::future reads, std::promise is
// settled.
//
//   auto [promise, resolver] = make_promise<int>(loop);
//   promise.then([](int value) { … });
//   resolver.resolve(42);  // and soon the loop calls the handler
//
// All handlers are called by the loop, never by then() or resolve(): the code around these calls is
// finished first, and no chain is too long for the stack. Like the loop, nothing here is
// thread-safe. The loop must outlive the resolvers, except those that its own callbacks own.

#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "timer_loop.hpp"

struct Unit {};  // the value of a promise that has nothing to say but that it is time

// The error of a promise that nobody can settle any more.
struct BrokenPromise : std::runtime_error {
  BrokenPromise() : std::runtime_error("broken promise: its resolver is gone") {}
};

template <class T>
using Result = std::variant<T, std::exception_ptr>;

// What a promise and its resolver share: pending, until settle() gives it a result for ever.
template <class T>
class PromiseState : public std::enable_shared_from_this<PromiseState<T>> {
 public:
  // Gets the result as an argument: a reaction that owned the state which owns it would be a leak.
  using Reaction = std::function<void(const Result<T>&)>;

  explicit PromiseState(TimerLoop& loop) : loop_(loop) {}
  [[nodiscard]] TimerLoop& loop() const { return loop_; }
  [[nodiscard]] bool settled() const { return result_.has_value(); }

  void when_settled(Reaction reaction) {
    awaited_ = true;
    if (settled()) {
      call_soon(std::move(reaction));
    } else {
      reactions_.push_back(std::move(reaction));
    }
  }

  // False: it was settled before, and stays as it is.
  bool settle(Result<T> result) {
    if (settled()) return false;
    result_ = std::move(result);
    for (Reaction& reaction : std::exchange(reactions_, {})) call_soon(std::move(reaction));
    if (result_->index() == 1 && !awaited_) call_soon(report_unless_awaited());
    return true;
  }

 private:
  void call_soon(Reaction reaction) {
    loop_.after(std::chrono::milliseconds(0),
                [self = this->shared_from_this(), reaction = std::move(reaction)] {
                  reaction(*self->result_);
                });
  }

  // An error must reach somebody: whoever wants it has until the loop's next turn to say so, or it
  // comes out of run().
  Reaction report_unless_awaited() {
    return [this](const Result<T>& result) {
      if (!awaited_) std::rethrow_exception(std::get<1>(result));
    };
  }

  TimerLoop& loop_;
  std::optional<Result<T>> result_;
  std::vector<Reaction> reactions_;  // none once there is a result
  bool awaited_ = false;             // whether there ever was one
};

template <class T>
class Promise;

// Settles a promise: the first call decides and returns true, later ones change nothing. All copies
// settle the same promise; when the last one goes and nothing was decided, the error is
// BrokenPromise: nobody shall wait for what can't come.
template <class T>
class Resolver {
 public:
  explicit Resolver(std::shared_ptr<PromiseState<T>> state)
      : last_(std::make_shared<Last>(std::move(state))) {}

  bool resolve(T value) const {
    return settle(Result<T>(std::in_place_index<0>, std::move(value)));
  }
  bool reject(std::exception_ptr error) const {
    return settle(Result<T>(std::in_place_index<1>, std::move(error)));
  }
  bool settle(Result<T> result) const { return last_->state->settle(std::move(result)); }

  // Settles this one like `other`, as soon as that one is settled.
  void follow(const Promise<T>& other) const {
    if (other.state_ == last_->state) throw std::logic_error("a promise can't wait for itself");
    other.state_->when_settled([next = *this](const Result<T>& result) { next.settle(result); });
  }

 private:
  struct Last {  // there is one for all copies: it ends with the last of them
    explicit Last(std::shared_ptr<PromiseState<T>> shared) : state(std::move(shared)) {}
    Last(const Last&) = delete;
    Last& operator=(const Last&) = delete;
    ~Last() {
      if (!state->settled())
        state->settle(Result<T>(std::in_place_index<1>, std::make_exception_ptr(BrokenPromise())));
    }
    std::shared_ptr<PromiseState<T>> state;
  };
  std::shared_ptr<Last> last_;
};

template <class T>
[[nodiscard]] std::pair<Promise<T>, Resolver<T>> make_promise(TimerLoop& loop);

// Settles `next` with what the handler returns or throws. If it returns a promise, `next` follows
// that one: a promise for a promise for a T is a promise for a T.
template <class T, class F, class... Arguments>
void settle_with(const Resolver<T>& next, F& handler, const Arguments&... arguments) {
  using Returned = std::remove_cvref_t<std::invoke_result_t<F&, const Arguments&...>>;
  try {
    if constexpr (std::is_void_v<Returned>) {
      handler(arguments...);
      next.resolve(Unit{});
    } else if constexpr (std::same_as<Returned, Promise<T>>) {
      next.follow(handler(arguments...));
    } else {
      next.resolve(handler(arguments...));
    }
  } catch (...) {
    next.reject(std::current_exception());
  }
}

// The value that a handler's result becomes in the next promise.
template <class Returned>
struct ValueOf {
  using Type = Returned;
};
template <>
struct ValueOf<void> {
  using Type = Unit;
};
template <class T>
struct ValueOf<Promise<T>> {
  using Type = T;
};

// Copies share the value, and so do all handlers: they get a const reference to it. It lives as
// long as a promise for it, or a handler that will get it.
template <class T>
class Promise {
 public:
  explicit Promise(std::shared_ptr<PromiseState<T>> state) : state_(std::move(state)) {}

  // Calls `handler` with the value (a Unit is no argument), and returns a promise for what it
  // returns. An error skips the handler, and goes on to the returned promise.
  template <class F>
  auto then(F handler) const {
    constexpr bool nothing = std::same_as<T, Unit>;
    using Call =
        std::conditional_t<nothing, std::invoke_result<F&>, std::invoke_result<F&, const T&>>;
    using Next = typename ValueOf<std::remove_cvref_t<typename Call::type>>::Type;
    auto [promise, resolver] = make_promise<Next>(state_->loop());
    state_->when_settled(
        [handler = std::move(handler), next = resolver](const Result<T>& result) mutable {
          if (result.index() == 1) {
            next.reject(std::get<1>(result));
          } else if constexpr (nothing) {
            settle_with(next, handler);
          } else {
            settle_with(next, handler, std::get<0>(result));
          }
        });
    return promise;
  }

  // Calls `handler` with the error, and returns a promise for what it returns in place of the
  // value. A value skips the handler, and goes on.
  template <class F>
  Promise or_else(F handler) const {
    auto [promise, resolver] = make_promise<T>(state_->loop());
    state_->when_settled(
        [handler = std::move(handler), next = resolver](const Result<T>& result) mutable {
          if (result.index() == 0) {
            next.settle(result);
          } else {
            settle_with(next, handler, std::get<1>(result));
          }
        });
    return promise;
  }

 private:
  friend class Resolver<T>;
  std::shared_ptr<PromiseState<T>> state_;
};

template <class T>
std::pair<Promise<T>, Resolver<T>> make_promise(TimerLoop& loop) {
  static_assert(std::copy_constructible<T>, "all handlers share the value, and may copy it");
  auto state = std::make_shared<PromiseState<T>>(loop);
  return {Promise<T>(state), Resolver<T>(state)};
}
