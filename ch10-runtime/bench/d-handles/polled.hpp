#pragma once
// The stages that poll, which are measured beside d.

// `depth` coroutines, one in another; the innermost waits `times` times for what has happened by
// then. Returns when they have ended.
namespace ch10_a {
void wait_in_a_row(int depth, int times);
}
namespace ch10_c {
void wait_in_a_row(int depth, int times);
}
