#pragma once
// Diffs between two folders, by git, but independent of how git is configured here: the same two
// folders give the same lines on every machine.

#include <filesystem>
#include <string>
#include <vector>

#include "text/lines.hpp"

namespace text {

// The two folders that are compared, relative to the root.
struct Folders {
  std::string before;
  std::string after;
};

// The diff of one file. A hunk's header has no line numbers: they would change with every edit
// further up in the file, and a reader has no use for them.
class FileDiff {
 public:
  // `file` is relative to both folders. Throws Error if it is in neither, or the same in both.
  FileDiff(const std::filesystem::path& root, const Folders& folders, const std::string& file);

  // The lines of all hunks, beginning with ' ', '-' or '+', in the order of the file.
  [[nodiscard]] Lines lines() const;
  void keep_hunks_with(const std::string& text);         // those where a line contains it; or none
  void keep_lines(std::size_t first, std::size_t last);  // these indices of lines(), both included
  [[nodiscard]] Lines with_headers() const;              // --- and +++, and @@ before each hunk

 private:
  struct Hunk {
    std::string header;  // "@@", and the function around the hunk
    Lines lines;
  };

  Lines file_headers_;
  std::vector<Hunk> hunks_;
};

// A line for every file that differs, and one for their sum.
[[nodiscard]] Lines diffstat(const std::filesystem::path& root, const Folders& folders);

}  // namespace text
