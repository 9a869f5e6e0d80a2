#include "propagate/check.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "process/git_diff.hpp"
#include "propagate/files.hpp"
#include "propagate/plan.hpp"
#include "text/lines.hpp"
#include "text/tokens.hpp"

namespace propagate {
namespace {

namespace fs = std::filesystem;
using course::Stage;
using text::Lines;

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  if (!fs::exists(folder)) return names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(folder));
  std::sort(names.begin(), names.end());
  return names;
}

std::string without_opening_comment(const std::string& source) {
  std::size_t begin = 0;
  while (source.compare(begin, 2, "//") == 0) {
    std::size_t end = source.find('\n', begin);
    if (end == std::string::npos) return "";
    begin = end + 1;
  }
  return source.substr(begin);
}

// What is left of a source without comments and blank space: its tokens, and its preprocessor
// lines.
Lines code_of(const std::string& source) {
  Lines code;
  std::set<std::size_t> lines_with_tokens;
  for (const text::Token& token : text::tokenize(source)) {
    code.emplace_back(token.text);
    lines_with_tokens.insert(token.line);
  }
  Lines lines = text::split_lines(source);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string line(text::trimmed(lines[i].substr(0, lines[i].find("//"))));
    if (line.starts_with('#') && !lines_with_tokens.contains(i)) {
      std::istringstream words(line);
      for (std::string word; words >> word;) code.push_back(word);
    }
  }
  return code;
}

bool differs_only_in_comments(const std::string& file, std::string before, std::string after) {
  if (fs::path(file).filename() == "main.cpp") {
    before = without_opening_comment(before);
    after = without_opening_comment(after);
  }
  return before != after && code_of(before) == code_of(after);
}

// A place where two stages differ: `removed` stood from this line of the older one (from 1),
// `added` stands from that line of the newer one.
struct Hunk {
  std::size_t before = 0, after = 0;
  Lines removed, added;
};

// "@@ -12,3 +14 @@ …": a hunk without lines on a side names the line in front of it there.
Hunk parse_header(const std::string& line) {
  auto position = [&](char sign) {
    std::istringstream range(line.substr(line.find(sign) + 1));
    std::size_t first = 0, count = 1;
    char comma = 0;
    range >> first;
    if (range.peek() == ',') range >> comma >> count;
    return count == 0 ? first + 1 : first;
  };
  return {position('-'), position('+'), {}, {}};
}

// By the name of the file; only files that both stages have.
std::map<std::string, std::vector<Hunk>> hunks(const fs::path& root, const Stage& from,
                                               const Stage& to) {
  process::Result result = process::run(process::git_diff(
      root, {"--no-color", "--unified=0", "--no-renames", "--diff-filter=M", "--no-prefix"},
      from.folder, to.folder));
  if (result.exit.code != 0 && result.exit.code != 1)
    throw course::Failure("git diff failed: " + result.err);
  std::map<std::string, std::vector<Hunk>> found;
  std::string file;
  bool in_heading = true;
  for (const std::string& line : text::split_lines(result.out)) {
    if (line.starts_with("diff --git ")) {
      in_heading = true;
    } else if (in_heading && line.starts_with("+++ ")) {
      file = line.substr(4 + to.folder.size() + 1);
      if (file.ends_with('\t')) file.pop_back();  // so git ends a name with a space in it
    } else if (line.starts_with("@@")) {
      in_heading = false;
      found[file].push_back(parse_header(line));
    } else if (!in_heading && line.starts_with('-')) {
      found[file].back().removed.push_back(line.substr(1));
    } else if (!in_heading && line.starts_with('+')) {
      found[file].back().added.push_back(line.substr(1));
    }
  }
  return found;
}

bool only_includes(const Lines& lines) {
  return std::all_of(lines.begin(), lines.end(), [](const std::string& line) {
    return text::trimmed(line).empty() || line.starts_with("#include");
  });
}

// Whether the second step takes back what the first one did to lines that were there before.
bool undone(const Hunk& first, const Hunk& second) {
  return !first.removed.empty() && first.after == second.before && first.added == second.removed &&
         first.removed == second.added && !(first.added.empty() && only_includes(first.removed));
}

void check_copies(const course::Map& map, const Stage& before, const Stage& stage,
                  Findings& findings) {
  for (const std::string& file : files_in(map.root() / stage.folder)) {
    Content older = read(map.root() / before.folder / file);
    Content newer = read(map.root() / stage.folder / file);
    if (older && newer && *older != *newer && differs_only_in_comments(file, *older, *newer))
      findings.drift.push_back(stage.folder + "/" + file + " differs from that of " +
                               before.short_name() + " only in comments or blank space");
  }
}

void check_middle(const course::Map& map, const Stage& before, const Stage& stage,
                  const Stage& after, Findings& findings) {
  auto there = hunks(map.root(), before, stage), back = hunks(map.root(), stage, after);
  for (const auto& [file, first_step] : there) {
    if (course::is_generated(file)) continue;  // its source is looked at
    for (const Hunk& first : first_step)
      for (const Hunk& second : back[file])
        if (undone(first, second))
          findings.drift.push_back(stage.folder + "/" + file + ":" + std::to_string(first.after) +
                                   ": " + before.short_name() + " and " + after.short_name() +
                                   " both have \"" +
                                   std::string(text::trimmed(first.removed.front())) +
                                   "\" here, but this stage between them has not");
  }
}

void check_start(const course::Map& map, const Stage& stage, Findings& findings) {
  fs::path start = fs::path(exercise_folder(stage)) / "start";
  for (const std::string& file : files_in(map.root() / start)) {
    Content ours = read(map.root() / stage.folder / file);
    Lines stub = text::split_lines(*read(map.root() / start / file));
    Lines reference = text::split_lines(ours.value_or(""));
    auto is_blank = [](const std::string& line) { return text::trimmed(line).empty(); };
    std::erase_if(stub, is_blank);
    std::multiset<std::string> left(reference.begin(), reference.end());
    std::size_t shared = 0;
    for (const std::string& line : stub)
      if (auto found = left.find(line); found != left.end()) {
        left.erase(found);
        ++shared;
      }
    std::string path = (start / file).string();
    if (!ours)
      findings.warnings.push_back(path + ": the stage has no file of this name");
    else if (2 * shared < stub.size())
      findings.warnings.push_back(path + ": only " + std::to_string(shared) + " of its " +
                                  std::to_string(stub.size()) + " lines stand in the stage's file");
  }
}

}  // namespace

Findings check(const course::Map& map) {
  Findings findings;
  for (const course::Chapter& chapter : map.chapters())
    for (const Stage& stage : chapter.stages) {
      if (!stage.written) continue;
      ++findings.stages;
      map.require_sources(stage);
      check_start(map, stage, findings);
      const Stage* before = map.predecessor(stage);
      if (!before) continue;
      check_copies(map, *before, stage, findings);
      // An excursion may take back what it does not need.
      if (const Stage* first = map.predecessor(*before); first && !stage.excursion())
        check_middle(map, *first, *before, stage, findings);
    }
  return findings;
}

}  // namespace propagate
