#pragma once
// Fibers: functions that take turns on one thread, each on a stack of its own.

#include <concepts>
#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "callable.hpp"
#include "context.hpp"
#include "exception_state.hpp"
#include "overflow.hpp"
#include "sanitizers.hpp"
#include "stack.hpp"

struct Fiber {
#if defined(FIBERS_ASAN) || defined(FIBERS_TSAN)
  static constexpr std::size_t stack_size = 256 * 1024;  // what sanitizers add needs room
#else
  static constexpr std::size_t stack_size = 64 * 1024;
#endif

  Fiber() = default;  // whoever is running already, on the thread's own stack
  Fiber(std::size_t id, std::unique_ptr<Callable> f)
      : number(id),
        name("fiber-" + std::to_string(id)),
        function(std::move(f)),
        stack(stack_size),
        watch(stack.usable()) {}

  std::size_t number = 0;
  std::string name = "main";
  std::unique_ptr<Callable> function;
  Stack stack;
  StackWatch watch;
  Context context;
  ExceptionState exceptions;
  std::exception_ptr error;  // what has left the function
};

// Any number of fibers. All that happens with a runtime happens on the thread that made it; each
// thread may have one at a time.
class Runtime {
 public:
  // Throws std::logic_error if this thread has a runtime already.
  Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  // What lives on the stacks of fibers that have not returned is destroyed, fiber by fiber: where
  // one of them is in yield(), that throws what no handler but catch (...) can catch. A fiber that
  // goes on all the same keeps the destructor from ending. What has not begun is not called any
  // more.
  ~Runtime();

  // A fiber that will call `function`, in its turn, and destroy it there. Throws std::system_error
  // where there is no memory for its stack; then nothing has changed.
  template <std::invocable F>
  void spawn(F function) {
    add(std::make_unique<CallableOf<F>>(std::move(function)));
  }

  // Lets the fibers have their turns, in the order in which they got ready, and returns when all
  // have returned. The stacks of those that have returned are freed while the others go on. An
  // exception that leaves a fiber comes out of here, and does not wait for the others: they are as
  // they were, and run() can be called again. Not for fibers: throws std::logic_error there.
  void run();

 private:
  friend void yield();
  template <std::invocable F>
  friend void spawn(F function);
  static Runtime& of_this_fiber();
  static const char* owner_of(const void* guard);
  static void enter();
  static void guard();

  void add(std::unique_ptr<Callable> function);
  void let_others_run();
  void switch_to_next(bool ends = false);
  void free_finished();
  void throw_if_ending() const;

  Fiber main_;                           // whoever calls run()
  std::map<std::size_t, Fiber> fibers_;  // by their numbers; those that have not been freed
  std::size_t spawned_ = 0;
  Fiber* current_ = &main_;           // who is running
  std::deque<Fiber*> ready_;          // who else could run, in the order of their turns
  std::deque<std::size_t> finished_;  // who will never run again, but still has a stack
  bool ending_ = false;
  OverflowReports reports_{owner_of};
};

// For a fiber: lets all others that are ready have their turns, and returns when this one's comes
// again. Throws std::logic_error where no fiber runs.
void yield();

// For a fiber: as Runtime::spawn(), for the runtime that it belongs to.
template <std::invocable F>
void spawn(F function) {
  Runtime::of_this_fiber().spawn(std::move(function));
}
