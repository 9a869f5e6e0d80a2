#include "text/diff.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "process/git_diff.hpp"

namespace text {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> git_options{"--no-renames", "--text", "--diff-algorithm=histogram"};

std::string git_diff(const fs::path& root, const std::string& from, const std::string& to) {
  process::Result result = process::run(process::git_diff(root, git_options, from, to));
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

  for (const std::string& line : split_lines(git_diff(root, before, after))) {
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
  std::vector<process::ChangedFile> files =
      process::changed_files(root, git_options, folders.before, folders.after);
  auto name = [](const process::ChangedFile& file) {
    return file.after.empty() ? file.before : file.after;
  };
  std::size_t added = 0, removed = 0, width = 0;
  for (const process::ChangedFile& file : files) width = std::max(width, name(file).size());

  Lines lines;
  for (const process::ChangedFile& file : files) {
    char counts[64];
    std::snprintf(counts, sizeof counts, "  %+5ld  %5s", static_cast<long>(file.added),
                  ("-" + std::to_string(file.removed)).c_str());
    const char* note = file.before.empty() ? "  new" : file.after.empty() ? "  gone" : "";
    lines.push_back(name(file) + std::string(width - name(file).size(), ' ') + counts + note);
    added += file.added;
    removed += file.removed;
  }
  lines.push_back(plural(files.size(), "file") + " changed: " + plural(added, "line") + " added, " +
                  std::to_string(removed) + " removed");
  return lines;
}

}  // namespace text
