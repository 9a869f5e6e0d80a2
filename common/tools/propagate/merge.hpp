#pragma once
// Three-way merges, by git: the edit from `base` to `theirs` goes into `ours`.

#include <cstddef>
#include <string>
#include <vector>

namespace propagate {

struct Version {
  std::string text;
  std::string label;  // how the conflict markers call it
};

struct Merged {
  std::string text;               // with conflict markers if there is a conflict
  std::vector<std::string> open;  // the conflicts, each with its markers; empty: a clean merge
  std::vector<std::size_t> kept;  // lines of `text` (from 1) where a stub was kept as it is

  [[nodiscard]] bool clean() const { return open.empty(); }
};

// Throws course::Failure if git cannot merge such files (they hold bytes that are no text).
[[nodiscard]] Merged merge(const Version& ours, const Version& base, const Version& theirs);

// The same for a stub. An edit inside of lines that the stub leaves to the reader is no conflict:
// the stub has nothing to be edited there, and stays as it is.
[[nodiscard]] Merged merge_into_stub(const Version& ours, const Version& base,
                                     const Version& theirs);

// Whether it was left half merged.
[[nodiscard]] bool has_conflict_markers(const std::string& text);

}  // namespace propagate
