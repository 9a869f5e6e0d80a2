#pragma once
// The same with the fibers that Windows has of its own, in kernel32.

#include <windows.h>

#include <deque>
#include <memory>

namespace native {

// As our Runtime. The system makes the stacks and switches; whose turn it is we still say.
class Runtime {
 public:
  Runtime();  // makes a fiber of this thread: only fibers can switch
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  void spawn(void (*function)());
  void run();

 private:
  friend void yield();
  struct Fiber {
    void* handle = nullptr;
    void (*function)() = nullptr;
    bool has_returned = false;
    ~Fiber() {
      if (handle != nullptr) ::DeleteFiber(handle);
    }
  };
  static void CALLBACK start(void* fiber);

  std::deque<std::unique_ptr<Fiber>> ready_;
};

// For a fiber of a native::Runtime.
void yield();

}  // namespace native
