// What the suite of ch01/d needs from your headers.

#include "testing/shape.hpp"

#include <exception>
#include <string>
#include <utility>

#include "promise.hpp"

using testing::a;
using Ints = Promise<int>;
using Made = std::pair<Ints, Resolver<int>>;
using Text = std::string (*)(int);
using Nothing = void (*)(int);
using Another = Promise<std::string> (*)(int);
using Mends = int (*)(std::exception_ptr);

NEEDS(TimerLoop, make_promise<int>(it), Made,
      "promise.hpp needs: std::pair<Promise<T>, Resolver<T>> make_promise<T>(TimerLoop& loop)");
NEEDS(const Resolver<int>, it.resolve(7), bool, "Resolver<T> needs: bool resolve(T) const");
NEEDS(const Resolver<int>, it.reject(a<std::exception_ptr>()), bool,
      "Resolver<T> needs: bool reject(std::exception_ptr) const");
static_assert(std::copyable<Resolver<int>> && std::copyable<Ints>,
              "callbacks own resolvers and promises: both can be copied");
NEEDS(const Ints, it.then(a<Text>()), Promise<std::string>,
      "then() with a handler that returns a T gives a Promise<T>");
NEEDS(const Ints, it.then(a<Nothing>()), Promise<Unit>,
      "then() with a handler that returns nothing gives a Promise<Unit>");
NEEDS(const Ints, it.then(a<Another>()), Promise<std::string>,
      "then() with a handler that returns a Promise<T> gives a Promise<T>, not a promise for a "
      "promise");
NEEDS(const Ints, it.or_else(a<Mends>()), Ints, "or_else() of a Promise<T> gives a Promise<T>");
