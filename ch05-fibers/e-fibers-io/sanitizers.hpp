#pragma once
// What the sanitizers and valgrind have to be told about our stacks. In a plain build there is
// nothing of it.
//
// They keep books on every stack: which bytes of it belong to a variable, who called whom. And they
// take for granted that a thread has one stack. Whoever switches has to say so, or they report
// errors where there are none, and end in confusion. The functions are in
// <sanitizer/asan_interface.h>, <sanitizer/tsan_interface.h> and <valgrind/valgrind.h>.

#include <cstddef>
#include <span>

#if defined(__SANITIZE_ADDRESS__)  // so says g++
#define FIBERS_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define FIBERS_TSAN 1
#elif defined(__has_feature)  // and so clang
#if __has_feature(address_sanitizer)
#define FIBERS_ASAN 1
#elif __has_feature(thread_sanitizer)
#define FIBERS_TSAN 1
#endif
#endif

#ifdef FIBERS_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef FIBERS_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef FIBERS_VALGRIND  // valgrind runs plain builds: compile with -DFIBERS_VALGRIND for it
#include <valgrind/valgrind.h>
#endif

// One for each stack, and for as long as it is used.
class StackWatch {
 public:
  // The stack that this thread came with.
  StackWatch() {
#ifdef FIBERS_TSAN
    fiber_ = __tsan_get_current_fiber();
#endif
  }

  explicit StackWatch([[maybe_unused]] std::span<std::byte> stack) {
#ifdef FIBERS_ASAN
    bottom_ = stack.data();
    size_ = stack.size();
#endif
#ifdef FIBERS_TSAN
    fiber_ = __tsan_create_fiber(0);
    ours_ = true;
#endif
#ifdef FIBERS_VALGRIND
    id_ = VALGRIND_STACK_REGISTER(stack.data(), stack.data() + stack.size());
    ours_ = true;
#endif
  }

  StackWatch(const StackWatch&) = delete;
  StackWatch& operator=(const StackWatch&) = delete;

  ~StackWatch() {
#ifdef FIBERS_TSAN
    if (ours_) __tsan_destroy_fiber(fiber_);
#endif
#ifdef FIBERS_VALGRIND
    if (ours_) VALGRIND_STACK_DEREGISTER(id_);
#endif
  }

  // To be called right before the switch, by the function that switches: that is why it is always
  // inlined. `ends`: nobody will go back to `from`.
  [[gnu::always_inline]] static inline void before_switch([[maybe_unused]] StackWatch& from,
                                                          [[maybe_unused]] StackWatch& to,
                                                          [[maybe_unused]] bool ends = false) {
#ifdef FIBERS_ASAN
    // Variables that may be used after their function has returned are kept elsewhere by ASan, on a
    // "fake stack". Each of our stacks has its own; it is freed where we pass a null pointer.
    if (ends) __asan_unpoison_memory_region(from.bottom_, from.size_);
    __sanitizer_start_switch_fiber(ends ? nullptr : &from.fake_, to.bottom_, to.size_);
    if (ends) from.fake_ = nullptr;
    __sanitizer_finish_switch_fiber(to.fake_, &from.bottom_, &from.size_);
#endif
#ifdef FIBERS_TSAN
    __tsan_switch_to_fiber(to.fiber_, 0);
#endif
  }

 private:
#ifdef FIBERS_ASAN
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  void* fake_ = nullptr;
#endif
#ifdef FIBERS_TSAN
  void* fiber_;
#endif
#ifdef FIBERS_VALGRIND
  unsigned id_ = 0;
#endif
#if defined(FIBERS_TSAN) || defined(FIBERS_VALGRIND)
  bool ours_ = false;
#endif
};
