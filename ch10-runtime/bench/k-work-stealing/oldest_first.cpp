// The stage whose workers take the oldest first.

#include "../from_elsewhere.hpp"
#include "variants.hpp"

// The executor looks for it outside of the namespace.
static void run(std::coroutine_handle<> handle);

// What is not to be included below.
#include "../../k-work-stealing/work_queue.hpp"

namespace oldest_first {

constexpr bool newest_first = false;

#include "locked_work_queue.hpp"
// What needs it comes after it.
#include "../../k-work-stealing/combinators.hpp"
#include "../../k-work-stealing/executor.hpp"
#include "../../k-work-stealing/task.hpp"
#include "../skynet.hpp"

void skynet(std::size_t workers, long leaves) { run_skynet(workers, leaves); }

}  // namespace oldest_first

static void run(std::coroutine_handle<> handle) { oldest_first::run(handle); }
