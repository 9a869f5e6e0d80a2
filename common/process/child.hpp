#pragma once
// Runs programs: the tools build stages with it, the suites run stages and servers with it.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/fd.hpp"

namespace process {

// How a program ended.
struct Exit {
  int code = -1;      // the exit status, or -1 if a signal ended it
  int signal = 0;     // that signal, or 0
  bool late = false;  // it was killed because its deadline had passed
  [[nodiscard]] bool ok() const { return code == 0; }
  // "exit status 1", "killed by SIGSEGV (Segmentation fault)", "no end after 5000 ms: killed".
  [[nodiscard]] std::string describe() const;
};

struct Command {
  std::vector<std::string> arguments;  // the program first; looked up in PATH if it has no slash
  std::vector<std::pair<std::string, std::string>> environment = {};  // added to ours
  std::filesystem::path directory = {};                               // empty: ours
  // In a process group of its own: signal() and the destructor then reach its children, too.
  bool own_group = false;
  int output = -1;  // a descriptor of ours for its standard output, whatever Child::Output says
};

// A running program. Killed and reaped by the destructor if it is still there. Its standard input
// is /dev/null unless inherited. Move-only; one thread at a time.
class Child {
 public:
  enum class Output {
    inherit,  // it shares our standard input, output and error
    capture,  // out() and err() collect what it prints
  };
  // Throws std::system_error with the program's name if it cannot be started.
  explicit Child(const Command& command, Output output = Output::capture);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Sends a signal, unless the program has been reaped.
  void signal(int number) const;

  // Waits for the end, collecting what is printed meanwhile; kills the program if it takes longer
  // than `deadline`. What it has started may hold its output open after that: without a deadline
  // this waits for them, too. May be called again.
  Exit wait(std::optional<std::chrono::milliseconds> deadline = std::nullopt);
  // Collects what is printed for at most this long; true if the program has ended.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds time);
  // Waits until standard output has `text`; false if the program ended, or the time is over, first.
  [[nodiscard]] bool wait_for_output(const std::string& text, std::chrono::milliseconds deadline);
  // Closes our end of its standard output and error: what it prints next meets a broken pipe.
  void close_output();

  [[nodiscard]] const std::string& out() const { return out_; }
  [[nodiscard]] const std::string& err() const { return err_; }

 private:
  bool collect(std::chrono::steady_clock::time_point until);
  void collect_rest();
  bool reap(int flags);

  pid_t pid_ = -1;
  bool own_group_ = false;
  std::optional<Exit> exit_;
  net::Fd out_pipe_, err_pipe_;
  std::string out_, err_;
};

// Runs a program to its end and returns what it printed.
struct Result {
  Exit exit;
  std::string out;
  std::string err;
};
[[nodiscard]] Result run(const Command& command,
                         std::optional<std::chrono::milliseconds> deadline = std::nullopt);

}  // namespace process
