#pragma once
// What has happened to one direction of a source, and who waits for it: all in one word.

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <stdexcept>

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
  // asked, so look again at once. One waits at a time.
  [[nodiscard]] bool wait(std::coroutine_handle<> handle) {
    (void)handle;
    throw std::logic_error("Readiness::wait() is yours to write");
  }

  // Something has happened, or may have. Returns who has waited; nobody: nullptr, and the next
  // wait() does not wait. Several that nobody has asked for count as one. Throws nothing: a stop
  // calls it, too.
  std::coroutine_handle<> set() noexcept {
    return nullptr;  // and the rest of it is yours to write
  }
  // No wait() waits from now on, whatever else comes. Returns who has waited.
  [[nodiscard]] std::coroutine_handle<> close() noexcept {
    return nullptr;  // and the rest of it is yours to write
  }
  // For the next source. Nobody waits.
  void reset() { throw std::logic_error("Readiness::reset() is yours to write"); }

 private:
  // One word: what can be in it? (std::coroutine_handle<> has address() and from_address().)
};
