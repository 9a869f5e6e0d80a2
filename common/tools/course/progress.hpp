#pragma once
// How far the reader is with their own code, and what helps them on.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "course/map.hpp"

namespace course {

// mine/progress.json. It belongs to the reader, who may commit it, edit it, or lose it.
class Progress {
 public:
  // Without a file: no progress. Throws Failure that names a file it cannot use.
  explicit Progress(const Map& map);
  // For commands that only show it: a line on standard error instead of Failure.
  [[nodiscard]] static Progress to_show(const Map& map);

  enum class State { untouched, started, passed };
  // By the last check: a stage that passed once, and fails or does not compile now, is not passed.
  // One without a folder in mine/ is untouched, whatever was passed once.
  [[nodiscard]] State state(const Stage& stage) const;
  // The case that failed in the last check that got as far as the cases, or empty.
  [[nodiscard]] std::string failing(const Stage& stage) const;
  [[nodiscard]] std::size_t hints_shown(const Stage& stage, const std::string& case_name) const;

  // Each of these writes the file, whole or not at all. Throws Failure if it cannot.
  void begin(const Stage& stage);  // forgets what was known of this stage
  void fail(const Stage& stage, const std::string& case_name);
  void not_judged(const Stage& stage);  // a check that got as far as no case
  void pass(const Stage& stage);
  void show_hints(const Stage& stage, const std::string& case_name, std::size_t count);

 private:
  struct Entry {
    std::string passed;   // when, in UTC: "2026-01-31T12:00:00Z"; or empty
    std::string failing;  // a case; empty if the last check that got as far as the cases passed
    std::map<std::string, std::size_t> hints;
  };
  struct Nothing {};
  Progress(const Map& map, Nothing) : root_(map.root()) {}
  void load();
  void save() const;

  std::filesystem::path root_;
  std::map<std::string, Entry> stages_;  // by "ch04/a-epoll"
};

// What helps where a case of a stage's suite fails.
struct Advice {
  std::string means;               // what it means that the case fails
  std::vector<std::string> hints;  // from a nudge to nearly the answer
  std::string text;                // where it is explained: "docs/….md#…"
};
// The stage's hints.json:
//   { "text": "#stage-a-…",
//     "cases": { "a case": ["what it means", "a nudge", "nearly the answer", "#edge-triggered"] } }
// A string that begins with # is a section of the chapter's page, and with docs/ one of another
// page; without it, it is what "text" says for all. Throws Failure that names a file it cannot use.
[[nodiscard]] std::map<std::string, Advice> hints(const Map& map, const Stage& stage);
// A case that the stages before have by the same name has what the nearest of them says, unless
// this one says it anew. Empty if nobody says anything.
[[nodiscard]] Advice advice(const Map& map, const Stage& stage, const std::string& case_name);

}  // namespace course
