#pragma once
// Runs one of our programs from a suite: through the emulator where the suite itself runs in one.

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "process/child.hpp"

namespace testing {

// How long a program or a condition may take that needs a fraction of a second: only what hangs
// comes near it, also on a slow machine and under an emulator.
inline constexpr std::chrono::seconds patience{15};
// The same for what runs a reader's code, which may well hang: shorter if COURSE_PATIENCE_MS says
// so.
[[nodiscard]] std::chrono::milliseconds patience_with_stages();

// How long one case may take before the suite ends with its name; COURSE_CASE_SECONDS says so for
// suites whose cases build programs, which takes long where several builds share a machine.
[[nodiscard]] std::chrono::seconds case_limit();

// Whether this suite runs in an emulator (qemu-user), for the few things that it does differently.
[[nodiscard]] bool emulated();

// The stage's program, linked with course::faults, that a stage's suite (…-tests) runs:
// …-with-faults in the same folder. It is STAGE_PROGRAM in a suite.
[[nodiscard]] std::string stage_program();

// The command that runs `program` with these arguments.
[[nodiscard]] process::Command program(const std::string& path,
                                       std::vector<std::string> arguments = {});

// Runs it to its end.
[[nodiscard]] process::Result run(const std::string& path, std::vector<std::string> arguments = {},
                                  const std::string& faults = "");

// Runs it to its end, and counts the system calls it made (it must link course::faults):
//   counted_run(…).calls["read"]
struct CountedResult {
  process::Result result;
  std::map<std::string, std::size_t> calls;
};
[[nodiscard]] CountedResult counted_run(const std::string& path,
                                        std::vector<std::string> arguments = {},
                                        const std::string& faults = "");

// The descriptors that this process has open: the same before and after means that none leaked.
[[nodiscard]] std::size_t open_descriptors();

// The threads of this process. One that has just been joined may still be among them.
[[nodiscard]] std::vector<pid_t> threads();
// Whether every thread of this process is one of these. (Counting would not do: one of them may
// have been joined when they were listed, and be gone since.)
[[nodiscard]] bool no_threads_but(const std::vector<pid_t>& those);
// Whether a thread of this process sleeps, by what the kernel says of it.
[[nodiscard]] bool sleeps(pid_t thread);

// A folder for one test, removed at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace testing
