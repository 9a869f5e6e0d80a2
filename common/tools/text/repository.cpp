#include "text/repository.hpp"

#include <algorithm>
#include <regex>

#include "course/failure.hpp"
#include "course/map.hpp"
#include "process/child.hpp"
#include "text/diff.hpp"
#include "text/tokens.hpp"

namespace text {
namespace {

namespace fs = std::filesystem;

// A diff that is longer tells no story.
constexpr std::size_t max_diff_lines = 40;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

bool is_outside(const fs::path& relative) {
  return relative.is_absolute() || relative.empty() || *relative.lexically_normal().begin() == "..";
}

// `file` as a path below the root; it may not get out by a symbolic link either.
fs::path inside(const fs::path& root, const fs::path& file) {
  fs::path path = fs::weakly_canonical(root / file);
  if (is_outside(file) || is_outside(path.lexically_relative(root)))
    throw Error(file.string() + " is outside the repository");
  if (!fs::is_regular_file(path)) throw Error("there is no file " + file.string());
  return path;
}

Folders stage_and_predecessor(const fs::path& root, const std::string& name) {
  try {
    course::Map map(root);
    const course::Stage& stage = map.stage(name);
    const course::Stage* predecessor = map.predecessor(stage);
    if (!predecessor) throw Error(stage.short_name() + " has no predecessor in its chapter.json");
    return {predecessor->folder, stage.folder};
  } catch (const course::Failure& failure) {
    throw Error(failure.what());
  }
}

// The one line that contains the text.
std::size_t unique_line(const Lines& lines, const std::string& text, const std::string& where) {
  std::size_t found = lines.size(), count = 0;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].find(text) != std::string::npos && ++count == 1) found = i;
  if (count == 0) throw Error(quoted(text) + " is nowhere in " + where);
  if (count > 1)
    throw Error(quoted(text) + " is in " + std::to_string(count) + " lines of " + where +
                ": quote more of the line you mean");
  return found;
}

// The first line behind `from` that contains the text; `from` itself if it is named by the same
// text.
std::size_t end_line(const Lines& lines, std::size_t from, const Marker& marker,
                     const std::string& where) {
  if (marker.to == marker.from) return from;
  for (std::size_t i = from + 1; i < lines.size(); ++i)
    if (lines[i].find(*marker.to) != std::string::npos) return i;
  throw Error(quoted(*marker.to) + " is not in " + where + " after the line with " +
              quoted(*marker.from));
}

std::string language_of(const fs::path& file, const Lines& lines) {
  static const std::map<std::string, std::string> languages{
      {".hpp", "cpp"},   {".cpp", "cpp"}, {".h", "cpp"}, {".cmake", "cmake"},
      {".json", "json"}, {".sh", "sh"},   {".S", "asm"}, {".patch", "diff"}};
  if (file.filename() == "CMakeLists.txt") return "cmake";
  auto found = languages.find(file.extension());
  if (found != languages.end()) return found->second;
  return !lines.empty() && lines[0].starts_with("#!/bin/sh") ? "sh" : "text";
}

// Moves the lines left by what the first one is indented by; none by more than its own indentation.
void unindent(Lines& lines) {
  std::size_t by = lines.empty() ? 0 : indentation(lines[0]);
  for (std::string& line : lines) line.erase(0, std::min(by, indentation(line)));
}

void trim_ends(Lines& lines) {
  for (std::string& line : lines) line.erase(right_trimmed(line).size());
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
}

Lines part(const Lines& lines, std::size_t first, std::size_t end) {
  return {lines.begin() + static_cast<std::ptrdiff_t>(first),
          lines.begin() + static_cast<std::ptrdiff_t>(end)};
}

// ./course says so when something is not up to date, which is true or not by chance.
bool tells_of_building(const std::string& line) {
  static const std::regex progress(
      "(Building|Installing) .* \\.\\.\\.|course: waiting for .* \\.\\.\\.");
  return std::regex_match(line, progress);
}

// What from and to leave of a run's output, with "…" where lines are missing. Output repeats itself
// more often than sources do, so here the first line with the text counts.
Lines shown(const Lines& lines, const Marker& marker) {
  auto find = [&](std::size_t start, const std::string& text) {
    for (std::size_t i = start; i < lines.size(); ++i)
      if (lines[i].find(text) != std::string::npos) return i;
    throw Error(quoted(text) + " is not in the output" +
                (start > 0 ? " after the line with " + quoted(*marker.from) : ""));
  };
  std::size_t first = marker.from ? find(0, *marker.from) : 0;
  std::size_t end = lines.size();
  if (marker.to) end = find(marker.from ? first + 1 : 0, *marker.to) + 1;
  Lines result = part(lines, first, end);
  if (first > 0) result.insert(result.begin(), "…");
  if (end < lines.size()) result.push_back("…");
  return result;
}

}  // namespace

Repository::Repository(fs::path root, std::chrono::milliseconds deadline_of_a_run)
    : root_(fs::canonical(root)), deadline_(deadline_of_a_run) {}

Content Repository::content(const Marker& marker) {
  switch (marker.kind) {
    case Marker::Kind::excerpt:
      return excerpt(marker);
    case Marker::Kind::diff:
      return diff(marker);
    case Marker::Kind::run:
      return run(marker);
  }
  throw Error("unreachable");
}

Content Repository::excerpt(const Marker& marker) const {
  fs::path path = inside(root_, marker.file);
  std::string source = read_file(path);
  Lines lines = split_lines(source);
  std::string language = language_of(path, lines);
  if (marker.from) {
    std::size_t first = unique_line(lines, *marker.from, marker.file);
    std::size_t last = first;
    if (marker.to)
      last = end_line(lines, first, marker, marker.file);
    else if (language == "cpp" && !trimmed(lines[first]).starts_with('#'))
      last = last_line_of(source, first);
    else
      throw Error("only for C++ declarations is the end found: say where it ends with to \"…\"");
    lines = part(lines, first, last + 1);
  }
  unindent(lines);
  trim_ends(lines);
  return {language, lines};
}

Content Repository::diff(const Marker& marker) const {
  Folders folders = stage_and_predecessor(root_, marker.stage);
  if (marker.file.empty()) return {"text", diffstat(root_, folders)};

  if (is_outside(marker.file)) throw Error(marker.file + " is outside the stage");
  FileDiff diff(root_, folders, marker.file);
  std::string where = "the diff of " + marker.file;
  if (marker.from) {
    Lines lines = diff.lines();
    std::size_t first = unique_line(lines, *marker.from, where);
    diff.keep_lines(first, end_line(lines, first, marker, where));
  } else if (marker.at) {
    diff.keep_hunks_with(*marker.at);
    if (diff.lines().empty()) throw Error(quoted(*marker.at) + " is nowhere in " + where);
  }
  if (std::size_t count = diff.lines().size(); count > max_diff_lines)
    throw Error("this shows " + std::to_string(count) + " lines of " + where + ", and " +
                std::to_string(max_diff_lines) +
                " are enough: narrow it with at \"…\", or with from \"…\" to \"…\"");
  Lines lines = diff.with_headers();
  trim_ends(lines);
  return {"diff", lines};
}

Content Repository::run(const Marker& marker) {
  const Output& output = output_of(marker.command);
  if (output.exit != marker.exit) {
    std::string last = output.lines.empty() ? "" : "; its last line: " + output.lines.back();
    throw Error("the command ends with exit status " + std::to_string(output.exit) + ", not " +
                std::to_string(marker.exit) + last);
  }
  Lines lines = shown(output.lines, marker);
  for (const std::string& line : lines)
    if (line.find(root_.string()) != std::string::npos)
      throw Error("the output names " + root_.string() + ", which is elsewhere for everybody else");
  lines.insert(lines.begin(), "$ " + marker.command);
  return {"console", lines};
}

const Repository::Output& Repository::output_of(const std::string& command) {
  auto known = outputs_.find(command);
  if (known != outputs_.end()) return known->second;

  // timeout ends the command with everything that it has started, and setpriv sees to it that both
  // end when this program does, on Ctrl-C for example.
  double seconds = std::chrono::duration<double>(deadline_).count();
  process::Command shell{
      {"setpriv", "--pdeathsig", "TERM", "timeout", "--kill-after=5", std::to_string(seconds), "sh",
       "-c", "exec 2>&1\n" + command},
      {{"LANG", "C.UTF-8"}, {"LC_ALL", "C.UTF-8"}, {"NO_COLOR", "1"}, {"COLUMNS", ""}},
      root_};
  auto begin = std::chrono::steady_clock::now();
  process::Result result = process::run(shell, deadline_ + std::chrono::seconds(10));
  bool late = std::chrono::steady_clock::now() - begin >= deadline_;
  if (result.exit.late || (late && result.exit.code == 124))
    throw Error("the command was stopped after " + std::to_string(static_cast<int>(seconds)) +
                " seconds");
  if (result.exit.signal != 0) throw Error("the command was " + result.exit.describe());
  Output output{result.exit.code, split_lines(result.out)};
  std::erase_if(output.lines, tells_of_building);
  trim_ends(output.lines);
  return outputs_.emplace(command, std::move(output)).first->second;
}

Lines masked(Lines block, const Marker& marker) {
  std::vector<std::regex> patterns{
      std::regex("^ +0(\\.0)?( +[0-9.]+)* m?s$"),       // the axis below a timeline
      std::regex("│.*"),                                // a bar of it
      std::regex(" *[0-9]+(\\.[0-9]+)? m?s(?= |,|$)"),  // a time
      std::regex("127\\.0\\.0\\.1:[0-9]+")};
  for (const std::string& pattern : marker.varies) patterns.emplace_back(pattern);
  // The fence and the command are no output.
  auto output = block.begin() + std::min<std::ptrdiff_t>(2, std::ssize(block));
  for (auto line = output; line != block.end(); ++line)
    for (const std::regex& pattern : patterns) *line = std::regex_replace(*line, pattern, "…");
  if (marker.any_order) std::sort(output, block.end());
  return block;
}

}  // namespace text
