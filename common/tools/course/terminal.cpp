#include "course/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "course/failure.hpp"
#include "narrate/printable.hpp"

namespace course {
namespace {

// An unset variable and an empty one mean the same here, as they do for NO_COLOR.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// By the variables and not by setlocale(): in a container the locale is often not installed, but
// the terminal outside speaks UTF-8 all the same.
bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string locale = variable(name);
    if (locale.empty()) continue;
    for (const char* spelling : {"UTF-8", "utf-8", "UTF8", "utf8"})
      if (locale.find(spelling) != std::string::npos) return true;
    return false;
  }
  return false;
}

// One write(2) after the other. False if that failed; errno says why.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::write(fd, text.data(), text.size());
    if (count == -1 && errno == EINTR) continue;
    if (count == -1) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string pager_command() {
  for (const char* name : {"GIT_PAGER", "PAGER"})
    if (std::string command = variable(name); !command.empty()) return command;
  return std::system("command -v less >/dev/null 2>&1") == 0 ? "less" : "cat";
}

}  // namespace

std::string Style::paint(std::string_view code, std::string_view text) const {
  if (!colour) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[m";
}

bool on_terminal(int fd) { return ::isatty(fd) == 1; }

bool obeys_escapes(int fd) {
  std::string kind = variable("TERM");
  return on_terminal(fd) && !kind.empty() && kind != "dumb";
}

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

std::string pad(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width - std::min(width, columns(text)), ' ');
}

Style style() {
  Style style;
  style.utf8 = utf8_locale();
  style.width = narrate::output_columns(80);
  if (!on_terminal(STDOUT_FILENO)) return style;
  style.colour = variable("NO_COLOR").empty() && obeys_escapes(STDOUT_FILENO);
  return style;
}

void print(std::string_view text) {
  if (write_all(STDOUT_FILENO, text)) return;
  if (errno == EPIPE) throw OutputClosed();
  throw Failure("cannot write to standard output: " + std::string(std::strerror(errno)));
}

void complain(std::string_view line) { (void)write_all(STDERR_FILENO, std::string(line) + "\n"); }

Pager::Pager() {
  if (!obeys_escapes(STDOUT_FILENO)) return;
  std::string command = pager_command();
  if (command == "cat") return;
  ::setenv("LESS", "FRX", 0);  // as git does: no pager for what fits on the screen; pass colours on
  std::signal(SIGINT, SIG_IGN);   // Ctrl-C is for the pager then,
  std::signal(SIGPIPE, SIG_IGN);  // and the reader may leave it before the end
  terminal_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  FILE* pipe = ::popen(command.c_str(), "w");
  // We wait for the reader, who would otherwise be left with a pager that reads the same keys as
  // the shell. If the terminal is gone, the pager ends by itself.
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  if (pipe == nullptr) return;
  pipe_ = pipe;
  ::dup2(::fileno(pipe), STDOUT_FILENO);
}

Pager::~Pager() {
  if (terminal_ == -1) return;
  ::dup2(terminal_, STDOUT_FILENO);
  ::close(terminal_);
  if (pipe_ != nullptr) ::pclose(static_cast<FILE*>(pipe_));
  for (int number : {SIGINT, SIGPIPE, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
}

}  // namespace course
