// Stage a: its headers have the names of stage d's, and so have its classes. They stand in a
// namespace of their own.

#include "../from_elsewhere.hpp"
#include "polled.hpp"

namespace ch10_a {
namespace {

#include "../../a-cpp-coroutines/executor.hpp"
#include "../../a-cpp-coroutines/pinned.hpp"
#include "../../a-cpp-coroutines/task.hpp"
#include "polled_row.hpp"

}  // namespace

void wait_in_a_row(int depth, int times) { run_row(depth, times); }

}  // namespace ch10_a
