#include "runtime.hpp"

#include <stdexcept>

#include "narrate/narrate.hpp"

namespace {

// guard() and yield() get no argument that could say whose they are.
thread_local Runtime* runtime = nullptr;

// Leaves the functions of fibers that will not go on. No std::exception, so that nobody takes it
// for an error.
struct Ended {};

}  // namespace

Runtime::Runtime() {
  if (runtime != nullptr) throw std::logic_error("this thread has a runtime already");
  runtime = this;
}

Runtime::~Runtime() {
  ending_ = true;
  while (left_ != 0) {
    let_others_run();
    try {
      free_finished();
    } catch (...) {  // nobody is left to hear of it
    }
  }
  runtime = nullptr;
}

void Runtime::add(std::unique_ptr<Callable> function) {
  auto* fiber = new Fiber(spawned_ + 1, std::move(function));
  ++spawned_;
  ++left_;
  fiber->context = prepare(fiber->stack.usable(), enter, guard);
  make_ready(*fiber);
  narrate::start(fiber->name);
}

void Runtime::make_ready(Fiber& fiber) {
  fiber.next = nullptr;
  (ready_ == nullptr ? ready_ : last_ready_->next) = &fiber;
  last_ready_ = &fiber;
}

void Runtime::run() {
  if (current_ != &main_) throw std::logic_error("run() is not for fibers");
  while (left_ != 0) {
    let_others_run();
    free_finished();
  }
}

// The first function on every stack.
void Runtime::enter() {
  Fiber& self = *runtime->current_;
  try {
    if (!runtime->ending_) self.function->call();
  } catch (const Ended&) {
  } catch (...) {
    self.error = std::current_exception();
  }
  self.function.reset();
}

// A fiber's function has returned, and on its stack there is nobody else. So this function never
// ends: its fiber is not switched to any more. Nor can it free the stack that it stands on: main,
// who has a turn, too, does that.
void Runtime::guard() {
  Fiber& self = *runtime->current_;
  narrate::done(self.name, self.error ? "with an exception" : "");
  self.next = nullptr;
  *runtime->last_finished_ = &self;
  runtime->last_finished_ = &self.next;
  runtime->switch_to_next(true);
}

void Runtime::let_others_run() {
  make_ready(*current_);
  switch_to_next();
}

// Returns when somebody has switched back. Main is always ready, or running: so somebody is.
void Runtime::switch_to_next(bool ends) {
  Fiber& from = *current_;
  Fiber& to = *ready_;
  ready_ = to.next;
  if (&from == &to) return;
  current_ = &to;
  narrate::say("switch", from.name, "to ", to.name);
  ExceptionState::exchange(from.exceptions, to.exceptions);
  StackWatch::before_switch(from.watch, to.watch, ends);
  switch_context(&from.context, &to.context);
}

void Runtime::free_finished() {
  while (finished_ != nullptr) {
    std::unique_ptr<Fiber> fiber(finished_);
    finished_ = fiber->next;
    if (finished_ == nullptr) last_finished_ = &finished_;
    --left_;
    if (fiber->error) std::rethrow_exception(fiber->error);
  }
}

Runtime& Runtime::of_this_fiber() {
  if (runtime == nullptr || runtime->current_ == &runtime->main_)
    throw std::logic_error("this is for fibers, and none is running");
  return *runtime;
}

const char* Runtime::owner_of(const void* address) {
  if (runtime == nullptr) return nullptr;
  std::span<std::byte> guard = runtime->current_->stack.guard();
  bool inside = address >= guard.data() && address < guard.data() + guard.size();
  return inside ? runtime->current_->name.c_str() : nullptr;
}

void Runtime::throw_if_ending() const {
  // Not while something else is being unwound: a second exception would end the program.
  if (ending_ && std::uncaught_exceptions() == 0) throw Ended();
}

void yield() {
  Runtime& ours = Runtime::of_this_fiber();
  ours.throw_if_ending();
  ours.let_others_run();
  ours.throw_if_ending();
}
