#pragma once
// Fibers: functions that take turns on one thread, each on a stack of its own.

#include <concepts>
#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "callable.hpp"
#include "context.hpp"
#include "exception_state.hpp"
#include "overflow.hpp"
#include "poll.hpp"
#include "sanitizers.hpp"
#include "source.hpp"
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
  bool parked = false;       // waits to be woken, and is not in the queue of those that are ready
  bool in_time = false;      // whether it was woken before its deadline
};

// Any number of fibers. All that happens with a runtime happens on the thread that made it; each
// thread may have one at a time.
class Runtime {
 public:
  // Throws std::logic_error if this thread has a runtime already.
  Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  // What lives on the stacks of fibers that have not returned is destroyed, fiber by fiber, in any
  // order: where one of them yields or is parked, that throws what no handler but catch (...) can
  // catch. A fiber that goes on all the same keeps the destructor from ending, and so does, for as
  // long as it takes, one whose own destructors wait for something. What has not begun is not
  // called any more.
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

  // For what fibers wait for. These throw std::logic_error where there is no runtime (no fiber).
  static Runtime& of_this_thread();
  static Runtime& of_this_fiber();
  [[nodiscard]] Fiber& running() const { return *current_; }
  // From now on whoever waits for the source is woken when it becomes ready.
  Token add(Source& source, const net::Fd& descriptor);
  void remove(Token token, const net::Fd& descriptor) noexcept;
  // All others go on, and the running fiber does when it is woken. False: nobody has done it before
  // the deadline.
  bool park(Clock::time_point deadline);

 private:
  friend void yield();
  static const char* owner_of(const void* guard);
  static void enter();
  static void guard();

  void add(std::unique_ptr<Callable> function);
  void let_others_run();
  void switch_to_next(bool ends = false);
  void wake(Fiber& fiber, bool in_time);
  void wake_those_ready();
  void free_finished();
  void throw_if_ending() const;

  Fiber main_;                           // whoever calls run()
  std::map<std::size_t, Fiber> fibers_;  // by their numbers; those that have not been freed
  std::size_t spawned_ = 0;
  Fiber* current_ = &main_;           // who is running
  std::deque<Fiber*> ready_;          // who else could run, in the order of their turns
  std::deque<std::size_t> finished_;  // who will never run again, but still has a stack
  Poll poll_;
  std::unordered_map<Token, Source*> sources_;
  Token last_token_ = 0;
  std::multimap<Clock::time_point, Fiber*> timers_;  // of fibers that are parked, or just were
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
