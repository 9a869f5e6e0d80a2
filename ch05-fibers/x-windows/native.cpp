#include "native.hpp"

#include <stdexcept>
#include <system_error>
#include <utility>

namespace native {
namespace {

thread_local void* main_fiber = nullptr;

void check(const void* fiber, const char* call) {
  if (fiber == nullptr)
    throw std::system_error(static_cast<int>(::GetLastError()), std::system_category(), call);
}

}  // namespace

Runtime::Runtime() {
  main_fiber = ::ConvertThreadToFiber(nullptr);
  check(main_fiber, "ConvertThreadToFiber");
}

Runtime::~Runtime() {
  ready_.clear();
  ::ConvertFiberToThread();
  main_fiber = nullptr;
}

void Runtime::spawn(void (*function)()) {
  auto fiber = std::make_unique<Fiber>();
  fiber->function = function;
  fiber->handle = ::CreateFiber(0, start, fiber.get());  // 0: a stack as large as a thread's
  check(fiber->handle, "CreateFiber");
  ready_.push_back(std::move(fiber));
}

// There is no guard here: where a fiber's function returns, its thread ends.
void CALLBACK Runtime::start(void* parameter) {
  auto* fiber = static_cast<Fiber*>(parameter);
  fiber->function();
  fiber->has_returned = true;
  yield();
}

void Runtime::run() {
  while (!ready_.empty()) {
    std::unique_ptr<Fiber> fiber = std::move(ready_.front());
    ready_.pop_front();
    ::SwitchToFiber(fiber->handle);
    if (!fiber->has_returned) ready_.push_back(std::move(fiber));
  }
}

void yield() { ::SwitchToFiber(main_fiber); }

}  // namespace native
