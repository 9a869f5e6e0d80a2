// Stage c: its headers have the names of stage d's, and so have its classes. They stand in a
// namespace of their own.

#include "../from_elsewhere.hpp"
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
