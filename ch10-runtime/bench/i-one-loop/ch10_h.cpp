// Stage h.

#include "ch10_h.hpp"

#include "../from_elsewhere.hpp"

// The executor looks for it outside of the namespace.
static void run(std::coroutine_handle<> handle);

namespace ch10_h {

#include "../../h-cancellation/executor.hpp"
#include "../../h-cancellation/socket.hpp"
#include "../../h-cancellation/task.hpp"
#include "../round_trips.hpp"

void round_trips(const net::Address& server, int times) {
  Reactor reactor;
  run_round_trips(server, times);
}

}  // namespace ch10_h

static void run(std::coroutine_handle<> handle) { ch10_h::run(handle); }
