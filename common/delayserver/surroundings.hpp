#pragma once
// What surrounds a server that runs as a program: a log, a port file, signals. None of it may hold
// up the answers.

#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>

#include "delayserver/server.hpp"
#include "net/fd.hpp"

namespace delay {

// Lines on standard output. A reader who pauses (a full pipe, Ctrl-S) misses lines, and one who has
// left is not written to any more.
class Log {
 public:
  Log();
  void line(const std::string& text);

 private:
  void write_rest();

  net::Fd out_;
  bool closed_ = false;
  std::string rest_;  // of the last line: what a terminal had no room for
  std::uint64_t missed_ = 0;
};

// What a terminal can be trusted with: a message may hold any bytes, and a terminal obeys some.
[[nodiscard]] std::string printable(std::string_view text);

// Tells other programs the port, for as long as we listen. Whoever sees the file sees all of it.
class PortFile {
 public:
  // Throws std::system_error with the file's name.
  PortFile(std::string path, std::uint16_t port);
  PortFile(const PortFile&) = delete;
  PortFile& operator=(const PortFile&) = delete;
  ~PortFile();  // removes it, unless another server has put its own in this place

 private:
  std::string path_;
  net::Fd file_;  // stays open, so that its inode number belongs to no other file
};

// The first SIGINT or SIGTERM stops the server, the second one ends the program. One at a time.
class StopOnSignals {
 public:
  explicit StopOnSignals(Server& server);
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
  ~StopOnSignals();  // what was before holds again: no handler outlives the server

 private:
  net::Fd note_;  // where the first signal is answered with a note: a terminal, or nowhere
  struct sigaction before_[2]{};
};

// Whether a write to this file may block for ever: a pipe, a terminal, a socket.
[[nodiscard]] bool may_block(const std::string& path);

}  // namespace delay
