// What the suite of ch05/d needs from your headers.

#include "testing/shape.hpp"

#include <memory>

#include "runtime.hpp"

struct OnlyMoves {
  std::unique_ptr<int> number;
  void operator()() const {}
};

static_assert(std::default_initializable<Runtime>,
              "a Runtime is made from nothing: Runtime runtime;");
static_assert(!std::copyable<Runtime>, "a Runtime can't be copied: fibers point to it");
NEEDS(Runtime, it.spawn(testing::a<void (*)()>()), void,
      "Runtime needs: template <std::invocable F> void spawn(F function)");
NEEDS(Runtime, it.spawn(testing::a<OnlyMoves>()), void,
      "Runtime::spawn() takes what can be moved, but not copied");
NEEDS(Runtime, it.run(), void, "Runtime needs: void run()");
NEEDS(OnlyMoves, spawn(testing::a<decltype(it)>()), void,
      "runtime.hpp needs: template <std::invocable F> void spawn(F function)");
NEEDS(int, (it, yield()), void, "runtime.hpp needs: void yield()");
static_assert(std::same_as<decltype(Fiber::stack_size), const std::size_t>,
              "Fiber needs: static constexpr std::size_t stack_size");
static_assert(std::derived_from<CallableOf<OnlyMoves>, Callable>,
              "callable.hpp needs: struct CallableOf final : Callable");
