#include "propagate/mistake.hpp"

#include <algorithm>

#include "course/failure.hpp"
#include "course/temporary_folder.hpp"
#include "process/git_diff.hpp"
#include "text/lines.hpp"

namespace propagate {
namespace {

namespace fs = std::filesystem;

// "poll.hpp" of "--- a/poll.hpp"; empty for /dev/null, and for what leads out of the folder.
std::string file_name(std::string_view line) {
  std::string name(line.substr(4));
  name = name.substr(0, name.find('\t'));
  std::size_t slash = name.find('/');
  if (name == "/dev/null" || slash == std::string::npos) return "";
  fs::path inside = fs::path(name.substr(slash + 1)).lexically_normal();
  return inside.is_absolute() || *inside.begin() == ".." ? "" : inside.string();
}

void write_all(const fs::path& folder, const Files& files) {
  fs::create_directories(folder);
  for (const auto& [name, content] : files)
    if (content) write(folder / name, content);
}

}  // namespace

Mistake::Mistake(const std::string& text) {
  text::Lines lines = text::split_lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    bool begins_file =
        lines[i].starts_with("--- ") && i + 1 < lines.size() && lines[i + 1].starts_with("+++ ");
    if (begins_file) {
      for (const std::string& name : {file_name(lines[i]), file_name(lines[i + 1])})
        if (!name.empty() && std::find(files_.begin(), files_.end(), name) == files_.end())
          files_.push_back(name);
    }
    (files_.empty() ? header_ : patch_) += lines[i] + "\n";
  }
}

std::optional<Mistake::Applied> Mistake::apply_to(const Files& files) const {
  course::TemporaryFolder temporary;
  fs::path scratch = temporary.path();
  fs::path folder = scratch / "stage";
  write_all(folder, files);
  write(scratch / "patch", patch_);
  process::Command git = process::plain_git(folder, {"apply", "--verbose", "../patch"});
  git.environment.push_back({"LANGUAGE", ""});  // what it says is read below
  process::Result result = process::run(git);
  if (!result.exit.ok()) return std::nullopt;
  Applied applied{{}, result.err.find("(offset ") == std::string::npos};
  for (const std::string& name : files_) applied.files[name] = read(folder / name);
  return applied;
}

std::string Mistake::rewritten(const Files& before, const Files& after) const {
  course::TemporaryFolder temporary;
  fs::path scratch = temporary.path();
  write_all(scratch / "a", before);
  write_all(scratch / "b", after);
  process::Result result = process::run(
      process::git_diff(scratch, {"--no-color", "--no-prefix", "--no-renames"}, "a", "b"));
  if (result.exit.code != 1) throw course::Failure("git diff failed: " + result.err);
  // What git says about a file in front of its first hunk, beyond the two names, is of no use here.
  std::string patch;
  bool in_heading = true;
  for (const std::string& line : text::split_lines(result.out)) {
    if (line.starts_with("diff --git ")) in_heading = true;
    if (line.starts_with("@@")) in_heading = false;
    if (!in_heading || line.starts_with("--- ") || line.starts_with("+++ ")) patch += line + "\n";
  }
  return header_ + patch;
}

}  // namespace propagate
