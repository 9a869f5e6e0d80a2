#pragma once
// The voice of the stages: one call says on standard output what happens and, when a trace file was
// asked for, records it there, so that a timeline can show the same run (ui.perfetto.dev, or
// chrome://tracing). The verbs mean the same in every chapter:
//
//   start     a request (a task, a timer) begins      register  we ask to be told about a source
//   wait      nothing to do: this thread sleeps       ready     … and is told about this source
//   read      bytes have arrived                      done      it is complete
//
// A line reads:    1.00 s  read      request-4   130 bytes
// and in a program that gives its threads names:
//                  1.00 s  reactor   read      request-4   130 bytes
//
// Thread-safe: lines and events stand in the order of their times. Time counts from the program's
// start, on the monotonic clock. A child of fork() may narrate, too; the trace is its parent's.

#include <atomic>
#include <sstream>
#include <string>
#include <string_view>

namespace narrate {

namespace detail {
enum class Mark { instant, begin, end, slice_begin };
extern std::atomic<bool> heard;  // false: nobody prints it, nobody records it
void write(Mark mark, std::string_view verb, std::string_view subject, const std::string& text);
void end_slice(std::string_view verb) noexcept;

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  ((stream << parts), ...);
  return std::move(stream).str();
}
}  // namespace detail

// Says that `verb` happened to `subject`; the rest is put together as with <<. It may hold what a
// stranger sent: it is made printable, and what is too long for a line is cut. Throws
// std::system_error when standard output takes nothing any more.
template <class... Parts>
void say(std::string_view verb, std::string_view subject, const Parts&... rest) {
  if (detail::heard) detail::write(detail::Mark::instant, verb, subject, detail::text(rest...));
}

// The same with the verb "start": in the trace, `subject` has a row of its own from here …
template <class... Parts>
void start(std::string_view subject, const Parts&... rest) {
  if (detail::heard) detail::write(detail::Mark::begin, "start", subject, detail::text(rest...));
}
// … to here (the verb "done").
template <class... Parts>
void done(std::string_view subject, const Parts&... rest) {
  if (detail::heard) detail::write(detail::Mark::end, "done", subject, detail::text(rest...));
}

// Says that something begins which takes time on this thread, and ends with the scope:
//   narrate::Span wait("wait", open, " in flight");
class [[nodiscard]] Span {
 public:
  template <class... Parts>
  explicit Span(std::string_view verb, const Parts&... rest) : verb_(verb) {
    if (detail::heard) detail::write(detail::Mark::slice_begin, verb, "", detail::text(rest...));
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() {
    if (detail::heard) detail::end_slice(verb_);
  }

 private:
  std::string verb_;
};

// A line that is not an event: a result, a sum.
void print(std::string_view line);

// Names the thread that calls; 15 bytes of the name are kept. From the first name on, every line
// says whose it is, so a program with several threads names its main thread before it starts the
// others: then all lines have the column. In a trace the name stands at the thread's row. Who has
// no name is called "main", or "thread-2" and so on in the order in which they are first heard of.
void name_thread(std::string_view name);

// Prints nothing from now on (or again); a trace is written all the same. For suites, whose
// failures would drown in narration, and for benchmarks: where nobody listens, saying something
// costs next to nothing.
void set_silent(bool silent);

// From now on events also go to this file, as a JSON array in Chrome's trace event format. The file
// is complete when the program ends normally; after a crash its end is missing, which the viewers
// accept. Throws std::system_error with the file's name if it cannot be written.
void trace_to(const std::string& file);
// Completes the file now. Throws std::system_error if the disk was full.
void finish_trace();

}  // namespace narrate
