#pragma once
// What ends a command early. main() turns it into one line and an exit status.

#include <stdexcept>
#include <string>

namespace course {

// What the reader should know, in one line; the exit status is 1 (it failed) or 2 (wrong use).
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& line, int status = 1)
      : std::runtime_error(line), status_(status) {}
  [[nodiscard]] int status() const { return status_; }

 private:
  int status_;
};

// Nobody reads our standard output any more. main() says nothing then, like any program in a pipe.
class OutputClosed : public Failure {
 public:
  OutputClosed() : Failure("cannot write to standard output: nobody reads it") {}
};

// The reader wants to stop (SIGINT, SIGTERM), or is gone (SIGHUP). Whatever was running has ended.
struct Interrupted {
  int signal;
};

// What was under way is about files that have changed meanwhile. It has ended.
struct Outdated {};

}  // namespace course
