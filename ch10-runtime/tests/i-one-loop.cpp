// The suite of ch10/i-one-loop.

// (From this stage on the reactor does not know the queue of whoever waits.)
#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, never)
#include "one_loop_cases.hpp"
