#include "propagate/merge.hpp"

#include <algorithm>
#include <iterator>

#include "course/failure.hpp"
#include "course/temporary_folder.hpp"
#include "process/git_diff.hpp"
#include "propagate/files.hpp"
#include "text/lines.hpp"

namespace propagate {
namespace {

namespace fs = std::filesystem;
using text::Lines;

// The two sides of a conflict, and what stood there before; all three without markers.
struct Conflict {
  Lines ours, base, theirs;
};

std::string git_merge(const Version& ours, const Version& base, const Version& theirs,
                      const std::string& style) {
  course::TemporaryFolder temporary;
  fs::path scratch = temporary.path();
  write(scratch / "ours", ours.text);
  write(scratch / "base", base.text);
  write(scratch / "theirs", theirs.text);
  std::vector<std::string> arguments{"merge-file", "-p"};
  if (!style.empty()) arguments.push_back(style);
  for (const Version* version : {&ours, &base, &theirs})
    arguments.insert(arguments.end(), {"-L", version->label});
  arguments.insert(arguments.end(), {"ours", "base", "theirs"});
  process::Result result = process::run(process::plain_git(scratch, arguments));
  if (result.exit.code < 0 || result.exit.code > 127)  // else the number of conflicts
    throw course::Failure("git cannot merge " + theirs.label + " into " + ours.label + ": " +
                          result.err.substr(0, result.err.find('\n')));
  return result.out;
}

bool contains(const Lines& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

// Whether the edit touches only lines that the stub does not have. An insertion at either end of
// them may belong to their neighbours, and so counts as a conflict.
bool inside_of_what_is_left_out(const Conflict& conflict) {
  const auto& [ours, base, theirs] = conflict;
  bool behind =
      theirs.size() >= base.size() && std::equal(base.begin(), base.end(), theirs.begin());
  bool before =
      theirs.size() >= base.size() && std::equal(base.rbegin(), base.rend(), theirs.rbegin());
  if (behind || before) return false;
  return std::all_of(base.begin(), base.end(), [&](const std::string& line) {
    return text::trimmed(line).empty() || contains(theirs, line) || !contains(ours, line);
  });
}

// Goes through the conflicts of a merge; with `stub`, settles those that are none for a stub.
Merged settle(const std::string& with_markers, bool stub) {
  Merged merged;
  Lines out;              // what becomes the text
  Conflict conflict;      // the one that is being read,
  Lines* side = nullptr;  // this side of it,
  std::size_t begin = 0;  // from this line of `out` on
  for (const std::string& line : text::split_lines(with_markers)) {
    out.push_back(line);
    if (line.starts_with("<<<<<<< ")) {
      conflict = {};
      side = &conflict.ours;
      begin = out.size() - 1;
    } else if (side && line.starts_with("||||||| ")) {
      side = &conflict.base;
    } else if (side && line == "=======") {
      side = &conflict.theirs;
    } else if (side && line.starts_with(">>>>>>> ")) {
      side = nullptr;
      auto first = out.begin() + static_cast<std::ptrdiff_t>(begin);
      if (stub && inside_of_what_is_left_out(conflict)) {
        out.erase(first, out.end());
        out.insert(out.end(), conflict.ours.begin(), conflict.ours.end());
        merged.kept.push_back(begin + 1);
      } else {
        merged.open.push_back(text::join_lines(Lines(first, out.end())));
      }
    } else if (side) {
      side->push_back(line);
    }
  }
  merged.text = text::join_lines(out);
  if (!with_markers.ends_with('\n') && !merged.text.empty()) merged.text.pop_back();
  return merged;
}

}  // namespace

Merged merge(const Version& ours, const Version& base, const Version& theirs) {
  return settle(git_merge(ours, base, theirs, ""), false);
}

Merged merge_into_stub(const Version& ours, const Version& base, const Version& theirs) {
  // Only this style shows what stood there before.
  return settle(git_merge(ours, base, theirs, "--diff3"), true);
}

bool has_conflict_markers(const std::string& text) {
  Lines lines = text::split_lines(text);
  return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
  });
}

}  // namespace propagate
