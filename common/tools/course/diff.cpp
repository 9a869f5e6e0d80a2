#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

#include "course/commands.hpp"
#include "course/failure.hpp"
#include "course/terminal.hpp"
#include "process/git_diff.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;
using Form = DiffOptions::Form;

// Both programs return 1 for "there are differences".
void show(const process::Command& command) {
  process::Exit exit = process::Child(command, process::Child::Output::inherit).wait();
  if (exit.signal == SIGPIPE) throw OutputClosed();
  if (exit.code != 0 && exit.code != 1)
    throw Failure(command.arguments.front() + " failed: " + exit.describe());
}

// As much as fits of the sign, in proportion to the largest count.
std::string bar(char sign, std::size_t count, std::size_t largest, std::size_t room) {
  std::size_t length = largest <= room ? count : (count * room + largest - 1) / largest;
  return std::string(length, sign);
}

// git's own --stat would fill the line with the names of the two folders.
void print_stat(const fs::path& root, const std::string& from, const std::string& to,
                const Style& look) {
  std::vector<process::ChangedFile> changed = process::changed_files(root, {}, from, to);
  auto name = [](const process::ChangedFile& file) {
    if (file.before.empty()) return file.after + " (new)";
    if (file.after.empty()) return file.before + " (removed)";
    return file.before == file.after ? file.after : file.before + " => " + file.after;
  };
  std::size_t width = 0, largest = 1, added = 0, removed = 0;
  for (const process::ChangedFile& file : changed) {
    width = std::max(width, name(file).size());
    largest = std::max(largest, file.added + file.removed);
    added += file.added;
    removed += file.removed;
  }

  std::size_t room = look.width > width + 20 ? std::min(look.width, width + 70) - width - 12 : 8;
  std::string text;
  for (const process::ChangedFile& file : changed) {
    std::string count = std::to_string(file.added + file.removed);
    text +=
        "  " + name(file) +
        std::string(width - name(file).size() + 6 - std::min<std::size_t>(5, count.size()), ' ') +
        count + "  " + look.paint("32", bar('+', file.added, largest, room)) +
        look.paint("31", bar('-', file.removed, largest, room)) + "\n";
  }
  print(text + std::to_string(changed.size()) + " files changed, " + std::to_string(added) +
        " lines added, " + std::to_string(removed) + " removed\n");
}

void print_patch(const fs::path& root, const std::string& from, const std::string& to, Form form,
                 const Style& look) {
  std::vector<std::string> options;
  if (form == Form::stat) return print_stat(root, from, to, look);
  options.push_back(look.colour ? "--color=always" : "--color=never");
  if (form == Form::words) {
    options.push_back(look.colour ? "--word-diff=color" : "--word-diff=plain");
    options.push_back("--word-diff-regex=[A-Za-z0-9_]+|[^[:space:]A-Za-z0-9_]+");
  }
  show(process::git_diff(root, options, from, to));
}

// The files below a folder, by their names inside it.
std::set<std::string> files(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.insert(entry.path().lexically_relative(folder));
  return names;
}

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::string lines(const fs::path& file) {
  std::string text = content(file);
  return std::to_string(std::count(text.begin(), text.end(), '\n')) + " lines";
}

std::string heading(const Style& look, const std::string& text) {
  return look.paint("1", "==== " + text) + "\n";
}

void side_by_side(const fs::path& root, const std::string& from, const std::string& to,
                  const Style& look) {
  std::set<std::string> old_files = files(root / from), new_files = files(root / to);
  std::set<std::string> all = old_files;
  all.insert(new_files.begin(), new_files.end());
  for (const std::string& name : all) {
    fs::path before = root / from / name, after = root / to / name;
    if (!new_files.contains(name)) {
      print(heading(look, "removed: " + name + " (" + lines(before) + ")"));
    } else if (!old_files.contains(name)) {
      print(heading(look, "new: " + name + " (" + lines(after) + ")"));
    } else if (content(before) == content(after)) {
      print(heading(look, "unchanged: " + name));
    } else {
      print(heading(look, name));
      show({{"diff", "--side-by-side", "--expand-tabs", "--width=" + std::to_string(look.width),
             before.string(), after.string()}});
    }
  }
}

void show_files(const fs::path& root, const Stage& stage, Form form, const Style& look) {
  print(stage.short_name() + " starts something new: it has no predecessor. Its files:\n");
  for (const std::string& name : files(root / stage.folder)) {
    fs::path file = root / stage.folder / name;
    print(heading(look, stage.folder + "/" + name + " (" + lines(file) + ")"));
    if (form != Form::stat) print(content(file));
  }
}

}  // namespace

int diff(const Workshop& workshop, const DiffOptions& options) {
  const Map& map = workshop.map;
  const Stage& to = map.stage(options.stage);
  const Stage* from = options.from.empty() ? map.predecessor(to) : &map.stage(options.from);

  Style look = style();
  if (options.colour != "auto") look.colour = options.colour == "always";
  Pager pager;
  try {
    if (!from) {
      show_files(map.root(), to, options.form, look);
      return 0;
    }
    auto name = [](const Stage& stage) { return stage.chapter + "/" + stage.name; };
    std::size_t width = std::max(name(*from).size(), name(to).size());
    auto line = [&](const char* word, const Stage& stage) {
      std::string gap(width - name(stage).size() + 2, ' ');
      return look.paint("1", word + name(stage)) + gap + stage.title + "\n";
    };
    print(line("from ", *from) + line("to   ", to) + "\n");
    if (options.form == Form::side_by_side)
      side_by_side(map.root(), from->folder, to.folder, look);
    else
      print_patch(map.root(), from->folder, to.folder, options.form, look);
  } catch (const OutputClosed&) {
    // Like any program in a pipe: no word, and the status of one that SIGPIPE has ended.
    return pager.shown() ? 0 : 128 + SIGPIPE;
  }
  return 0;
}

}  // namespace course
