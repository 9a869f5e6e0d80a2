#pragma once
// The difference of two files or folders, by git, the same for everybody.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "process/child.hpp"

namespace process {

// The command `git diff --no-index OPTIONS… -- FROM TO`, run in `folder`, which the two are named
// relative to. It needs no repository, and nothing of the user's settings changes what it prints
// (they could replace the diff by another program, or its prefixes by nothing). Its exit status is
// 0 (no difference), 1 (some), or higher for an error.
[[nodiscard]] Command git_diff(const std::filesystem::path& folder,
                               const std::vector<std::string>& options, const std::string& from,
                               const std::string& to);

// How much changed in one file, in lines.
struct ChangedFile {
  std::string before;                  // its name inside FROM, or empty: it is new
  std::string after;                   // its name inside TO, or empty: it was removed
  std::size_t added = 0, removed = 0;  // both 0 for a file that is no text
};

// The files that differ, sorted by name. Throws std::runtime_error with what git said if it failed.
[[nodiscard]] std::vector<ChangedFile> changed_files(const std::filesystem::path& folder,
                                                     const std::vector<std::string>& options,
                                                     const std::string& from,
                                                     const std::string& to);

}  // namespace process
