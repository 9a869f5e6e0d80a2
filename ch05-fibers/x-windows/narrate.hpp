#pragma once
// The narration of the other stages, as far as this one needs it: common/narrate is for Linux.

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

#include "write.hpp"

namespace narrate {

// Throws std::system_error when standard output takes nothing any more.
inline void print(std::string_view line) {
  write_all(::GetStdHandle(STD_OUTPUT_HANDLE), std::string(line) + "\n");
}

inline std::string column(std::string_view text, std::size_t width) {
  return std::string(text).append(width - std::min(width, text.size()), ' ') + "  ";
}

template <class... Parts>
void say(std::string_view verb, std::string_view subject, const Parts&... rest) {
  std::ostringstream line;
  line << column(verb, 8) << column(subject, 10);
  ((line << rest), ...);
  std::string text = line.str();
  print(text.substr(0, text.find_last_not_of(' ') + 1));
}

inline void start(std::string_view subject) { say("start", subject); }
inline void done(std::string_view subject) { say("done", subject); }

}  // namespace narrate
