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
  while (!waiting_.empty()) {
    try {
      one_turn();
    } catch (...) {  // nobody is left to hear of it
    }
  }
  runtime = nullptr;
}

void Runtime::add(std::unique_ptr<Callable> function) {
  auto fiber = std::make_unique<Fiber>(spawned_ + 1, std::move(function));
  fiber->context = prepare(fiber->stack.usable(), enter, guard);
  narrate::start(fiber->name);
  waiting_.push_back(std::move(fiber));
  ++spawned_;
}

void Runtime::run() {
  if (turn_ != nullptr) throw std::logic_error("run() is not for fibers");
  while (!waiting_.empty()) one_turn();
}

// Main lets one fiber go on until it yields or returns, and then decides itself what becomes of it.
void Runtime::one_turn() {
  turn_ = std::move(waiting_.front());
  waiting_.pop_front();
  finished_ = false;
  switch_context(*turn_, false);
  std::unique_ptr<Fiber> fiber = std::move(turn_);
  if (!finished_)
    waiting_.push_back(std::move(fiber));
  else if (fiber->error)
    std::rethrow_exception(fiber->error);
}

void Runtime::enter() {
  Fiber& self = *runtime->turn_;
  std::unique_ptr<Callable> function = std::move(self.function);
  try {
    if (!runtime->ending_) function->call();
  } catch (const Ended&) {
  } catch (...) {
    self.error = std::current_exception();
  }
}

void Runtime::guard() {
  narrate::done(runtime->turn_->name, runtime->turn_->error ? "with an exception" : "");
  runtime->finished_ = true;
  runtime->back_to_main(true);
}

void Runtime::back_to_main(bool ends) { switch_context(main_, ends); }

void Runtime::switch_context(Fiber& to, bool ends) {
  Fiber& from = &to == &main_ ? *turn_ : main_;
  narrate::say("switch", from.name, "to ", to.name);
  ExceptionState::exchange(from.exceptions, to.exceptions);
  StackWatch::before_switch(from.watch, to.watch, ends);
  ::switch_context(&from.context, &to.context);
}

Runtime& Runtime::of_this_fiber() {
  if (runtime == nullptr || runtime->turn_ == nullptr)
    throw std::logic_error("this is for fibers, and none is running");
  return *runtime;
}

const char* Runtime::owner_of(const void* address) {
  if (runtime == nullptr || runtime->turn_ == nullptr) return nullptr;
  std::span<std::byte> guard = runtime->turn_->stack.guard();
  bool inside = address >= guard.data() && address < guard.data() + guard.size();
  return inside ? runtime->turn_->name.c_str() : nullptr;
}

void Runtime::throw_if_ending() const {
  if (ending_ && std::uncaught_exceptions() == 0) throw Ended();
}

void yield() {
  Runtime& ours = Runtime::of_this_fiber();
  ours.throw_if_ending();
  ours.back_to_main();
  ours.throw_if_ending();
}
