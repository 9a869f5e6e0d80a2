// What the suite of ch09/d needs from your headers.

#include "testing/shape.hpp"

#include <chrono>
#include <concepts>
#include <string>
#include <utility>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "net/address.hpp"
#include "pinned.hpp"
#include "waker.hpp"

struct Now final : Future<int> {
  PollState<int> poll(const Waker&) override { return 0; }
};

static_assert(IsFuture<Now>, "a class can be derived from Future<T>, as it was in stage b");
static_assert(std::default_initializable<Now>,
              "a class that is derived from Future<T> can be made");
NEEDS(const Pinned<int>, it->poll(testing::a<const Waker&>()), PollState<int>,
      "a Pinned<T> is used like a pointer: PollState<T> pinned->poll(waker)");
static_assert(std::movable<Pinned<int>>, "a Pinned<T> can be moved, and assigned");
NEEDS(Now, pin<T>(), Pinned<int>,
      "pinned.hpp needs: Pinned<typename F::Output> pin<F>(Args&&... args)");
NEEDS(Executor, it.spawn(testing::a<Pinned<Unit>>()), void,
      "Executor needs: void spawn(Pinned<Unit> future)");
NEEDS(Pinned<Unit>, spawn(std::move(it)), void,
      "executor.hpp needs: void spawn(Pinned<Unit> future)");
NEEDS(net::Address, get(it, std::string(), std::chrono::milliseconds(1)), Pinned<std::string>,
      "http.hpp needs: Pinned<std::string> get(net::Address server, std::string name, "
      "std::chrono::milliseconds delay)");
