// The stage with a lock on each worker's queue.

#include "../from_elsewhere.hpp"
#include "variants.hpp"

// What is not to be included below.
#include "../../k-work-stealing/work_queue.hpp"

namespace locked_queue {

class WorkQueue {
 public:
  [[nodiscard]] bool push(std::coroutine_handle<> handle) {
    std::lock_guard lock(mutex_);
    handles_.push_back(handle);
    return true;
  }
  std::coroutine_handle<> pop() {
    std::lock_guard lock(mutex_);
    if (handles_.empty()) return nullptr;
    std::coroutine_handle<> handle = handles_.back();
    handles_.pop_back();
    return handle;
  }
  std::coroutine_handle<> steal() {
    std::lock_guard lock(mutex_);
    if (handles_.empty()) return nullptr;
    std::coroutine_handle<> handle = handles_.front();
    handles_.pop_front();
    return handle;
  }
  [[nodiscard]] bool empty() const {
    std::lock_guard lock(mutex_);
    return handles_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::deque<std::coroutine_handle<>> handles_;
};

#include "../../k-work-stealing/combinators.hpp"
#include "../../k-work-stealing/executor.hpp"
#include "../../k-work-stealing/task.hpp"
#include "../skynet.hpp"

void skynet(std::size_t workers, long leaves) { run_skynet(workers, leaves); }

}  // namespace locked_queue

static void run(std::coroutine_handle<> handle) { locked_queue::run(handle); }
