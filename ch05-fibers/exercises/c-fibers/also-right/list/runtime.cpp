#include "runtime.hpp"

#include <sys/mman.h>

#include <stdexcept>
#include <utility>

#include "narrate/narrate.hpp"
#include "net/fd.hpp"

namespace {
thread_local Runtime* runtime = nullptr;
}  // namespace

Mapping::Mapping() {
  void* start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw net::last_error("mmap");
  start_ = static_cast<std::byte*>(start);
}
Mapping::~Mapping() { ::munmap(start_, size); }

Runtime::Runtime() {
  if (std::exchange(runtime, runtime == nullptr ? this : runtime) != nullptr)
    throw std::logic_error("one runtime is enough for a thread");
}
Runtime::~Runtime() { runtime = nullptr; }

void Runtime::spawn(void (*function)()) {
  if (unfinished_ == max_fibers) throw std::runtime_error("too many fibers");
  std::string name = "job-" + std::to_string(++spawned_);
  ready_.push_back(std::make_unique<Fiber>(name, function, guard));
  ++unfinished_;
  narrate::start(name);
}

void Runtime::run() {
  if (current_ != nullptr) throw std::logic_error("run() is running");
  while (!ready_.empty()) {
    current_ = std::move(ready_.front());
    ready_.pop_front();
    StackWatch::before_switch(home_watch_, current_->watch);
    switch_context(&home_, &current_->context);
    std::unique_ptr<Fiber> was = std::move(current_);
    if (was->returned)
      --unfinished_;
    else
      ready_.push_back(std::move(was));
  }
}

void Runtime::back(bool ends) {
  Fiber& self = *current_;
  StackWatch::before_switch(self.watch, home_watch_, ends);
  switch_context(&self.context, &home_);
}

void Runtime::guard() {
  runtime->current_->returned = true;
  narrate::done(runtime->current_->name);
  runtime->back(true);
}

void yield() {
  if (runtime == nullptr || runtime->current_ == nullptr)
    throw std::logic_error("there is no fiber that could yield");
  runtime->back(false);
}
