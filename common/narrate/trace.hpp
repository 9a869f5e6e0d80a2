#pragma once
// A file in Chrome's trace event format: the JSON array form, of which the closing bracket may be
// missing. "Trace Event Format", by the Chromium project, describes the fields.

#include <chrono>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>

namespace narrate {

// One trace file. Thread-safe. Every event is written when it happens. Events of one `id` share a
// row of their own; events without one stand on the row of the thread that recorded them.
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

  // Writes the closing bracket; later events are dropped. Throws std::system_error with the file's
  // name if anything could not be written.
  void finish();

 private:
  std::mutex mutex_;
  std::string file_;
  std::ofstream stream_;
  Clock::time_point zero_ = Clock::now();
  bool finished_ = false;
};

}  // namespace narrate
