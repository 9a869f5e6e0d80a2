#include "runtime.hpp"

#include <stdexcept>
#include <system_error>

#include "narrate/narrate.hpp"

namespace {

// guard() and yield() get no argument that could say whose they are.
thread_local Runtime* runtime = nullptr;

// Leaves the functions of fibers that will not go on. No std::exception, so that nobody takes it
// for an error.
struct Ended {};

}  // namespace

Runtime::Runtime(std::size_t kept_stacks, Switch switch_with)
    : pool_(Fiber::stack_size, kept_stacks), switch_(switch_with) {
  if (runtime != nullptr) throw std::logic_error("this thread has a runtime already");
  runtime = this;
}

Runtime::~Runtime() {
  ending_ = true;
  for (Fiber* fiber = main_.next; fiber != &main_; fiber = fiber->next) wake(*fiber, true);
  while (main_.next != &main_) {
    wake_those_ready();
    let_others_run();
    try {
      free_finished();
    } catch (...) {  // nobody is left to hear of it
    }
  }
  runtime = nullptr;
}

void Runtime::add(Fiber& fiber, std::span<std::byte> stack) {
  ++spawned_;
  fiber.context = prepare(stack, enter, guard);
  fiber.next = &main_;
  fiber.previous = main_.previous;
  fiber.previous->next = main_.previous = &fiber;
  ready_.push_back(&fiber);
  narrate::start(fiber.name);
}

void Runtime::run() {
  if (current_ != &main_) throw std::logic_error("run() is not for fibers");
  while (main_.next != &main_) {
    wake_those_ready();
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
  self.function->~Callable();
}

// A fiber's function has returned, and on its stack there is nobody else. So this function never
// ends: its fiber is not switched to any more. Nor can it free the stack that it stands on: main,
// who has a turn, too, does that.
void Runtime::guard() {
  Fiber& self = *runtime->current_;
  narrate::done(self.name, self.error ? "with an exception" : "");
  runtime->finished_.push_back(&self);
  runtime->switch_to_next(true);
}

void Runtime::let_others_run() {
  ready_.push_back(current_);
  switch_to_next();
}

// Returns when somebody has switched back. Main is always ready, or running: so somebody is.
void Runtime::switch_to_next(bool ends) {
  Fiber& from = *current_;
  Fiber& to = *ready_.pop_front();
  if (&from == &to) return;
  current_ = &to;
  narrate::say("switch", from.name, "to ", to.name);
  ExceptionState::exchange(from.exceptions, to.exceptions);
  StackWatch::before_switch(from.watch, to.watch, ends);
  switch_(&from.context, &to.context);
}

void Runtime::free_finished() {
  while (!finished_.empty()) {
    Fiber& fiber = *finished_.pop_front();
    fiber.previous->next = fiber.next;
    fiber.next->previous = fiber.previous;
    Stack stack = std::move(fiber.stack);  // outlives what lies on it
    std::exception_ptr error = fiber.error;
    fiber.~Fiber();
    pool_.give_back(std::move(stack));
    if (error) std::rethrow_exception(error);
  }
}

Token Runtime::add(Source& source, const net::Fd& descriptor) {
  poll_.registry().add(descriptor, last_token_ + 1);
  sources_[++last_token_] = &source;
  return last_token_;
}

void Runtime::remove(Token token, const net::Fd& descriptor) noexcept {
  // Should an event still come, it finds nobody: no other source will ever have this token.
  sources_.erase(token);
  try {
    poll_.registry().remove(descriptor);
  } catch (const std::system_error&) {  // then it leaves the queue when it is closed
  }
}

bool Runtime::park(Clock::time_point deadline) {
  throw_if_ending();
  Fiber& self = *current_;
  narrate::say("park", self.name);
  auto timer = deadline == never ? timers_.end() : timers_.emplace(deadline, &self);
  self.parked = true;
  ++parked_;
  switch_to_next();
  --parked_;
  if (timer != timers_.end()) timers_.erase(timer);
  throw_if_ending();
  return self.in_time;
}

// An event and a deadline may come in the same round. The fiber goes on once, with what came first.
void Runtime::wake(Fiber& fiber, bool in_time) {
  if (!fiber.parked) return;
  narrate::say("wake", fiber.name);
  fiber.parked = false;
  fiber.in_time = in_time;
  ready_.push_back(&fiber);
}

// Main's turn. It may sleep only when nobody else has anything to do.
void Runtime::wake_those_ready() {
  if (parked_ == 0) return;
  Clock::time_point until = timers_.empty() ? never : timers_.begin()->first;
  if (!ready_.empty() || !finished_.empty()) until = Clock::now();
  for (const Event& event : poll_.wait(until)) {
    auto source = sources_.find(event.token);
    if (source == sources_.end()) continue;
    if (event.readable && source->second->reader_) wake(*source->second->reader_, true);
    if (event.writable && source->second->writer_) wake(*source->second->writer_, true);
  }
  Clock::time_point now = Clock::now();
  for (auto& [deadline, fiber] : timers_) {
    if (deadline > now) break;
    wake(*fiber, false);
  }
}

Runtime& Runtime::of_this_thread() {
  if (runtime == nullptr) throw std::logic_error("this thread has no runtime");
  return *runtime;
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
