// Stage c: its headers have the names of stage d's, and so have its classes. They stand in a
// namespace of their own, and what they include from elsewhere comes before.

#include <atomic>
#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "narrate/narrate.hpp"
#include "polled.hpp"

namespace ch10_c {
namespace {

#include "../../c-resume/executor.hpp"
#include "../../c-resume/pinned.hpp"
#include "../../c-resume/task.hpp"
#include "polled_row.hpp"

}  // namespace

void wait_in_a_row(int depth, int times) { run_row(depth, times); }

}  // namespace ch10_c
