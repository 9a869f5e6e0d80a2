#include "propagate/plan.hpp"

#include <algorithm>
#include <utility>

#include "course/failure.hpp"
#include "process/child.hpp"
#include "workbench/mistake.hpp"

namespace propagate {
namespace {

namespace fs = std::filesystem;
using course::Failure;
using course::Stage;

std::string full_name(const Stage& stage) { return stage.chapter + "/" + stage.name; }
std::string edited(const Stage& stage) { return full_name(stage) + ", edited"; }

void require_mended(const Content& content, const std::string& path) {
  if (content && has_conflict_markers(*content))
    throw Failure(path + " has conflict markers; mend it first");
}

// The names in a list that git has written with -z, without the folder in front.
void collect(const std::string& list, const std::string& folder, Edits& files) {
  for (std::size_t begin = 0; begin < list.size();) {
    std::size_t end = list.find('\0', begin);
    files[list.substr(begin + folder.size() + 1, end - begin - folder.size() - 1)];
    begin = end + 1;
  }
}

}  // namespace

std::string exercise_folder(const Stage& stage) {
  return (fs::path(stage.folder).parent_path() / "exercises" / stage.name).string();
}

Plan::Plan(const course::Map& map, const Stage& stage, const std::string& revision) : map_(map) {
  process::Result inside = process::run(
      {{"git", "rev-parse", "--git-dir"}, {{"LC_ALL", "C"}, {"LANGUAGE", ""}}, map.root()});
  if (inside.err.find("not a git repository") != std::string::npos)
    throw Failure(map.root().string() +
                  " is in no git repository: there is no older version that " +
                  "the stage could be compared with");
  if (!inside.exit.ok()) throw Failure("git: " + inside.err.substr(0, inside.err.find('\n')));

  auto commit =
      git({"rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"});
  if (!commit) throw Failure("git knows no revision " + course::in_quotes(revision), 2);
  revision_ = commit->substr(0, commit->find('\n'));

  find_edits(stage);
  if (edits_.empty()) return;
  stages_.push_back(&stage);
  visit(stage, edits_);
}

// No value: git has ended with an error.
std::optional<std::string> Plan::git(const std::vector<std::string>& arguments) const {
  process::Command command{{"git"}, {{"LC_ALL", "C"}}, map_.root()};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  process::Result result = process::run(command);
  return result.exit.ok() ? std::optional(result.out) : std::nullopt;
}

Content Plan::at_revision(const std::string& path) const {
  return git({"cat-file", "blob", revision_ + ":./" + path});
}

std::vector<const Stage*> Plan::successors(const Stage& stage) const {
  std::vector<const Stage*> found;
  for (const course::Chapter& chapter : map_.chapters())
    for (const Stage& other : chapter.stages)
      if (other.written && map_.predecessor(other) == &stage) found.push_back(&other);
  return found;
}

void Plan::find_edits(const Stage& stage) {
  auto before = git({"ls-tree", "-r", "-z", "--name-only", revision_, "--", stage.folder});
  auto now = git({"ls-files", "-z", "-c", "-o", "--exclude-standard", "--", stage.folder});
  if (!before || !now) throw Failure("git cannot list the files of " + stage.folder);
  collect(*before, stage.folder, edits_);
  collect(*now, stage.folder, edits_);
  for (auto& [file, edit] : edits_) {
    std::string path = stage.folder + "/" + file;
    edit = {at_revision(path), read(map_.root() / path)};
    require_mended(edit.after, path);
  }
  std::erase_if(edits_, [](const auto& one) { return one.second.before == one.second.after; });
}

void Plan::change(const Stage& stage, const std::string& path, Content content,
                  const std::string& how) {
  changes_[path] = {std::move(content), how};
  if (std::find(stages_.begin(), stages_.end(), &stage) == stages_.end()) stages_.push_back(&stage);
}

// `arrived`: the edits of this stage's files, which its exercises and its successors are to get.
void Plan::visit(const Stage& stage, const Edits& arrived) {
  std::vector<std::string> variants{"start"};
  std::error_code none;
  for (const auto& entry :
       fs::directory_iterator(map_.root() / exercise_folder(stage) / "also-right", none))
    variants.push_back("also-right/" + entry.path().filename().string());
  for (const std::string& variant : variants)
    for (const auto& [file, edit] : arrived) carry_into_variant(stage, variant, file, edit);
  carry_into_mistakes(stage, arrived);

  for (const Stage* next : successors(stage)) {
    if (next == stages_.front()) throw Failure(next->short_name() + " is its own predecessor");
    Edits passed_on;
    for (const auto& [file, edit] : arrived)
      if (auto there = carry(stage, *next, file, edit)) passed_on[file] = *there;
    if (!passed_on.empty()) visit(*next, passed_on);
  }
}

// What the edit of `from` becomes in `to`; no value if it ends here. Where `to` has it already, the
// edit goes on as it came: a stage behind may not have it.
std::optional<Edit> Plan::carry(const Stage& from, const Stage& to, const std::string& file,
                                const Edit& edit) {
  std::string path = to.folder + "/" + file;
  Content ours = read(map_.root() / path);
  if (ours == edit.after) {
    bool never_had_it = !ours && !at_revision(path);  // what comes later by this name is its own
    return never_had_it ? std::nullopt : std::optional(edit);
  }
  if (ours == edit.before) {
    change(to, path, edit.after, !ours ? "added" : !edit.after ? "deleted" : "copied");
    return edit;
  }
  if (!ours) {
    notes_.push_back(to.short_name() + " has no " + file + ": the edit of it ends there");
    return std::nullopt;
  }

  require_mended(ours, path);
  Conflict conflict{path, to.short_name(), "", {}, std::nullopt};
  for (const Stage* next : successors(to))
    if (read(map_.root() / next->folder / file)) conflict.waiting.push_back(next->short_name());
  if (!edit.after) {
    conflict.what = from.short_name() + " has deleted it, but here it is another one";
    conflicts_.push_back(std::move(conflict));
    return std::nullopt;
  }
  Merged merged = merge({*ours, full_name(to)}, {edit.before.value_or(""), "before"},
                        {*edit.after, edited(from)});
  if (!merged.clean()) {
    conflict.what = edit.before ? "the edit of " + from.short_name() + " meets other changes"
                                : from.short_name() + " has added another file of this name";
    conflict.hunks = merged.open;
    conflict.with_markers = merged.text;
    conflicts_.push_back(std::move(conflict));
    return std::nullopt;
  }
  if (merged.text == *ours) return edit;
  change(to, path, merged.text, "merged");
  return Edit{ours, merged.text};
}

void Plan::carry_into_variant(const Stage& stage, const std::string& variant,
                              const std::string& file, const Edit& edit) {
  std::string path = exercise_folder(stage) + "/" + variant + "/" + file;
  Content ours = read(map_.root() / path);
  // The stub of a file that has just been added can only be the author's own.
  if (!ours || !edit.before || ours == edit.after) return;
  if (!edit.after) {
    conflicts_.push_back({path,
                          stage.short_name(),
                          "it stands for " + file + ", which the stage has no longer",
                          {},
                          {}});
    return;
  }

  require_mended(ours, path);
  Merged merged = merge_into_stub({*ours, variant + " of " + full_name(stage)},
                                  {*edit.before, "before"}, {*edit.after, edited(stage)});
  if (!merged.clean()) {
    conflicts_.push_back({path, stage.short_name(),
                          "the edit of " + stage.short_name() + " meets what this file has changed",
                          merged.open, merged.text});
    return;
  }
  for (std::size_t line : merged.kept)
    notes_.push_back(path + ":" + std::to_string(line) +
                     ": the edit is in what this file has not; it stays as it is");
  if (merged.text != *ours) change(stage, path, merged.text, "merged");
}

// A mistake finds its place by the text that it replaces. Only an edit of that very text is one for
// a person to make.
void Plan::carry_into_mistakes(const Stage& stage, const Edits& edits) {
  workbench::Files files = workbench::read_files(map_.root() / stage.folder);
  for (const auto& [path, change] : changes_)
    if (path.starts_with(stage.folder + "/")) {
      std::string name = path.substr(stage.folder.size() + 1);
      if (change.content)
        files[name] = *change.content;
      else
        files.erase(name);
    }
  for (const fs::path& file : workbench::mistake_files(map_, stage)) {
    workbench::Mistake mistake = workbench::read_mistake(file);
    if (std::none_of(mistake.replacements.begin(), mistake.replacements.end(),
                     [&](const auto& one) { return edits.contains(one.file); }))
      continue;
    try {
      (void)workbench::with_mistake(files, mistake);
    } catch (const Failure& failure) {
      conflicts_.push_back({file.lexically_relative(map_.root()).string(),
                            stage.short_name(),
                            failure.what(),
                            {},
                            std::nullopt});
    }
  }
}

void Plan::write() const {
  for (const auto& [path, change] : changes_) propagate::write(map_.root() / path, change.content);
  for (const Conflict& conflict : conflicts_)
    if (conflict.with_markers) propagate::write(map_.root() / conflict.path, conflict.with_markers);
}

}  // namespace propagate
