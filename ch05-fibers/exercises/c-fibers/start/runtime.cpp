#include "runtime.hpp"

#include <stdexcept>

#include "narrate/narrate.hpp"

// The contract of all this is in runtime.hpp; its private part is yours to change, too. guard() and
// yield() get no argument that could say whose they are, so the runtime has to leave its address
// where they find it: one for each thread.

// fibers_[0] stands for whoever calls run(), on the thread's own stack; max_fibers others follow.
Runtime::Runtime() { throw std::logic_error("Runtime::Runtime() is yours to write"); }

Runtime::~Runtime() {}

// Narrate it:  narrate::start(fiber->name);
void Runtime::spawn(void (*function)()) {
  (void)function;
  throw std::logic_error("Runtime::spawn() is yours to write");
}

void Runtime::run() { throw std::logic_error("Runtime::run() is yours to write"); }

// Where a fiber's function has returned to. On its stack there is nobody else, so this function
// must never return. Narrate it:  narrate::done(self.name);
void Runtime::guard() { throw std::logic_error("Runtime::guard() is yours to write"); }

// Finds the next one whose turn it is, changes the states of both, and switches. False if nobody
// else is ready; true when somebody has switched back. Narrate it, and tell the sanitizers right
// before the switch (`ends`: `from` has returned, and nobody will go back to it):
//   narrate::say("switch", from.name, "to ", to.name);
//   StackWatch::before_switch(from.watch, to.watch, ends);
bool Runtime::switch_to_next() {
  (void)current_;
  throw std::logic_error("Runtime::switch_to_next() is yours to write");
}

void yield() { throw std::logic_error("yield() is yours to write"); }
