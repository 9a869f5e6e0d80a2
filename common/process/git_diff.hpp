#pragma once
// git without a repository: the difference of two files or folders, the same for everybody.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "process/child.hpp"

namespace process {

// The command `git ARGUMENTS…`, run in `folder`, for what needs no repository: it sees none, and
// nothing of the user's settings (they could replace a diff by another program, or its prefixes by
// nothing).
[[nodiscard]] Command plain_git(const std::filesystem::path& folder,
                                const std::vector<std::string>& arguments);

// The command `git diff --no-index OPTIONS… -- FROM TO` as plain_git(), with the two named relative
// to `folder`. Its exit status is 0 (no difference), 1 (some), or higher for an error.
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
