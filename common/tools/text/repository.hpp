#pragma once
// Where the content of the blocks comes from: files, stages and runs of one repository.

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "text/lines.hpp"
#include "text/marker.hpp"

namespace text {

struct Content {
  std::string language;  // for the fence
  Lines lines;
};

// Not thread-safe.
class Repository {
 public:
  explicit Repository(std::filesystem::path root,
                      std::chrono::milliseconds deadline_of_a_run = std::chrono::seconds(120));

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

  // What the marker's block shows. Throws Error, or std::system_error if a program (git, sh) can't
  // be started. A command is run once, however many markers name it.
  [[nodiscard]] Content content(const Marker& marker);

 private:
  struct Output {
    int exit;
    Lines lines;
  };

  [[nodiscard]] Content excerpt(const Marker& marker) const;
  [[nodiscard]] Content diff(const Marker& marker) const;
  [[nodiscard]] Content run(const Marker& marker);
  [[nodiscard]] const Output& output_of(const std::string& command);

  std::filesystem::path root_;
  std::chrono::milliseconds deadline_;
  std::map<std::string, Output> outputs_;
};

// The block of a run with what differs between two runs taken out of its output: times in s and ms,
// the bars of a timeline, the ports of 127.0.0.1, and what the marker says; sorted if the lines may
// come in any order. Blocks that are equal then tell a reader the same.
[[nodiscard]] Lines masked(Lines block, const Marker& marker);

}  // namespace text
