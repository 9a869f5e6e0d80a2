#include "delayserver/surroundings.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

namespace delay {
namespace {

// That a terminal is ready to be written to does not promise that it has room for a line: only a
// descriptor that does not block can tell. Opened anew, because the flag belongs to whatever shares
// the descriptor: our own would change the shell's, too. A file never makes us wait, and would be
// written from its beginning; a socket cannot be opened: for these it is a duplicate.
net::Fd without_blocking(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
    std::string path = "/proc/self/fd/" + std::to_string(fd);
    net::Fd anew(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (anew) return anew;
  }
  return net::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace

// ---- The log

Log::Log() : out_(without_blocking(STDOUT_FILENO)), closed_(!out_) {}

void Log::line(const std::string& text) {
  if (!closed_) write_rest();
  if (closed_) return;
  if (!rest_.empty()) {
    ++missed_;
    return;
  }
  rest_ = text + "\n";
  if (missed_ > 0) rest_ = "(" + std::to_string(missed_) + " lines are missing here)\n" + rest_;
  std::size_t size = rest_.size();
  write_rest();
  if (rest_.size() < size) {  // some of it is out, so the rest has to follow
    missed_ = 0;
  } else {
    rest_.clear();
    ++missed_;
  }
}

void Log::write_rest() {
  while (!rest_.empty()) {
    // For a duplicate, which may block. A pipe that is ready has room for PIPE_BUF, 4096 bytes.
    pollfd out{out_.get(), POLLOUT, 0};
    if (::poll(&out, 1, 0) == 0) return;
    ssize_t written = ::write(out_.get(), rest_.data(), rest_.size());
    if (written == -1 && errno == EINTR) continue;
    if (written == -1) {
      closed_ = errno != EAGAIN;
      return;
    }
    rest_.erase(0, static_cast<std::size_t>(written));
  }
}

std::string printable(std::string_view text) {
  constexpr std::size_t enough = 200;
  constexpr const char* digits = "0123456789abcdef";
  std::string result;
  for (char c : text.substr(0, enough)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      result += c;
    else
      result = result + "\\x" + digits[byte / 16] + digits[byte % 16];
  }
  if (text.size() > enough) result += "... (" + std::to_string(text.size()) + " bytes)";
  return result;
}

// ---- The port file

PortFile::PortFile(std::string path, std::uint16_t port) : path_(std::move(path)) {
  std::string unfinished = path_ + "." + std::to_string(::getpid());
  std::string line = std::to_string(port) + "\n";
  file_ = net::Fd(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file_) errno = ENOSPC;  // what a write that falls short means
  if (!file_ ||
      ::write(file_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::rename(unfinished.c_str(), path_.c_str()) == -1) {
    int error = errno;
    if (file_) ::unlink(unfinished.c_str());
    throw std::system_error(error, std::generic_category(), "cannot write the port file " + path_);
  }
}

PortFile::~PortFile() {
  struct stat ours{}, there{};
  if (::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
      ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
    ::unlink(path_.c_str());
}

// ---- The trace

bool may_block(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == -1) return false;  // to be made, or to fail when opened
  if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) return true;
  if (!S_ISCHR(status.st_mode)) return false;
  net::Fd device(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return device && ::isatty(device.get()) == 1;
}

// ---- Signals

namespace {

constexpr int stop_signals[] = {SIGINT, SIGTERM};
Server* server_to_stop = nullptr;  // while the handlers are set
int note_to = -1;                  // a terminal, if somebody watches one
volatile std::sig_atomic_t asked_before = 0;

void on_signal(int number) {
  if (asked_before != 0) ::_exit(128 + number);  // as a shell reports it
  asked_before = 1;
  server_to_stop->stop();
  constexpr std::string_view note = "\nfinishing what is in flight; Ctrl-C again ends it at once\n";
  int saved = errno;
  [[maybe_unused]] ssize_t size = ::write(note_to, note.data(), note.size());
  errno = saved;
}

}  // namespace

StopOnSignals::StopOnSignals(Server& server) {
  server_to_stop = &server;
  asked_before = 0;
  if (::isatty(STDERR_FILENO) == 1) note_ = without_blocking(STDERR_FILENO);
  note_to = note_.get();
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i != std::size(stop_signals); ++i)
    ::sigaction(stop_signals[i], &action, &before_[i]);
}

StopOnSignals::~StopOnSignals() {
  for (std::size_t i = 0; i != std::size(stop_signals); ++i)
    ::sigaction(stop_signals[i], &before_[i], nullptr);
}

}  // namespace delay
