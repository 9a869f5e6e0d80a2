#pragma once
// Runs programs for the reader so that Ctrl-C leaves nothing behind.

#include <csignal>

#include "process/child.hpp"

namespace course {

// While it lives, those signals wait to be asked for instead of ending this process. They are
// blocked for the thread that makes it and the threads that it starts: make it first. Does not
// nest.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  ~Signals();

  // Waits until one of them arrives, or until a child may have ended (SIGCHLD).
  [[nodiscard]] siginfo_t wait();
  // One that has arrived, or 0. SIGCHLD is none.
  [[nodiscard]] int arrived();

 private:
  sigset_t set_, before_;
};

// For Ctrl-Z (SIGTSTP): stops the program, with its group if it has its own, and us. It goes on
// when we do. Compilers that ninja has started finish first: each has a group of its own.
void stop_together(const process::Child& child);

// Runs a program with our standard input, output and error to its end. A signal that was sent to us
// alone is passed on to it; the second one kills it. After a signal nobody of its own group is
// left. Returns how it ended, and the signal or 0.
struct Ended {
  process::Exit exit;
  int signal;
};
[[nodiscard]] Ended run_in_foreground(const process::Command& command, Signals& signals);

}  // namespace course
