#pragma once
// System calls that fail on demand. Whatever links course::faults has its calls redirected by the
// linker (--wrap) to wrappers, which count them, may make them fail or fall short, and else pass
// them on to the real ones.

#include <cstddef>
#include <string>

namespace testing {

// What shall happen to calls of this thread, in words:
//   "read:3:ECONNRESET"   the third read fails with this error, and is not carried out
//   "read:every:EINTR"    every other read fails, beginning with the first
//   "read:short"          reads and writes move one byte at a time
// Several at once stand separated by spaces. A child process takes the same words, for all its
// threads, from the environment variable COURSE_FAULTS, and writes its counts ("read 15", a call a
// line) at its normal end to the file named by COURSE_CALLS.
//
// The faults end with the object. They hold for the thread that made it, so that a server on
// another thread of the same suite goes on undisturbed.
class Faults {
 public:
  explicit Faults(
      const std::string& plan);  // throws std::invalid_argument for words it cannot read
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  ~Faults();
};

// How often this thread has made the system call.
[[nodiscard]] std::size_t calls(const std::string& name);

}  // namespace testing
