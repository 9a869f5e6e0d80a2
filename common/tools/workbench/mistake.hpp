#pragma once
// A known mistake in a stage: lines that are replaced by others, with a header that says which
// cases that breaks, and what there is to learn from it. For the proofs and for ./course break.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "course/map.hpp"
#include "workbench/workbench.hpp"

namespace workbench {

inline constexpr char any_verdict[] = "any";

struct Mistake {
  struct Failing {
    std::string name;     // the case; with a * in it: all whose names fit
    std::string verdict;  // "assert", "signal SEGV", "hang", "exit", "passed", any_verdict
  };
  // Lines that stand in this file in one place only, and what stands there with the mistake.
  struct Replacement {
    std::string file, before, after;
  };
  std::string name;   // "lost-edge": that of the file, without .mistake
  std::string title;  // in one line, as are the others
  std::vector<Failing> fails;
  std::string learn;
  std::string preset;  // "asan": only sanitizers see it; empty: every build does
  std::vector<Replacement> replacements;
  std::string shown;        // the replacements, as they stand in the file
  std::size_t changed = 0;  // lines: added and removed ones

  // What the header expects of a case: of the lines that it fits, the last one counts.
  [[nodiscard]] std::string expected(const std::string& case_name) const;
};

// Reads CHAPTER/exercises/STAGE/mistakes/NAME.mistake:
//   Title: EINTR ends the event loop
//   Fails: a signal does not end wait() (pistache issue 565) [assert]
//   Learn: What there is to learn, in one to three sentences, which may go on
//     in indented lines.
//
//   In poll.hpp:
//        int count;
//   -    do count = …;
//   -    while (count == -1 && errno == EINTR);
//   +    count = …;
// "Fails: the program * [assert]" names all cases that begin so, "Passes: …" takes one of them out.
// "May fail: …" names cases in which it depends on the scheduler whether threads meet in the wrong
// moment; at least one other case has to make that certain.
// A place is found by its text, not by a number, so that it lasts: as many lines around what
// changes as it takes to be the only one. Throws course::Failure that names the file and the line
// that it cannot use.
[[nodiscard]] Mistake read_mistake(const std::filesystem::path& file);

// The files of a stage's mistakes, sorted by name.
[[nodiscard]] std::vector<std::filesystem::path> mistake_files(const course::Map& map,
                                                               const course::Stage& stage);

// The stage's files with the mistake in them. Throws course::Failure where a text is not there, or
// more than once.
[[nodiscard]] Files with_mistake(Files files, const Mistake& mistake);

// Whether a build with these sanitizers shows it.
[[nodiscard]] bool shows(const Mistake& mistake, const std::string& sanitizers);

// Where what happened is not what the header says, in a line a case. `outcomes`: all cases of the
// suite.
[[nodiscard]] std::vector<std::string> deviations(const Mistake& mistake,
                                                  const std::vector<Outcome>& outcomes);

}  // namespace workbench
