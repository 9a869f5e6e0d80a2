#pragma once
// What has happened to one direction of a source, and who waits for it: all in one word.

#include <atomic>
#include <coroutine>
#include <cstdint>

// Either something that nobody has asked for yet, or the one coroutine that waits, never both. So
// an event, a wait and a stop, each on a thread of its own, meet in one atomic step: one of them
// comes first, and the other finds what it has left there.
//
//   idle        nothing has happened since the last wait, and nobody waits
//   ready       something has: look
//   closed      the other end has gone: look, however often
//   an address  of the coroutine that waits
class Readiness {
 public:
  // True: the coroutine waits. One of the functions below will return it, once, and on another
  // thread it may go on before this has returned. False: something has happened since this was last
  // asked, so look again at once.
  [[nodiscard]] bool wait(std::coroutine_handle<> handle) noexcept {
    std::uintptr_t found = word_;
    while (found != closed) {
      std::uintptr_t next = found == ready ? idle : address_of(handle);
      if (word_.compare_exchange_weak(found, next)) return found != ready;
    }
    return false;
  }

  // Something has happened, or may have. Returns who has waited; nobody: nullptr, and the next
  // wait() does not wait.
  std::coroutine_handle<> set() noexcept { return put(ready); }
  // No wait() waits from now on. Returns who has waited.
  [[nodiscard]] std::coroutine_handle<> close() noexcept { return put(closed); }
  // For the next source. Nobody waits.
  void reset() noexcept { word_ = idle; }

 private:
  static constexpr std::uintptr_t idle = 0, ready = 1, closed = 2;  // no addresses

  static std::uintptr_t address_of(std::coroutine_handle<> handle) noexcept {
    return reinterpret_cast<std::uintptr_t>(handle.address());
  }

  std::coroutine_handle<> put(std::uintptr_t state) noexcept {
    std::uintptr_t found = word_;
    while (found != closed) {
      bool waiting = found > closed;
      // Whoever waits is told, and that is all: it will look.
      std::uintptr_t next = waiting && state == ready ? idle : state;
      if (!word_.compare_exchange_weak(found, next)) continue;
      if (!waiting) return nullptr;
      return std::coroutine_handle<>::from_address(reinterpret_cast<void*>(found));
    }
    return nullptr;
  }

  std::atomic<std::uintptr_t> word_ = idle;
};
