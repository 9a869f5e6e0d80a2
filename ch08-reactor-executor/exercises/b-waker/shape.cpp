// What the suite of ch08/b needs from your headers.

#include "testing/shape.hpp"

#include <chrono>
#include <concepts>
#include <memory>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "parker.hpp"
#include "reactor.hpp"
#include "waker.hpp"

struct Now final : Future<int> {
  PollState<int> poll(const Waker&) override { return 0; }
};

NEEDS(Parker, it.park(), void, "Parker needs: void park()");
NEEDS(Parker, it.unpark(), void, "Parker needs: void unpark()");
static_assert(std::constructible_from<Waker, std::shared_ptr<Parker>>,
              "Waker needs: explicit Waker(std::shared_ptr<Parker> parker)");
static_assert(std::copyable<Waker>, "a Waker can be copied, also over another one");
NEEDS(const Waker, it.wake(), void, "Waker needs: void wake() const");
NEEDS(Executor, it.block_on(Now()), int,
      "Executor needs: template <IsFuture F> typename F::Output block_on(F future)");
NEEDS(const Executor, it.polls(), long, "Executor needs: long polls() const");
NEEDS(Reactor, it.current(), Reactor&, "Reactor needs: static Reactor& current()");
NEEDS(Reactor, it.add(testing::a<const net::Fd&>(), "name"), Registration,
      "Reactor needs: Registration add(const net::Fd& source, std::string_view name)");
static_assert(std::movable<Registration>, "a Registration can be moved");
NEEDS(Registration, it.set_waker(testing::a<const Waker&>()), void,
      "Registration needs: void set_waker(const Waker& waker)");
NEEDS(HttpGet, it.poll(testing::a<const Waker&>()), PollState<std::string>,
      "HttpGet needs: PollState<std::string> poll(const Waker& waker)");
static_assert(IsFuture<HttpGet>, "HttpGet is derived from Future<std::string>");
