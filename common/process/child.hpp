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

// A program, running or ended. The destructor reaps it, and kills what is still there before; so
// until then its number, and that of its group, cannot be anybody else's. Its standard input is
// /dev/null unless inherited. The first one sets SIGCHLD to its default where it was ignored.
// Move-only; one thread at a time.
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
  // Sends a signal; to its group if it has its own, of which some may be left after its end.
  void signal(int number) const;

  // Waits for the end, collecting what is printed until then; kills the program if it takes longer
  // than `deadline`. Nobody waits for what it has started and left behind. May be called again.
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
  void collect(std::chrono::steady_clock::time_point until);
  bool has_ended();
  bool ended_by(std::chrono::steady_clock::time_point until);

  pid_t pid_ = -1;
  bool own_group_ = false;
  std::optional<Exit> exit_;
  net::Fd end_;  // a pidfd: readable from the program's end on
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
