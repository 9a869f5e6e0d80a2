#pragma once
// Fibers: functions that take turns on one thread, each on a stack of its own.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <new>
#include <span>
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
#include "stack_pool.hpp"

struct Fiber {
#if defined(FIBERS_ASAN) || defined(FIBERS_TSAN)
  static constexpr std::size_t stack_size = 256 * 1024;  // what sanitizers add needs room
#else
  static constexpr std::size_t stack_size = 64 * 1024;
#endif

  Fiber() = default;  // whoever is running already, on the thread's own stack
  Fiber(std::size_t number, Callable* f, Stack memory)
      : name("fiber-" + std::to_string(number)),
        function(f),
        stack(std::move(memory)),
        watch(stack.usable()) {}

  std::string name = "main";
  Callable* function = nullptr;  // lies on the stack, as this object does
  Stack stack;
  StackWatch watch;
  Context context;
  ExceptionState exceptions;
  std::exception_ptr error;  // what has left the function
  bool parked = false;       // waits to be woken, and is not in the queue of those that are ready
  bool in_time = false;      // whether it was woken before its deadline
  Fiber* previous = this;    // all fibers stand in a ring, beginning with main
  Fiber* next = this;
  Fiber* behind = nullptr;  // in a queue
};

// First in, first out. The fibers are its links, so it needs no memory; a fiber is in one at a
// time.
class Queue {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  void push_back(Fiber* fiber) {
    (empty() ? first_ : last_->behind) = fiber;
    last_ = fiber;
  }
  Fiber* pop_front() { return std::exchange(first_, std::exchange(first_->behind, nullptr)); }

 private:
  Fiber* first_ = nullptr;
  Fiber* last_ = nullptr;
};

// Any number of fibers. All that happens with a runtime happens on the thread that made it; each
// thread may have one at a time.
class Runtime {
 public:
  // Keeps at most so many stacks of fibers that have returned, for those to come, and switches with
  // this function. Throws std::logic_error if this thread has a runtime already.
  explicit Runtime(std::size_t kept_stacks = 64, Switch switch_with = switch_registers);
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
    static_assert(sizeof function < Fiber::stack_size / 4);
    // All that belongs to a fiber lies at the upper end of its own stack.
    Stack stack = pool_.take();
    std::span<std::byte> memory = stack.usable();
    auto* callable = place<CallableOf<F>>(memory, std::move(function));
    add(*place<Fiber>(memory, spawned_ + 1, callable, std::move(stack)), memory);
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

  // Makes a T at the upper end of the memory, and leaves the rest.
  template <class T, class... Arguments>
  static T* place(std::span<std::byte>& memory, Arguments&&... arguments) {
    auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
    memory = memory.first((begin + memory.size() - sizeof(T)) / alignof(T) * alignof(T) - begin);
    return ::new (memory.data() + memory.size()) T(std::forward<Arguments>(arguments)...);
  }

  void add(Fiber& fiber, std::span<std::byte> stack);
  void let_others_run();
  void switch_to_next(bool ends = false);
  void wake(Fiber& fiber, bool in_time);
  void wake_those_ready();
  void free_finished();
  void throw_if_ending() const;

  StackPool pool_;
  Switch switch_;
  Fiber main_;  // whoever calls run()
  std::size_t spawned_ = 0;
  Fiber* current_ = &main_;  // who is running
  Queue ready_;              // who else could run, in the order of their turns
  Queue finished_;           // who will never run again, but still has a stack
  std::size_t parked_ = 0;
  Poll poll_;
  std::unordered_map<Token, Source*> sources_;
  Token last_token_ = 0;
  std::multimap<Clock::time_point, Fiber*> timers_;  // of parked fibers that have a deadline
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
