#pragma once
// Fibers: functions that take turns on one thread, each on a stack of its own.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "context.hpp"
#include "sanitizers.hpp"

// What a fiber is doing. Its context counts only while it is ready: the one of the fiber that is
// running is in the CPU.
enum class State { available, running, ready };

struct Fiber {
  static constexpr std::size_t stack_size = 256 * 1024;

  Fiber() : state(State::running) {}  // whoever is running already, on the thread's own stack
  explicit Fiber(std::size_t number)
      : name("fiber-" + std::to_string(number)),
        stack(std::make_unique_for_overwrite<std::byte[]>(stack_size)),
        watch({stack.get(), stack_size}) {}

  std::string name = "main";
  std::unique_ptr<std::byte[]> stack;
  StackWatch watch;
  Context context;
  State state = State::available;
};

// A fixed number of fibers. All that happens with a runtime happens on the thread that made it;
// each thread may have one at a time.
class Runtime {
 public:
  static constexpr std::size_t max_fibers = 4;

  // Throws std::logic_error if this thread has a runtime already.
  Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  // Fibers that have not returned yet never will. What lives on their stacks is not destroyed.
  ~Runtime();

  // A fiber that will call `function`, in its turn. Throws std::runtime_error where max_fibers have
  // not returned yet. The function may not throw: an exception that leaves it ends the program.
  void spawn(void (*function)());

  // Lets the fibers have their turns, and returns when all have returned. Can be called again. Not
  // for fibers: throws std::logic_error there.
  void run();

 private:
  friend void yield();
  static void guard();
  bool switch_to_next();

  std::vector<std::unique_ptr<Fiber>> fibers_;  // the first one is whoever calls run()
  std::size_t current_ = 0;                     // who is running
};

// For a fiber: lets all others that are ready have their turns, and returns when this one's comes
// again. Throws std::logic_error where no fiber runs.
void yield();
