#pragma once
// A known mistake in a stage: a patch with a header that says which cases it breaks, and what there
// is to learn from it. For the proofs and for ./course break.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "course/map.hpp"
#include "workbench/workbench.hpp"

namespace workbench {

struct Mistake {
  struct Failing {
    std::string name;     // the case
    std::string verdict;  // "assert", "signal SEGV", "hang", "exit"
  };
  std::string name;   // "lost-edge": that of the file, without .patch
  std::string title;  // in one line, as are the others
  std::vector<Failing> fails;
  std::string learn;
  std::string preset;       // "asan": only sanitizers see it; empty: every build does
  std::string patch;        // for git apply -p1 in the stage's folder
  std::size_t changed = 0;  // lines: added and removed ones
};

// Reads CHAPTER/exercises/STAGE/mistakes/NAME.patch:
//   Title: EINTR ends the event loop
//   Fails: a signal does not end wait() (pistache issue 565) [assert]
//   Learn: What there is to learn, in one to three sentences, which may go on
//     in indented lines.
// with a Fails a case and then the patch, from the first line that begins with "--- ". Throws
// course::Failure that names the file and the line that it cannot use.
[[nodiscard]] Mistake read_mistake(const std::filesystem::path& file);

// The files of a stage's mistakes, sorted by name.
[[nodiscard]] std::vector<std::filesystem::path> mistake_files(const course::Map& map,
                                                               const course::Stage& stage);

// The stage's files with the mistake in them. Throws course::Failure unless it applies cleanly.
[[nodiscard]] Files with_mistake(const Files& files, const Mistake& mistake);

// Whether a build with these sanitizers shows it.
[[nodiscard]] bool shows(const Mistake& mistake, const std::string& sanitizers);

// Where what happened is not what the header says, in a line a case. `outcomes`: all cases of the
// suite.
[[nodiscard]] std::vector<std::string> deviations(const Mistake& mistake,
                                                  const std::vector<Outcome>& outcomes);

}  // namespace workbench
