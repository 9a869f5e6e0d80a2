#include "runtime.hpp"

#include <stdexcept>
#include <utility>

#include "narrate/narrate.hpp"

namespace {

// guard() and yield() get no argument that could say whose they are.
thread_local Runtime* runtime = nullptr;

}  // namespace

Runtime::Runtime() {
  if (runtime != nullptr) throw std::logic_error("this thread has a runtime already");
  fibers_.push_back(std::make_unique<Fiber>());
  for (std::size_t number = 1; number <= max_fibers; ++number)
    fibers_.push_back(std::make_unique<Fiber>(number));
  runtime = this;
}

Runtime::~Runtime() { runtime = nullptr; }

void Runtime::spawn(void (*function)()) {
  for (const std::unique_ptr<Fiber>& fiber : fibers_) {
    if (fiber->state != State::available) continue;
    fiber->context = prepare({fiber->stack.get(), Fiber::stack_size}, function, guard);
    fiber->state = State::ready;
    narrate::start(fiber->name);
    return;
  }
  throw std::runtime_error("all " + std::to_string(max_fibers) + " fibers are taken");
}

void Runtime::run() {
  if (current_ != 0) throw std::logic_error("run() is not for fibers");
  while (switch_to_next()) {
  }
}

// A fiber's function has returned, and on its stack there is nobody else. So this function never
// ends: its fiber is not switched to any more.
void Runtime::guard() {
  Fiber& self = *runtime->fibers_[runtime->current_];
  self.state = State::available;
  narrate::done(self.name);
  runtime->switch_to_next();
}

// False if nobody else is ready. Else it returns when somebody has switched back.
bool Runtime::switch_to_next() {
  std::size_t next = current_;
  do {
    next = (next + 1) % fibers_.size();
    if (next == current_) return false;
  } while (fibers_[next]->state != State::ready);

  Fiber& from = *fibers_[std::exchange(current_, next)];
  Fiber& to = *fibers_[next];
  bool ends = from.state == State::available;
  if (!ends) from.state = State::ready;
  to.state = State::running;
  narrate::say("switch", from.name, "to ", to.name);
  StackWatch::before_switch(from.watch, to.watch, ends);
  switch_context(&from.context, &to.context);
  return true;
}

void yield() {
  if (runtime == nullptr || runtime->current_ == 0)
    throw std::logic_error("yield() is for fibers, and none is running");
  runtime->switch_to_next();
}
