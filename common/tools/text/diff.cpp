#include "text/diff.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "process/child.hpp"

namespace text {
namespace {

namespace fs = std::filesystem;

// GIT_DIR=/dev/null: in no repository, and so without the configuration and attributes of one.
std::string git_diff(const fs::path& root, const Lines& arguments) {
  process::Command git{{"git", "-c", "core.attributesFile=/dev/null", "diff", "--no-index",
                        "--no-ext-diff", "--no-renames", "--text", "--diff-algorithm=histogram"},
                       {{"GIT_DIR", "/dev/null"},
                        {"GIT_CONFIG_GLOBAL", "/dev/null"},
                        {"GIT_CONFIG_NOSYSTEM", "1"},
                        {"GIT_CONFIG_COUNT", "0"},
                        {"GIT_CONFIG_PARAMETERS", ""},
                        {"GIT_ATTR_NOSYSTEM", "1"},
                        {"GIT_DIFF_OPTS", ""},
                        {"LC_ALL", "C.UTF-8"}},
                       root};
  git.arguments.insert(git.arguments.end(), arguments.begin(), arguments.end());
  process::Result result = process::run(git);
  if (result.exit.code != 0 && result.exit.code != 1)
    throw Error("git diff failed: " + std::string(trimmed(result.err)));
  return result.out;
}

// "@@ -1,7 +1,9 @@ class Poll {" without the numbers.
std::string without_numbers(const std::string& header) {
  return "@@" + header.substr(header.find("@@", 2) + 2);
}

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

FileDiff::FileDiff(const fs::path& root, const Folders& folders, const std::string& file) {
  std::string before = folders.before + "/" + file, after = folders.after + "/" + file;
  bool removed = !fs::is_regular_file(root / after);
  if (!fs::is_regular_file(root / before)) {
    if (removed)
      throw Error(file + " is neither in " + folders.before + " nor in " + folders.after);
    before = "/dev/null";
  }
  if (removed) after = "/dev/null";
  file_headers_ = {"--- " + before, "+++ " + after};

  for (const std::string& line : split_lines(git_diff(root, {"--", before, after}))) {
    if (line.starts_with("@@"))
      hunks_.push_back({without_numbers(line), {}});
    else if (!hunks_.empty() && !line.starts_with('\\'))  // "\ No newline at end of file"
      hunks_.back().lines.push_back(line);
  }
  if (hunks_.empty()) throw Error(file + " is the same in " + folders.before);
}

Lines FileDiff::lines() const {
  Lines all;
  for (const Hunk& hunk : hunks_) all.insert(all.end(), hunk.lines.begin(), hunk.lines.end());
  return all;
}

void FileDiff::keep_hunks_with(const std::string& text) {
  std::erase_if(hunks_, [&](const Hunk& hunk) {
    return std::none_of(hunk.lines.begin(), hunk.lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  });
}

void FileDiff::keep_lines(std::size_t first, std::size_t last) {
  std::size_t index = 0;
  for (Hunk& hunk : hunks_)
    std::erase_if(hunk.lines, [&](const std::string&) {
      std::size_t at = index++;
      return at < first || at > last;
    });
  std::erase_if(hunks_, [](const Hunk& hunk) { return hunk.lines.empty(); });
}

Lines FileDiff::with_headers() const {
  Lines result = file_headers_;
  for (const Hunk& hunk : hunks_) {
    result.push_back(hunk.header);
    result.insert(result.end(), hunk.lines.begin(), hunk.lines.end());
  }
  return result;
}

Lines diffstat(const fs::path& root, const Folders& folders) {
  struct Row {
    std::string file;
    std::size_t added = 0, removed = 0;
    std::string note;
  };
  std::vector<Row> rows;
  std::size_t added = 0, removed = 0, width = 0;
  // A row of git's: added TAB removed TAB NUL before NUL after NUL.
  std::istringstream stream(
      git_diff(root, {"--numstat", "-z", "--", folders.before, folders.after}));
  for (std::string counts, before, after; std::getline(stream, counts, '\0') &&
                                          std::getline(stream, before, '\0') &&
                                          std::getline(stream, after, '\0');) {
    Row row;
    std::istringstream(counts) >> row.added >> row.removed;
    bool is_new = before == "/dev/null", is_gone = after == "/dev/null";
    row.file =
        is_gone ? before.substr(folders.before.size() + 1) : after.substr(folders.after.size() + 1);
    row.note = is_new ? "  new" : is_gone ? "  gone" : "";
    added += row.added;
    removed += row.removed;
    width = std::max(width, row.file.size());
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row& one, const Row& other) { return one.file < other.file; });

  Lines lines;
  for (const Row& row : rows) {
    char counts[64];
    std::snprintf(counts, sizeof counts, "  %+5ld  %5s", static_cast<long>(row.added),
                  ("-" + std::to_string(row.removed)).c_str());
    lines.push_back(row.file + std::string(width - row.file.size(), ' ') + counts + row.note);
  }
  lines.push_back(plural(rows.size(), "file") + " changed: " + plural(added, "line") + " added, " +
                  std::to_string(removed) + " removed");
  return lines;
}

}  // namespace text
