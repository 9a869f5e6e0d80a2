// Stage ch10/x-traps, an excursion from ch10/d: when does what a coroutine uses die? New: guests,
// which say so. No coroutine touches one that is gone.

#include <coroutine>
#include <utility>

#include "guest.hpp"
#include "narrate/narrate.hpp"
#include "stage/stage.hpp"
#include "task.hpp"

namespace {

// A task begins when it is awaited, or run: later than its function is called.
void run_later(Task<> task) {
  narrate::say("call", "is over");
  run(task.handle());
}

// ---- The captures of a lambda

void captures() {
  narrate::print("1. A lambda that is a coroutine, and its captures:");
  Task<> task = [guest = Guest("capture")]() -> Task<> {
    narrate::say("run", "coroutine", "the lambda is gone");
    co_return;
  }();
  run_later(std::move(task));
}

void a_parameter_instead() {
  narrate::print("   The same with a parameter:");
  Task<> task = [](Guest) -> Task<> {
    narrate::say("run", "coroutine");
    co_return;
  }(Guest("parameter"));
  run_later(std::move(task));
}

// ---- Parameters

Task<> by_reference(const Guest&) {
  narrate::say("run", "coroutine", "the reference leads nowhere");
  co_return;
}
Task<> by_value(Guest) {
  narrate::say("run", "coroutine");
  co_return;
}

void reference() {
  narrate::print("2. A parameter that is a reference, to a temporary:");
  Task<> task = by_reference(Guest("temporary"));
  run_later(std::move(task));
}

void a_value_instead() {
  narrate::print("   By value:");
  Task<> task = by_value(Guest("value"));
  run_later(std::move(task));
}

// ---- Temporaries of co_await

// Awaiters that are ready at once. One is an aggregate, and the other has a constructor.
struct Aggregate {
  Guest guest;
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}
};
class WithConstructor {
 public:
  explicit WithConstructor(const char* name) : guest_(name) {}
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}

 private:
  Guest guest_;
};

Task<> await_temporaries() {
  narrate::print("3. An aggregate that is a temporary of co_await:");
  co_await Aggregate{Guest("aggregate")};
  narrate::print("   A class with a constructor:");
  co_await WithConstructor("class");
}

void example() {
  captures();
  a_parameter_instead();
  reference();
  a_value_instead();
  run(await_temporaries().handle());
}

}  // namespace

int main() { return stage::run(example); }
