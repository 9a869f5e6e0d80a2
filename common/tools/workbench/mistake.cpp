#include "workbench/mistake.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "course/exercise.hpp"
#include "course/failure.hpp"

namespace workbench {
namespace {

namespace fs = std::filesystem;

// "a case [hang]"
Mistake::Failing failing(const std::string& value) {
  std::size_t bracket = value.rfind(" [");
  if (bracket == std::string::npos || !value.ends_with(']'))
    throw std::invalid_argument("it has to end with a verdict, such as [assert]");
  Mistake::Failing one{value.substr(0, bracket), value.substr(bracket + 2)};
  one.verdict.pop_back();
  if (one.verdict != "assert" && one.verdict != "hang" && one.verdict != "exit" &&
      !one.verdict.starts_with("signal "))
    throw std::invalid_argument("[" + one.verdict +
                                "] is no verdict; they are assert, signal SEGV, hang, exit");
  return one;
}

void set(Mistake& mistake, const std::string& key, const std::string& value) {
  if (value.empty()) throw std::invalid_argument("it says nothing");
  if (key == "Title")
    mistake.title = value;
  else if (key == "Fails")
    mistake.fails.push_back(failing(value));
  else if (key == "Passes")
    mistake.fails.push_back({value, "passed"});
  else if (key == "May fail")
    mistake.fails.push_back({value, any_verdict});
  else if (key == "Learn")
    mistake.learn = value;
  else if (key == "Preset" && value == "asan")
    mistake.preset = value;
  else if (key == "Preset")
    throw std::invalid_argument("the only preset is asan");
  else
    throw std::invalid_argument("the keys are Title, Fails, Passes, May fail, Learn and Preset");
}

std::string trimmed(const std::string& text) {
  std::size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

constexpr std::string_view opening = "In ";  // a file, and then its lines

// Whether a case has this name, of which only * is anything but itself.
bool fits(const std::string& pattern, const std::string& name) {
  std::string glob;
  for (char byte : pattern) {
    if (byte == '?' || byte == '[' || byte == '\\') glob += '\\';
    glob += byte;
  }
  return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
}

// A line below "In FILE:".
void add(Mistake& mistake, const std::string& line) {
  Mistake::Replacement& last = mistake.replacements.back();
  char mark = line.empty() ? ' ' : line[0];  // an editor may have taken the blank of an empty line
  std::string code = line.empty() ? "\n" : line.substr(1) + "\n";
  if (mark != ' ' && mark != '-' && mark != '+')
    throw std::invalid_argument("it has to begin with a blank, - or +");
  if (mark != '+') last.before += code;
  if (mark != '-') last.after += code;
  if (mark != ' ') ++mistake.changed;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at)
    if (at == 0 || text[at - 1] == '\n') ++found;  // whole lines
  return found;
}

}  // namespace

std::string Mistake::expected(const std::string& case_name) const {
  std::string verdict = "passed";
  for (const Failing& one : fails)
    if (fits(one.name, case_name)) verdict = one.verdict;
  return verdict;
}

Mistake read_mistake(const fs::path& file) {
  Mistake mistake;
  mistake.name = file.stem();
  std::istringstream lines(course::content_of(file));
  auto fail = [&](const std::string& why) { return course::Failure(file.string() + ": " + why); };

  std::string line, key, value;
  auto finish = [&] {
    if (key.empty()) return;
    try {
      set(mistake, key, value);
    } catch (const std::invalid_argument& why) {
      throw fail("\"" + key + ": " + value + "\": " + why.what());
    }
    key.clear();
  };
  while (std::getline(lines, line) && !line.starts_with(opening)) {
    if (trimmed(line).empty()) continue;
    if (line.starts_with(' ') && !key.empty()) {
      value += " " + trimmed(line);
      continue;
    }
    finish();
    std::size_t colon = line.find(':');
    if (colon == std::string::npos) throw fail("\"" + line + "\": it has to begin with a key");
    key = line.substr(0, colon);
    value = trimmed(line.substr(colon + 1));
  }
  finish();
  if (!lines) throw fail("there is nothing to replace (a line such as \"In poll.hpp:\")");
  if (mistake.title.empty()) throw fail("there is no Title");
  if (std::ranges::all_of(mistake.fails, [](const Mistake::Failing& one) {
        return one.verdict == "passed" || one.verdict == any_verdict;
      }))
    throw fail("there is no Fails: which case catches it?");
  if (mistake.learn.empty()) throw fail("there is no Learn");

  do {
    mistake.shown += line + "\n";
    try {
      if (line.starts_with(opening) && line.ends_with(':'))
        mistake.replacements.push_back(
            {line.substr(opening.size(), line.size() - opening.size() - 1), "", ""});
      else
        add(mistake, line);
    } catch (const std::invalid_argument& why) {
      throw fail("\"" + line + "\": " + why.what());
    }
  } while (std::getline(lines, line));
  return mistake;
}

std::vector<fs::path> mistake_files(const course::Map& map, const course::Stage& stage) {
  std::vector<fs::path> files;
  std::error_code missing;
  for (const auto& entry :
       fs::directory_iterator(course::exercise_folder(map, stage) / "mistakes", missing))
    if (entry.path().extension() == ".mistake") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Files with_mistake(Files files, const Mistake& mistake) {
  for (const auto& [name, before, after] : mistake.replacements) {
    auto file = files.find(name);
    std::size_t places = file == files.end() ? 0 : count(file->second, before);
    if (before.empty() || places != 1)
      throw course::Failure(
          "what it replaces stands " +
          (places == 0 ? std::string("nowhere") : std::to_string(places) + " times") + " in our " +
          name + ", but has to stand there once:\n" + before);
    std::size_t at = 0;
    while (at = file->second.find(before, at), at != 0 && file->second[at - 1] != '\n') ++at;
    file->second.replace(at, before.size(), after);
  }
  return files;
}

bool shows(const Mistake& mistake, const std::string& sanitizers) {
  return mistake.preset.empty() || sanitizers.find("address") != std::string::npos;
}

std::vector<std::string> deviations(const Mistake& mistake, const std::vector<Outcome>& outcomes) {
  std::vector<std::string> lines;
  for (const Outcome& outcome : outcomes)
    if (std::string expected = mistake.expected(outcome.name);
        outcome.verdict() != expected && expected != any_verdict)
      lines.push_back("\"" + outcome.name + "\": expected: " + expected +
                      ", happened: " + outcome.verdict());
  for (const Mistake::Failing& one : mistake.fails)
    if (std::none_of(outcomes.begin(), outcomes.end(),
                     [&](const Outcome& outcome) { return fits(one.name, outcome.name); }))
      lines.push_back("\"" + one.name + "\": there is no such case");
  return lines;
}

}  // namespace workbench
