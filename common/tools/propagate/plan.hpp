#pragma once
// What an edit of one stage means for everything that was made from it. Computing this changes no
// file; applying it does.

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "course/map.hpp"
#include "propagate/files.hpp"
#include "propagate/merge.hpp"

namespace propagate {

// One file of a stage, before and after; no value: it is not there then.
struct Edit {
  Content before, after;
};
using Edits = std::map<std::string, Edit>;  // by the name in the stage's folder

// All paths are relative to the root.
struct Change {
  Content content;
  std::string how;  // "copied", "merged", …
};
struct Conflict {
  std::string path;
  std::string stage;                   // its short name: "ch04/a"
  std::string what;                    // in words; ends without a full stop
  std::vector<std::string> hunks;      // with markers
  Content with_markers;                // what can be written, for a person to mend
  std::vector<std::string> waiting{};  // stages that get the edit when this has been mended
};

// An edit goes from each stage to the next, as it arrived there: what is merged into ch04/a is what
// changed in ch03/f. So it ends at a stage that dropped the file, and at a conflict.
class Plan {
 public:
  // What was edited in `stage` since this revision, in the work tree. Throws course::Failure: no
  // repository, no such revision, a file that is still half merged.
  Plan(const course::Map& map, const course::Stage& stage, const std::string& revision);

  [[nodiscard]] const Edits& edits() const { return edits_; }
  [[nodiscard]] const std::map<std::string, Change>& changes() const { return changes_; }
  [[nodiscard]] const std::vector<Conflict>& conflicts() const { return conflicts_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  // The stages that are not as before: the edited one first, then in the order of the trunk.
  [[nodiscard]] const std::vector<const course::Stage*>& stages() const { return stages_; }

  // Writes the changes, and the files that can hold conflict markers.
  void write() const;

 private:
  [[nodiscard]] std::optional<std::string> git(const std::vector<std::string>& arguments) const;
  [[nodiscard]] Content at_revision(const std::string& path) const;
  [[nodiscard]] std::vector<const course::Stage*> successors(const course::Stage& stage) const;

  void find_edits(const course::Stage& stage);
  void visit(const course::Stage& stage, const Edits& arrived);
  [[nodiscard]] std::optional<Edit> carry(const course::Stage& from, const course::Stage& to,
                                          const std::string& file, const Edit& edit);
  // `variant`: "start", or "also-right/NAME".
  void carry_into_variant(const course::Stage& stage, const std::string& variant,
                          const std::string& file, const Edit& edit);
  void carry_into_mistakes(const course::Stage& stage, const Edits& edits);
  void change(const course::Stage& stage, const std::string& path, Content content,
              const std::string& how);

  const course::Map& map_;
  std::string revision_;  // a commit's full name
  Edits edits_;
  std::map<std::string, Change> changes_;
  std::vector<Conflict> conflicts_;
  std::vector<std::string> notes_;
  std::vector<const course::Stage*> stages_;
};

// "ch03-syscalls/exercises/f-poll".
[[nodiscard]] std::string exercise_folder(const course::Stage& stage);

}  // namespace propagate
