#include "narrate/narrate.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

#include "narrate/printable.hpp"
#include "narrate/trace.hpp"

namespace narrate {
namespace {

using Clock = Trace::Clock;
const Clock::time_point program_start = Clock::now();

// Held from before the time is taken until the line is written and the event recorded: so both
// stand in the order of their times, and no line gets into another one.
std::mutex mutex;

// The child of a fork() has a copy of the lock, but not the thread that may hold it. So nobody
// holds it meanwhile.
[[maybe_unused]] const int at_fork =
    ::pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });

// ---- Guarded by the lock

bool silent = false;
bool threads_are_shown = false;  // from the first name on
unsigned threads = 1;            // that have no name of their own; the first one is "main"
int traces = 0;                  // that were begun
std::unique_ptr<Trace> trace;    // freed (and so completed) at the end of the program

// To be called after a change of one of them.
void see_who_hears() { detail::heard = !silent || trace != nullptr; }

// ---- Of a thread

struct Thread {
  char name[16] = "";  // an array, because main()'s is still needed when globals are destroyed
  int trace = 0;       // the last one that was told the name
};
thread_local Thread self;

std::string_view thread_name() {
  if (self.name[0] == '\0' && ::gettid() != ::getpid())
    std::snprintf(self.name, sizeof self.name, "thread-%u", ++threads % 100'000'000);  // it fits
  return self.name[0] == '\0' ? "main" : self.name;
}

void record(const Trace::Event& event) {
  if (trace == nullptr) return;
  if (std::exchange(self.trace, traces) != traces) trace->name_thread(thread_name());
  trace->record(event);
}

// All at once, if the system takes it all at once. What does not fit into the terminal's width goes
// on in a line with `indent` blanks.
void write_line(std::string_view text, std::size_t indent) {
  if (silent) return;
  std::string line = printable(text.substr(0, text.find_last_not_of(' ') + 1), 160);
  line = wrapped(line, output_columns(std::string::npos), indent) + "\n";
  for (std::string_view bytes = line; !bytes.empty();) {
    ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written == -1 && errno == EINTR) continue;
    if (written == -1)
      throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string column(std::string_view text, std::size_t width) {
  return std::string(text).append(width - std::min(width, text.size()), ' ') + "  ";
}

}  // namespace

namespace detail {

std::atomic<bool> heard = true;

void write(Mark mark, std::string_view verb, std::string_view subject, const std::string& text) {
  std::lock_guard lock(mutex);
  Clock::time_point now = Clock::now();
  char time[32];
  std::snprintf(time, sizeof time, "%6.2f s  ",
                std::chrono::duration<double>(now - program_start).count());
  bool own_row = !subject.empty();
  write_line(time + (threads_are_shown ? column(thread_name(), 8) : "") + column(verb, 8) +
                 (own_row ? column(subject, 10) : "") + text,
             std::string_view(time).size() + 2);

  switch (mark) {
    case Mark::begin:
      return record({'b', subject, subject, text, now});
    case Mark::end:
      return record({'e', subject, subject, text, now});
    case Mark::slice_begin:
      return record({'B', verb, {}, text, now});
    case Mark::instant:
      return record({own_row ? 'n' : 'i', verb, own_row ? subject : "", text, now});
  }
}

void end_slice(std::string_view verb) noexcept {
  try {
    std::lock_guard lock(mutex);
    record({'E', verb});
  } catch (const std::exception&) {  // out of memory: the picture misses an end, the run goes on
  }
}

}  // namespace detail

void print(std::string_view line) {
  std::lock_guard lock(mutex);
  write_line(line, std::min(line.size(), line.find_first_not_of(' ')) + 2);
}

void name_thread(std::string_view name) {
  std::lock_guard lock(mutex);
  self.name[name.copy(self.name, sizeof self.name - 1)] = '\0';
  self.trace = 0;
  threads_are_shown = true;
}

void set_silent(bool wanted) {
  std::lock_guard lock(mutex);
  silent = wanted;
  see_who_hears();
}

void trace_to(const std::string& file) {
  std::lock_guard lock(mutex);
  trace = std::make_unique<Trace>(file, program_invocation_short_name);
  ++traces;
  see_who_hears();
}

void finish_trace() {
  std::lock_guard lock(mutex);
  if (trace) trace->finish();
}

}  // namespace narrate
