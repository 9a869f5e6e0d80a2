#pragma once
// What a fiber can wait for.

#include "poll.hpp"

struct Fiber;
class Runtime;

// A descriptor in the queue of this thread's runtime, and the fibers that wait for it: at most one
// to read, and one to write. Neither the descriptor nor the runtime may end before it, and it may
// not end while one of them waits.
class Source {
 public:
  explicit Source(const net::Fd& descriptor);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source();

  // Parks the running fiber until the descriptor may have become readable (writable) since it was
  // last asked: so ask first, wait where it would block, and ask again. Throws std::system_error
  // (ETIMEDOUT) with the name of the call if the deadline comes first, and std::logic_error if
  // another fiber is waiting for the same.
  void wait_readable(Clock::time_point deadline, const char* call);
  void wait_writable(Clock::time_point deadline, const char* call);

 private:
  friend class Runtime;
  void wait(Fiber*& place, Clock::time_point deadline, const char* call);

  const net::Fd& descriptor_;
  Runtime& runtime_;
  Token token_;
  Fiber* reader_ = nullptr;
  Fiber* writer_ = nullptr;
};
