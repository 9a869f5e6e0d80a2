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

Runtime::Runtime() {
  if (runtime != nullptr) throw std::logic_error("this thread has a runtime already");
  runtime = this;
}

Runtime::~Runtime() {
  ending_ = true;
  for (auto& [number, fiber] : fibers_) wake(fiber, true);
  while (!fibers_.empty()) {
    wake_those_ready();
    let_others_run();
    try {
      free_finished();
    } catch (...) {  // nobody is left to hear of it
    }
  }
  runtime = nullptr;
}

void Runtime::add(std::unique_ptr<Callable> function) {
  std::size_t number = spawned_ + 1;
  Fiber& fiber = fibers_.try_emplace(number, number, std::move(function)).first->second;
  spawned_ = number;
  fiber.context = prepare(fiber.stack.usable(), enter, guard);
  ready_.push_back(&fiber);
  narrate::start(fiber.name);
}

void Runtime::run() {
  if (current_ != &main_) throw std::logic_error("run() is not for fibers");
  while (!fibers_.empty()) {
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
  self.function.reset();
}

// A fiber's function has returned, and on its stack there is nobody else. So this function never
// ends: its fiber is not switched to any more. Nor can it free the stack that it stands on: main,
// who has a turn, too, does that.
void Runtime::guard() {
  Fiber& self = *runtime->current_;
  narrate::done(self.name, self.error ? "with an exception" : "");
  runtime->finished_.push_back(self.number);
  runtime->switch_to_next(true);
}

void Runtime::let_others_run() {
  ready_.push_back(current_);
  switch_to_next();
}

// Returns when somebody has switched back. Main is always ready, or running: so somebody is.
void Runtime::switch_to_next(bool ends) {
  Fiber& from = *current_;
  Fiber& to = *ready_.front();
  ready_.pop_front();
  if (&from == &to) return;
  current_ = &to;
  narrate::say("switch", from.name, "to ", to.name);
  ExceptionState::exchange(from.exceptions, to.exceptions);
  StackWatch::before_switch(from.watch, to.watch, ends);
  switch_context(&from.context, &to.context);
}

void Runtime::free_finished() {
  while (!finished_.empty()) {
    auto fiber = fibers_.extract(finished_.front());
    finished_.pop_front();
    if (fiber.mapped().error) std::rethrow_exception(fiber.mapped().error);
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
  ++self.waits;
  if (deadline != never) timers_.push({deadline, self.number, self.waits});
  self.parked = true;
  switch_to_next();
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
  while (!timers_.empty() && waiting(timers_.top()) == nullptr) timers_.pop();
  Clock::time_point until = timers_.empty() ? never : timers_.top().deadline;
  if (!ready_.empty() || !finished_.empty()) until = Clock::now();
  for (const Event& event : poll_.wait(until)) {
    auto source = sources_.find(event.token);
    if (source == sources_.end()) continue;
    if (event.readable && source->second->reader_) wake(*source->second->reader_, true);
    if (event.writable && source->second->writer_) wake(*source->second->writer_, true);
  }
  Clock::time_point now = Clock::now();
  for (; !timers_.empty() && timers_.top().deadline <= now; timers_.pop())
    if (Fiber* fiber = waiting(timers_.top())) wake(*fiber, false);
}

// Whose wait that is, if it is not over yet.
Fiber* Runtime::waiting(const Timer& timer) {
  auto fiber = fibers_.find(timer.fiber);
  if (fiber == fibers_.end() || !fiber->second.parked) return nullptr;
  return fiber->second.waits == timer.wait ? &fiber->second : nullptr;
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
