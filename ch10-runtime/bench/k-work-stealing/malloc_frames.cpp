// The stage whose frames come from the heap.

#include "../from_elsewhere.hpp"
#include "variants.hpp"

// The executor looks for it outside of the namespace.
static void run(std::coroutine_handle<> handle);

// What is not to be included below.
#include "../../k-work-stealing/frames.hpp"

namespace malloc_frames {

class Frames {
 public:
  static void* take(std::size_t size) { return ::operator new(size); }
  static void give_back(void* memory, std::size_t) noexcept { ::operator delete(memory); }
  static void clear() noexcept {}
};

#include "../../k-work-stealing/combinators.hpp"
#include "../../k-work-stealing/executor.hpp"
#include "../../k-work-stealing/task.hpp"
#include "../skynet.hpp"

void skynet(std::size_t workers, long leaves) { run_skynet(workers, leaves); }

}  // namespace malloc_frames

static void run(std::coroutine_handle<> handle) { malloc_frames::run(handle); }
