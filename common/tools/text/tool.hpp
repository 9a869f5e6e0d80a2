#pragma once
// The two commands: update writes the marked blocks of pages, check says where they have drifted.

#include <filesystem>
#include <iosfwd>
#include <vector>

#include "text/repository.hpp"

namespace text {

enum class Runs { with, without };  // without: blocks with program output are left as they are

// Writes what has drifted. A page with a mistake in any marker stays as it is; every other page is
// replaced in one step. Tells in `out` what it wrote, and the mistakes; false if there are any.
[[nodiscard]] bool update(Repository& repository, const std::vector<std::filesystem::path>& pages,
                          Runs runs, std::ostream& out);

// Changes nothing. Tells in `out` every drift and mistake with its place, and a sum; false if there
// are any. Also checks links, fences, tabs and trailing blanks.
[[nodiscard]] bool check(Repository& repository, const std::vector<std::filesystem::path>& pages,
                         Runs runs, std::ostream& out);

// All pages of the repository: every .md, but not in hidden folders, in build folders and in mine/.
[[nodiscard]] std::vector<std::filesystem::path> all_pages(const std::filesystem::path& root);

}  // namespace text
