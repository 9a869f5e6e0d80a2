#pragma once
// Builds targets in the reader's build folder.

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "course/map.hpp"
#include "net/fd.hpp"

namespace course {

// The lock of a build folder, which the script takes, too; it ends with the descriptor. Waits, and
// says so, while another ./course builds there.
[[nodiscard]] net::Fd lock(const std::filesystem::path& folder);

// Runs cmake with these arguments to its end, without the command lines and the progress in what it
// said; `doing` ("Building ch04-a-epoll") is shown if it takes longer than a moment. The folder
// must be locked. Throws Interrupted, Outdated as soon as `outdated` says so, and Failure if the
// disk is full.
struct Built {
  bool ok;
  std::string said;  // every line with its newline
};
[[nodiscard]] Built cmake(const std::vector<std::string>& arguments, const std::string& doing,
                          const std::vector<std::pair<std::string, std::string>>& environment = {},
                          const std::function<bool()>& outdated = {});

// What CMake's cache of that build folder says about a variable, or nothing.
[[nodiscard]] std::string cached(const std::filesystem::path& build, const std::string& name);
// Arguments for cmake() that set up `tree` for these sources like the build folder: with its
// compiler and flags, build type and packages. In our own trees no warning is an error.
[[nodiscard]] std::vector<std::string> like(const std::filesystem::path& build,
                                            const std::filesystem::path& sources,
                                            const std::filesystem::path& tree);

// Does so, anew if the arguments are others than before: the build folder has changed, or has
// moved. With `look_again` also if they are the same, since the reader may have installed
// something. The tree must be locked. Throws Failure if cmake cannot do it, and Interrupted.
void set_up(const std::filesystem::path& tree, std::vector<std::string> arguments,
            const std::string& name, bool look_again);

// Says nothing if there is nothing to do, "Building NAME ..." if it takes longer than a moment, and
// everything that the compiler had to say. Waits while another ./course builds in the same folder.
// Throws Failure if something does not build, and Interrupted.
void build(const std::filesystem::path& folder, const std::vector<std::string>& targets,
           const std::string& name);

// Why this stage cannot be built here, in a sentence without an end: "it needs libasio-dev; …". An
// empty string if it can. (CMake writes it down, see common/cmake/course.cmake.)
[[nodiscard]] std::string left_out(const std::filesystem::path& folder, const Stage& stage);
// Looks again, if there are such stages: the reader may have installed what they need.
void look_again(const std::filesystem::path& folder);

}  // namespace course
