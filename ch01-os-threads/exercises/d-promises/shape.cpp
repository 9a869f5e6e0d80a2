// What the suite of ch01/d needs from your headers.

#include <concepts>
#include <exception>
#include <string>
#include <utility>

#include "promise.hpp"
#include "timer_loop.hpp"

namespace shape {

template <class T>
concept Makes = requires(TimerLoop& loop) {
  { make_promise<T>(loop) } -> std::same_as<std::pair<Promise<T>, Resolver<T>>>;
};
template <class R>
concept Settles = requires(const R resolver, std::exception_ptr error) {
  { resolver.resolve(7) } -> std::same_as<bool>;
  { resolver.reject(error) } -> std::same_as<bool>;
};
struct Text {
  std::string operator()(int) const { return {}; }
};
struct Nothing {
  void operator()(int) const {}
};
struct Another {
  Promise<std::string> operator()(int) const;
};
struct Mends {
  int operator()(std::exception_ptr) const { return 0; }
};
template <class P, class F, class Next>
concept ThenGives = requires(const P promise, F handler) {
  { promise.then(handler) } -> std::same_as<Promise<Next>>;
};
template <class P>
concept OrElse = requires(const P promise, Mends handler) {
  { promise.or_else(handler) } -> std::same_as<P>;
};

static_assert(Makes<int>,
              "promise.hpp needs: std::pair<Promise<T>, Resolver<T>> "
              "make_promise<T>(TimerLoop& loop)");
static_assert(Settles<Resolver<int>>,
              "Resolver<T> needs: bool resolve(T) const, and bool "
              "reject(std::exception_ptr) const");
static_assert(std::copyable<Resolver<int>> && std::copyable<Promise<int>>,
              "callbacks own resolvers and promises: both can be copied");
static_assert(ThenGives<Promise<int>, Text, std::string>,
              "then() with a handler that returns a T gives a Promise<T>");
static_assert(ThenGives<Promise<int>, Nothing, Unit>,
              "then() with a handler that returns nothing gives a Promise<Unit>");
static_assert(ThenGives<Promise<int>, Another, std::string>,
              "then() with a handler that returns a Promise<T> gives a Promise<T>, not a promise "
              "for a promise");
static_assert(OrElse<Promise<int>>, "or_else() of a Promise<T> gives a Promise<T>");

}  // namespace shape
