// What the suite of ch10/f needs from your headers.

#include "testing/shape.hpp"

#include <coroutine>
#include <string>
#include <type_traits>

#include "net/fd.hpp"
#include "reactor.hpp"
#include "ready_queue.hpp"
#include "sleep.hpp"

static_assert(std::same_as<std::remove_cv_t<decltype(never)>, Clock::time_point>,
              "reactor.hpp needs: Clock, and never, a Clock::time_point");
NEEDS(Reactor, it.add(testing::a<const net::Fd&>(), std::string()), Registration,
      "Reactor needs: Registration add(const net::Fd& source, std::string_view name)");
NEEDS(Reactor, it.add_timer(), Registration, "Reactor needs: Registration add_timer()");
NEEDS(Registration,
      it.wait(testing::a<std::coroutine_handle<>>(), testing::a<ReadyQueue&>(), never), bool,
      "Registration needs: bool wait(std::coroutine_handle<> handle, ReadyQueue& queue, "
      "Clock::time_point deadline)");
NEEDS(const Registration, it.timed_out(), bool, "Registration needs: bool timed_out() const");
NEEDS(Clock::time_point, sleep_until(it).await_resume(), void,
      "sleep.hpp needs: sleep_until(Clock::time_point deadline), which can be awaited");
NEEDS(Clock::duration, sleep_for(it).await_resume(), void,
      "sleep.hpp needs: sleep_for(Clock::duration time), which can be awaited");
