#pragma once
// Promises, as JavaScript has them: a value that comes later, or an error in its place.
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

// A link of a chain: promises of all types have one. It names the promise that comes first, and
// does not own it: that one owns what it will call, and so this one.
struct Link {
  std::shared_ptr<const Link> waits_for;
};

// What a promise and its resolver share: pending, until settle() gives it a result for ever.
template <class T>
class PromiseState : public Link, public std::enable_shared_from_this<PromiseState<T>> {
 public:
  // Gets the result as an argument: a reaction that owned the state which owns it would be a leak.
  using Reaction = std::function<void(const Result<T>&)>;

  explicit PromiseState(TimerLoop& loop) : loop_(loop) {}
  [[nodiscard]] TimerLoop& loop() const { return loop_; }
  [[nodiscard]] bool settled() const { return result_.has_value(); }

  // The reaction will settle `next`, which waits for this one from now on. It is called when there
  // is a result, and by the loop in any case.
  void when_settled(Link& next, Reaction reaction) {
    next.waits_for = this->shared_from_this();
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
    waits_for.reset();
    call_soon([all = std::exchange(reactions_, {})](const Result<T>& result) {
      for (const Reaction& reaction : all) reaction(result);
    });
    // An error must reach somebody: whoever wants it has until the loop's next turn to say so, or
    // it comes out of run().
    if (result_->index() == 1 && !awaited_)
      call_soon([this](const Result<T>& error) {
        if (!awaited_) std::rethrow_exception(std::get<1>(error));
      });
    return true;
  }

 private:
  void call_soon(Reaction reaction) {
    loop_.after(std::chrono::milliseconds(0),
                [self = this->shared_from_this(), reaction = std::move(reaction)] {
                  reaction(*self->result_);
                });
  }

  TimerLoop& loop_;
  std::optional<Result<T>> result_;
  std::vector<Reaction> reactions_;  // none once there is a result
  bool awaited_ = false;             // whether there ever was one
};

// What a handler returns for this value; it need not take the value.
template <class F, class Value>
decltype(auto) call(F& handler, const Value& value) {
  if constexpr (std::invocable<F&, const Value&>) {
    return handler(value);
  } else {
    return handler();
  }
}

template <class T>
class Promise;

// Settles a promise: the first call decides and returns true, later ones change nothing. All copies
// settle the same promise; when the last one goes and nothing was decided, the error is
// BrokenPromise: nobody shall wait for what can't come.
template <class T>
class Resolver {
 public:
  // All copies share a pointer whose deleter, called after the last of them, deletes nothing
  // (promises own the state, too): it breaks the promise.
  explicit Resolver(const std::shared_ptr<PromiseState<T>>& state)
      : state_(state.get(), [state](auto*) {
          if (state->settled()) return;
          state->settle(
              Result<T>(std::in_place_index<1>, std::make_exception_ptr(BrokenPromise())));
        }) {}

  bool resolve(T value) const {
    return state_->settle(Result<T>(std::in_place_index<0>, std::move(value)));
  }
  bool reject(std::exception_ptr error) const {
    return state_->settle(Result<T>(std::in_place_index<1>, std::move(error)));
  }

 private:
  template <class>
  friend class Promise;

  // Settles this one like `other`, as soon as that one is settled. If `other` waits for this one,
  // in however many steps, nothing would ever come: that is an error.
  void follow(const Promise<T>& other) const {
    for (std::shared_ptr<const Link> link = other.state_; link; link = link->waits_for)
      if (link == state_) throw std::logic_error("a promise can't wait for itself");
    other.state_->when_settled(*state_,
                               [next = state_](const Result<T>& result) { next->settle(result); });
  }

  // Settles this one with what the handler returns or throws. If it returns a promise, this one
  // follows it: a promise for a promise for a T is a promise for a T.
  template <class F, class Argument>
  void settle_with(F& handler, const Argument& argument) const {
    using Returned = std::remove_cvref_t<decltype(call(handler, argument))>;
    try {
      if constexpr (std::is_void_v<Returned>) {
        call(handler, argument);
        resolve(Unit{});
      } else if constexpr (std::same_as<Returned, Promise<T>>) {
        follow(call(handler, argument));
      } else {
        resolve(call(handler, argument));
      }
    } catch (...) {
      reject(std::current_exception());
    }
  }

  std::shared_ptr<PromiseState<T>> state_;
};

template <class T>
[[nodiscard]] std::pair<Promise<T>, Resolver<T>> make_promise(TimerLoop& loop);

// The value that a handler's result becomes in the next promise.
template <class Returned>
struct ValueOf {
  using Type = std::conditional_t<std::is_void_v<Returned>, Unit, Returned>;
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

  // Calls `handler` with the value, and returns a promise for what it returns. An error skips the
  // handler, and goes on to the returned promise.
  template <class F>
  auto then(F handler) const {
    using Returned = decltype(call(handler, std::declval<const T&>()));
    using Next = typename ValueOf<std::remove_cvref_t<Returned>>::Type;
    auto [promise, resolver] = make_promise<Next>(state_->loop());
    state_->when_settled(*resolver.state_, [handler = std::move(handler),
                                            next = resolver](const Result<T>& result) mutable {
      if (result.index() == 1) {
        next.reject(std::get<1>(result));
      } else {
        next.settle_with(handler, std::get<0>(result));
      }
    });
    return promise;
  }

  // Calls `handler` with the error, and returns a promise for what it returns in place of the
  // value. A value skips the handler, and goes on.
  template <class F>
  Promise or_else(F handler) const {
    auto [promise, resolver] = make_promise<T>(state_->loop());
    state_->when_settled(*resolver.state_, [handler = std::move(handler),
                                            next = resolver](const Result<T>& result) mutable {
      if (result.index() == 0) {
        next.state_->settle(result);
      } else {
        next.settle_with(handler, std::get<1>(result));
      }
    });
    return promise;
  }

 private:
  template <class>
  friend class Resolver;
  std::shared_ptr<PromiseState<T>> state_;
};

template <class T>
std::pair<Promise<T>, Resolver<T>> make_promise(TimerLoop& loop) {
  static_assert(std::copy_constructible<T>, "all handlers share the value, and may copy it");
  auto state = std::make_shared<PromiseState<T>>(loop);
  return {Promise<T>(state), Resolver<T>(state)};
}
