#include "runtime.hpp"

#include <stdexcept>

#include "narrate/narrate.hpp"

namespace {

// guard() and yield() get no argument that could say whose they are.
[[maybe_unused]] thread_local Runtime* runtime = nullptr;

// Leaves the functions of fibers that will not go on. No std::exception, so that nobody takes it
// for an error.
struct Ended {};

}  // namespace

Runtime::Runtime() { throw std::logic_error("Runtime::Runtime() is yours to write"); }

// Lets each fiber that is left have its turn, until none is: yield() throws Ended in them then.
Runtime::~Runtime() {}  // yours to write

// Makes the fiber and its context (prepare(), with enter() and guard()), and puts it behind all
// that are ready. At the end:  narrate::start(fiber.name);
void Runtime::add(std::unique_ptr<Callable> function) {
  (void)function;
  throw std::logic_error("Runtime::add() is yours to write");
}

// Main has turns as all others have. In each it frees those that have finished.
void Runtime::run() { throw std::logic_error("Runtime::run() is yours to write"); }

// The first function on every stack. Nothing may be thrown out of it: what leaves the callable is
// kept in Fiber::error (std::current_exception()). Destroys the callable.
void Runtime::enter() { throw std::logic_error("Runtime::enter() is yours to write"); }

// A fiber's function has returned, and on its stack there is nobody else. So this function never
// ends: its fiber is not switched to any more. Nor can it free the stack that it stands on. Begin
// with:  narrate::done(self.name, self.error ? "with an exception" : "");
void Runtime::guard() { throw std::logic_error("Runtime::guard() is yours to write"); }

void Runtime::let_others_run() {
  throw std::logic_error("Runtime::let_others_run() is yours to write");
}

// Takes the first of those that are ready, and switches to it; before that, in this order:
//   narrate::say("switch", from.name, "to ", to.name);
//   ExceptionState::exchange(from.exceptions, to.exceptions);
//   StackWatch::before_switch(from.watch, to.watch, ends);
void Runtime::switch_to_next(bool ends) {
  (void)ends;
  throw std::logic_error("Runtime::switch_to_next() is yours to write");
}

// For main. Throws the error of the first of them that has one; the others keep theirs for the next
// call.
void Runtime::free_finished() {
  throw std::logic_error("Runtime::free_finished() is yours to write");
}

Runtime& Runtime::of_this_fiber() {
  throw std::logic_error("Runtime::of_this_fiber() is yours to write");
}

// The name of the running fiber if the address belongs to its guard page. A signal handler calls
// it: nothing may be allocated or thrown here.
const char* Runtime::owner_of(const void* address) {
  (void)address;
  return nullptr;  // yours to write
}

// Throws Ended. (Not while another exception is on its way: two of them would end the program.)
void Runtime::throw_if_ending() const {
  throw std::logic_error("Runtime::throw_if_ending() is yours to write");
}

void yield() { throw std::logic_error("yield() is yours to write"); }
