#include "narrate/narrate.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "narrate/trace.hpp"

namespace narrate {
namespace {

using Clock = Trace::Clock;
const Clock::time_point program_start = Clock::now();

// Set once, before there are threads; freed (and so completed) at the end of the program.
std::unique_ptr<Trace>& trace() {
  static std::unique_ptr<Trace> instance;
  return instance;
}

// One write() a line, so that lines of several threads do not mix, and the order on the screen is
// the order in which things happened.
void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written == -1 && errno == EINTR) continue;
    if (written == -1)
      throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string_view trimmed(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// One line of a terminal, whatever a server sent.
std::string one_line(std::string text) {
  constexpr std::size_t most = 160;
  if (text.size() > most) text = text.substr(0, most) + "...";
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  return text;
}

bool silent = false;

}  // namespace

namespace detail {

void write(Mark mark, std::string_view verb, std::string_view subject, const std::string& text) {
  Clock::time_point now = Clock::now();
  double seconds = std::chrono::duration<double>(now - program_start).count();
  char head[96];
  int size = subject.empty() ? std::snprintf(head, sizeof head, "%6.2f s  %-8.*s  ", seconds,
                                             static_cast<int>(verb.size()), verb.data())
                             : std::snprintf(head, sizeof head, "%6.2f s  %-8.*s  %-10.*s  ",
                                             seconds, static_cast<int>(verb.size()), verb.data(),
                                             static_cast<int>(subject.size()), subject.data());
  size = std::min(size, static_cast<int>(sizeof head) - 1);
  std::string line = std::string(head, static_cast<std::size_t>(size)) + text;
  if (!silent) write_all(one_line(std::string(trimmed(line))) + "\n");

  if (Trace* file = trace().get()) {
    bool own_row = !subject.empty();
    switch (mark) {
      case Mark::begin:
        file->record({'b', subject, subject, text, now});
        break;
      case Mark::end:
        file->record({'e', subject, subject, text, now});
        break;
      case Mark::slice_begin:
        file->record({'B', verb, {}, text, now});
        break;
      case Mark::instant:
        file->record({own_row ? 'n' : 'i', verb, own_row ? subject : "", text, now});
        break;
    }
  }
}

void end_slice(std::string_view verb) noexcept {
  try {
    if (Trace* file = trace().get()) file->record({'E', verb});
  } catch (const std::exception&) {  // out of memory: the picture misses an end, the run goes on
  }
}

}  // namespace detail

void print(std::string_view line) {
  if (!silent) write_all(std::string(line) + "\n");
}

void set_silent(bool wanted) { silent = wanted; }

void trace_to(const std::string& file) {
  trace() = std::make_unique<Trace>(file, program_invocation_short_name);
}

void finish_trace() {
  if (trace()) trace()->finish();
}

}  // namespace narrate
