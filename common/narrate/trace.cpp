#include "narrate/trace.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace narrate {
namespace {

std::system_error cannot_write(const std::string& file) {
  return std::system_error(errno != 0 ? errno : EIO, std::generic_category(),
                           "cannot write the trace file " + file);
}

// Whatever bytes a peer sent us: what is not UTF-8 is replaced, so that the file stays valid JSON.
std::string to_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What the viewers call something: "process_name", "thread_name".
std::string name_line(const char* kind, std::string_view name) {
  return to_line({{"ph", "M"},
                  {"name", kind},
                  {"pid", ::getpid()},
                  {"tid", ::gettid()},
                  {"args", {{"name", name}}}});
}

}  // namespace

Trace::Trace(std::string file, std::string_view program)
    : file_(std::move(file)), process_(::getpid()) {
  errno = 0;
  stream_.open(file_, std::ios::binary | std::ios::trunc);
  stream_ << "[\n" << name_line("process_name", program) << std::flush;
  if (!stream_) throw cannot_write(file_);
}

Trace::~Trace() {
  try {
    finish();
  } catch (const std::system_error&) {  // a destructor has nobody to tell
  }
}

bool Trace::open() const { return !finished_ && process_ == ::getpid(); }

void Trace::name_thread(std::string_view name) {
  if (open()) stream_ << ",\n" << name_line("thread_name", name) << std::flush;
}

void Trace::record(const Event& event) {
  if (!open()) return;
  double microseconds = std::chrono::duration<double, std::micro>(event.at - zero_).count();
  nlohmann::json json = {{"ph", std::string(1, event.phase)},
                         {"name", event.name},
                         {"ts", microseconds},
                         {"pid", process_},
                         {"tid", ::gettid()}};
  if (!event.id.empty()) {
    json["id"] = event.id;
    json["cat"] = "course";  // the viewers pair begin and end by category and id
  }
  if (event.phase == 'i') json["s"] = "t";  // drawn on its thread only
  if (!event.text.empty()) json["args"] = {{"detail", event.text}};
  stream_ << ",\n" << to_line(json) << std::flush;
}

void Trace::finish() {
  if (!open()) return;
  finished_ = true;
  errno = 0;
  stream_ << "\n]\n";
  stream_.close();
  if (!stream_) throw cannot_write(file_);
}

}  // namespace narrate
