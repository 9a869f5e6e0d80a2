// What the suite of ch08/d needs from your headers.

#include "testing/shape.hpp"

#include "executor.hpp"
#include "future.hpp"

struct Now final : Future<Unit> {
  PollState<Unit> poll(const Waker&) override { return Unit{}; }
};

static_assert(std::default_initializable<Executor>,
              "an Executor is made from nothing: Executor executor;");
static_assert(!std::move_constructible<Executor>,
              "an Executor is neither copied nor moved: while it runs it is known by its address");
NEEDS(Executor, T::current(), Executor&, "Executor needs: static Executor& current()");
NEEDS(Executor, it.spawn(testing::a<Now>()), void, "Executor needs: void spawn(F future)");
NEEDS(Executor, it.run(), void, "Executor needs: void run()");
NEEDS(Now, spawn(testing::a<decltype(it)>()), void,
      "executor.hpp needs: template <IsFuture F> void spawn(F future)");
