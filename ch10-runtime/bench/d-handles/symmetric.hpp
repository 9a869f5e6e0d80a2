#pragma once
// A task as the standard has it in mind: who stops returns who is next, and the compiler makes a
// jump of that (symmetric transfer). Otherwise as stage d's. Only for what always has a parent.

#include <coroutine>
#include <exception>
#include <utility>

namespace symmetric {

class Task {
 public:
  struct promise_type {
    std::coroutine_handle<> parent = std::noop_coroutine();
    std::exception_ptr error;
    int value = 0;

    struct AtTheEnd {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<promise_type> handle) const noexcept {
        return handle.promise().parent;
      }
      void await_resume() const noexcept {}
    };

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    AtTheEnd final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { error = std::current_exception(); }
    void return_value(int result) { value = result; }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }
  [[nodiscard]] Handle handle() const { return handle_; }

  class Awaiter {
   public:
    explicit Awaiter(Handle handle) : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) const noexcept {
      handle_.promise().parent = parent;
      return handle_;
    }
    int await_resume() const {
      if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
      return handle_.promise().value;
    }

   private:
    Handle handle_;
  };
  Awaiter operator co_await() && { return Awaiter(handle_); }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

}  // namespace symmetric
