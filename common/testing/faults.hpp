#pragma once
// System calls that fail on demand. Whatever links course::faults has its calls redirected by the
// linker (--wrap) to wrappers, which count them, may make them fail or fall short, and else pass
// them on to the real ones.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace testing {

// What shall happen to calls of this thread, in words:
//   "read:3:ECONNRESET"   the third read fails with this error, and is not carried out
//   "read:every:EINTR"    of three reads the first two fail: trying again once is not enough
//   "read:short"          reads and writes move one byte at a time
//   "poll:1:ETIME"        the first wait is over at once, if it has a limit: as if that had passed
// Several at once stand separated by spaces. A child process takes the same words, for all its
// threads, from the environment variable COURSE_FAULTS, and writes its counts ("read 15", a call or
// a family a line) at its normal end to the file named by COURSE_CALLS.
//
// A name is one call ("read"), or, with a star, the family of calls that do its work, for code that
// is free to choose ("read*:2:ECONNRESET" is the second of all its reads and recvs):
//   read*           read, readv, preadv2, recv, recvfrom, recvmsg
//   recv*           those of read*, on sockets only
//   write*          write, writev, pwritev2, send, sendto, sendmsg
//   send*           those of write*, on sockets only: not what the program prints
//   poll*           poll, ppoll, select, pselect
//   epoll_wait*     epoll_wait, epoll_pwait, epoll_pwait2
//   nanosleep*      whatever can sleep for a time: nanosleep, clock_nanosleep, usleep, the calls of
//                   poll* and epoll_wait*, and waiting on a condition variable with a limit
//   getsockopt*     getsockopt, getpeername
//   fcntl*          fcntl, ioctl
//   accept4*, epoll_create1*, waitpid*   with accept, epoll_create, and waitid and wait4
// Only a call of our own objects is seen, not what libc or the C++ library calls inside.
//
// The faults end with the object, and those of an object around it hold again. They hold for the
// thread that made it, so that a server on another thread of the same suite goes on undisturbed.
class Faults {
 public:
  explicit Faults(
      const std::string& plan);  // throws std::invalid_argument for words it cannot read
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  ~Faults();

  struct Plan;

 private:
  std::unique_ptr<Plan> plan_;
};

// Runs an action once: when the Nth of these calls, from now on, has its answer, and before its
// caller has seen it. What the action does has then happened between that call and the caller's
// next step, in every run. It is given the descriptor, if the call is of read* or write*, else -1.
// It runs on the thread that made the call, must not throw, and may make such calls itself. The
// destructor waits for an action that is running.
//   testing::After after("read*", 1, [&](int) { source.make_ready(); });
class After {
 public:
  enum class Of { this_thread, any_thread };
  After(const std::string& name, std::size_t nth, std::function<void(int fd)> action,
        Of of = Of::this_thread);
  After(const After&) = delete;
  After& operator=(const After&) = delete;
  ~After();
  [[nodiscard]] bool has_run() const;  // to its end

  struct Plan;

 private:
  std::shared_ptr<Plan> plan_;
};

// How often this thread has made the call, or those of the family.
[[nodiscard]] std::size_t calls(const std::string& name);

// The limit, in milliseconds, of this thread's last call of poll* or epoll_wait*; -1: none.
[[nodiscard]] int last_timeout();

}  // namespace testing
