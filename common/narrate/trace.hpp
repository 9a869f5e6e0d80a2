#pragma once
// A file in Chrome's trace event format: the JSON array form, of which the closing bracket may be
// missing. "Trace Event Format", by the Chromium project, describes the fields.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace narrate {

// One trace file. One thread at a time. Every event is written when it happens. Events of one `id`
// share a row of their own; events without one stand on the row of the thread that recorded them.
// It belongs to the process that opened it: in a child of fork() it records and completes nothing.
class Trace {
 public:
  using Clock = std::chrono::steady_clock;
  // Creates or overwrites the file; `program` becomes the name of the process. Throws
  // std::system_error with the file's name.
  Trace(std::string file, std::string_view program);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace();  // finish(), with errors ignored

  struct Event {
    char phase;  // b, n, e: begin, instant, end on the row `id`; B, E, i: on the thread's row
    std::string_view name;  // what the viewer shows
    std::string_view id = {};
    std::string_view text = {};  // details, shown on a click
    Clock::time_point at = Clock::now();
  };
  void record(const Event& event);
  // Names the row of the thread that calls, for all of its events.
  void name_thread(std::string_view name);

  // Writes the closing bracket; later events are dropped. Throws std::system_error with the file's
  // name if anything could not be written.
  void finish();

 private:
  [[nodiscard]] bool open() const;

  std::string file_;
  std::ofstream stream_;
  Clock::time_point zero_ = Clock::now();
  pid_t process_;
  bool finished_ = false;
};

}  // namespace narrate
