#include <algorithm>
#include <set>
#include <sstream>
#include <system_error>

#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "course/terminal.hpp"
#include "process/git_diff.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;
using Form = DiffOptions::Form;

// Files that no difference shows: what editors leave behind and, unless it is asked for, what
// corofy has made of another file.
bool is_hidden(const fs::path& file, bool generated) {
  return is_scratch(file.filename()) || (!generated && is_generated(file));
}

std::string git_diff(const fs::path& root, const std::vector<std::string>& options,
                     const std::string& from, const std::string& to) {
  process::Result result = process::run(process::git_diff(root, options, from, to));
  if (result.exit.code != 0 && result.exit.code != 1)  // 1: there are differences
    throw Failure("git diff failed: " + result.err);
  return result.out;
}

// As much as fits of the sign, in proportion to the largest count.
std::string bar(char sign, std::size_t count, std::size_t largest, std::size_t room) {
  std::size_t length = largest <= room ? count : (count * room + largest - 1) / largest;
  return std::string(length, sign);
}

// git's own --stat would fill the line with the names of the two folders.
void print_stat(const std::vector<process::ChangedFile>& changed, const Style& look) {
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

void print_patch(const fs::path& root, const std::string& from, const std::string& to,
                 const DiffOptions& asked, const Style& look) {
  std::vector<std::string> options{look.colour ? "--color=always" : "--color=never"};
  if (asked.form == Form::words) {
    options.push_back(look.colour ? "--word-diff=color" : "--word-diff=plain");
    options.push_back("--word-diff-regex=[A-Za-z0-9_]+|[^[:space:]A-Za-z0-9_]+");
  }

  // Of a file's heading, two long lines say nothing that the others do not.
  std::istringstream lines(git_diff(root, options, from, to));
  std::string text;
  bool in_heading = false, hidden = false;
  for (std::string line; std::getline(lines, line);) {
    std::string_view plain = line;
    if (plain.starts_with("\x1b[")) plain.remove_prefix(plain.find('m') + 1);
    if (plain.starts_with("diff --git ")) {
      in_heading = true;
      hidden = is_hidden(plain.substr(plain.rfind('/') + 1), asked.generated);
      if (!text.empty() && !hidden) text += "\n";
      continue;
    }
    if (plain.starts_with("@@")) in_heading = false;
    if (hidden || (in_heading && plain.starts_with("index "))) continue;
    text += line + "\n";
  }
  print(text);
}

std::set<std::string> files(const fs::path& folder, bool generated) {
  std::vector<std::string> names = source_files(folder);
  std::erase_if(names, [&](const std::string& name) { return is_hidden(name, generated); });
  return {names.begin(), names.end()};
}

std::string lines(const fs::path& file) {
  std::string text = content_of(file);
  return std::to_string(std::count(text.begin(), text.end(), '\n')) + " lines";
}

std::string heading(const Style& look, const std::string& text) {
  return look.paint("1", "==== " + text) + "\n";
}

// A line of two columns. The mark is that of diff(1): ' ' the same, '<' removed, '>' added, '|'
// changed.
struct Row {
  std::string left, right;
  char mark;
};

// From a patch that shows the whole file. In it the lines that were removed stand in front of those
// that were added in their place.
std::vector<Row> rows(const std::string& patch) {
  std::istringstream lines(patch);
  std::string line;
  while (std::getline(lines, line) && !line.starts_with("@@")) {
  }
  std::vector<Row> rows;
  std::size_t partner = 0;  // the first row without a right side
  while (std::getline(lines, line)) {
    std::string text = line.substr(1);
    if (line[0] == '-') {
      rows.push_back({text, "", '<'});
    } else if (line[0] == '+' && partner < rows.size()) {
      rows[partner].right = text;
      rows[partner++].mark = '|';
    } else if (line[0] == '+') {
      rows.push_back({"", text, '>'});
      partner = rows.size();
    } else if (line[0] == ' ') {
      rows.push_back({text, text, ' '});
      partner = rows.size();
    }
  }
  return rows;
}

// A line in pieces of so many columns; at least one.
std::vector<std::string> fold(const std::string& line, std::size_t width) {
  std::vector<std::string> pieces{""};
  for (char byte : line) {
    if (!continues(byte) && columns(pieces.back()) == width) pieces.emplace_back();
    pieces.back() += byte;
  }
  return pieces;
}

std::string draw(const Row& row, const Style& look) {
  std::size_t width = (std::max<std::size_t>(look.width, 23) - 3) / 2;
  std::vector<std::string> left = fold(row.left, width), right = fold(row.right, width);
  std::size_t height = std::max(left.size(), right.size());
  left.resize(height);
  right.resize(height);
  std::string text;
  for (std::size_t i = 0; i < height; ++i) {
    std::string old_half = pad(left[i], width), new_half = right[i];
    if (row.mark == '<' || row.mark == '|') old_half = look.paint("31", old_half);
    if (row.mark == '>' || row.mark == '|') new_half = look.paint("32", new_half);
    std::string line = old_half + " " + row.mark + " " + new_half;
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

void side_by_side(const fs::path& root, const std::string& from, const std::string& to,
                  bool generated, const Style& look) {
  std::set<std::string> old_files = files(root / from, generated);
  std::set<std::string> new_files = files(root / to, generated);
  std::set<std::string> all = old_files;
  all.insert(new_files.begin(), new_files.end());
  for (const std::string& name : all) {
    fs::path before = root / from / name, after = root / to / name;
    if (!new_files.contains(name)) {
      print(heading(look, "removed: " + name + " (" + lines(before) + ")"));
    } else if (!old_files.contains(name)) {
      print(heading(look, "new: " + name + " (" + lines(after) + ")"));
    } else if (content_of(before) == content_of(after)) {
      print(heading(look, "unchanged: " + name));
    } else {
      print(heading(look, name));
      std::string text;
      for (const Row& row :
           rows(git_diff(root, {"--unified=1000000"}, from + "/" + name, to + "/" + name)))
        text += draw(row, look);
      print(text);
    }
  }
}

void show_files(const fs::path& root, const Stage& stage, const DiffOptions& asked,
                const Style& look) {
  print(stage.short_name() + " starts something new: it has no predecessor. Its files:\n");
  for (const std::string& name : files(root / stage.folder, asked.generated)) {
    fs::path file = root / stage.folder / name;
    print(heading(look, stage.folder + "/" + name + " (" + lines(file) + ")"));
    if (asked.form != Form::stat) print(content_of(file));
  }
}

}  // namespace

int diff(const Workshop& workshop, const DiffOptions& options) {
  const Map& map = workshop.map;
  const Stage& to = map.stage(options.stage);
  const Stage* from = &to;
  if (!options.from.empty())
    from = &map.stage(options.from);
  else if (!options.mine)
    from = map.predecessor(to);
  if (options.mine) require_own(map, to);

  Style look = style();
  if (options.colour != "auto") look.colour = options.colour == "always";
  Pager pager;
  try {
    if (!from) {
      show_files(map.root(), to, options, look);
      return 0;
    }
    std::string target = options.mine ? own_folder(to) : to.folder;
    auto name = [](const Stage& stage) { return stage.chapter + "/" + stage.name; };
    std::string left = (options.mine ? "our " : "") + name(*from);
    std::string right = (options.mine ? "your " : "") + name(to);
    std::size_t width = std::max(left.size(), right.size()) + 2;
    print(look.paint("1", "from " + left) + std::string(width - left.size(), ' ') + from->title +
          "\n" + look.paint("1", "to   " + right) + std::string(width - right.size(), ' ') +
          (options.mine ? target : to.title) + "\n\n");
    std::vector<process::ChangedFile> changed =
        process::changed_files(map.root(), {}, from->folder, target);
    std::erase_if(changed, [&](const process::ChangedFile& file) {
      return is_hidden(file.after.empty() ? file.before : file.after, options.generated);
    });
    if (changed.empty())
      print("no difference\n");
    else if (options.form == Form::stat)
      print_stat(changed, look);
    else if (options.form == Form::side_by_side)
      side_by_side(map.root(), from->folder, target, options.generated, look);
    else
      print_patch(map.root(), from->folder, target, options, look);
  } catch (const OutputClosed&) {
    if (!pager.shown()) throw;  // else the reader has left it before the end
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::no_such_file_or_directory) throw;
    throw Failure("git is missing: please install git");
  }
  return 0;
}

}  // namespace course
