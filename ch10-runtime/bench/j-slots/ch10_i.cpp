// Stage i.

#include "ch10_i.hpp"

#include "../from_elsewhere.hpp"

// The executor looks for it outside of the namespace.
static void run(std::coroutine_handle<> handle);

namespace ch10_i {

#include "../../i-one-loop/executor.hpp"
#include "../../i-one-loop/sleep.hpp"
#include "../../i-one-loop/socket.hpp"
#include "../../i-one-loop/task.hpp"
#include "../round_trips.hpp"
#include "../sleepers.hpp"

void round_trips(const net::Address& server, int times) { run_round_trips(server, times); }
void sleeps(int times) { run_sleepers(times); }

}  // namespace ch10_i

static void run(std::coroutine_handle<> handle) { ch10_i::run(handle); }
