#include "workbench/mistake.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "course/temporary_folder.hpp"
#include "process/child.hpp"

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
  else if (key == "Learn")
    mistake.learn = value;
  else if (key == "Preset" && value == "asan")
    mistake.preset = value;
  else if (key == "Preset")
    throw std::invalid_argument("the only preset is asan");
  else
    throw std::invalid_argument("the keys are Title, Fails, Learn and Preset");
}

std::string trimmed(const std::string& text) {
  std::size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

}  // namespace

Mistake read_mistake(const fs::path& file) {
  Mistake mistake;
  mistake.name = file.stem();
  std::istringstream lines(course::content_of(file));
  auto fail = [&](const std::string& why) -> course::Failure {
    return course::Failure(file.string() + ": " + why);
  };

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
  while (std::getline(lines, line) && !line.starts_with("--- ")) {
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
  if (!lines) throw fail("there is no patch (a line that begins with \"--- \")");
  if (mistake.title.empty()) throw fail("there is no Title");
  if (mistake.fails.empty()) throw fail("there is no Fails: which case catches it?");
  if (mistake.learn.empty()) throw fail("there is no Learn");

  bool in_hunk = false;
  do {
    mistake.patch += line + "\n";
    if (line.starts_with("--- ")) in_hunk = false;
    if (line.starts_with("@@")) in_hunk = true;
    if (in_hunk && (line.starts_with('+') || line.starts_with('-'))) ++mistake.changed;
  } while (std::getline(lines, line));
  return mistake;
}

std::vector<fs::path> mistake_files(const course::Map& map, const course::Stage& stage) {
  std::vector<fs::path> files;
  std::error_code missing;
  for (const auto& entry :
       fs::directory_iterator(course::exercise_folder(map, stage) / "mistakes", missing))
    if (entry.path().extension() == ".patch") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Files with_mistake(const Files& files, const Mistake& mistake) {
  course::TemporaryFolder folder;
  fs::path stage = fs::path(folder.path()) / "stage", patch = fs::path(folder.path()) / "patch";
  for (const auto& [name, content] : files) {
    fs::create_directories((stage / name).parent_path());
    std::ofstream(stage / name) << content;
  }
  std::ofstream(patch) << mistake.patch;
  process::Command command{{"git", "apply", "-p1", patch}};
  command.directory = stage;
  // In no repository: there git would look for the files elsewhere.
  command.environment = {{"GIT_DIR", "/dev/null"},
                         {"GIT_CONFIG_GLOBAL", "/dev/null"},
                         {"GIT_CONFIG_NOSYSTEM", "1"},
                         {"LC_ALL", "C"}};
  process::Result result = process::run(command);
  if (!result.exit.ok())
    throw course::Failure("the patch does not apply to our code: " +
                          result.err.substr(0, result.err.find('\n')));
  return read_files(stage);
}

bool shows(const Mistake& mistake, const std::string& sanitizers) {
  return mistake.preset.empty() || sanitizers.find("address") != std::string::npos;
}

std::vector<std::string> deviations(const Mistake& mistake, const std::vector<Outcome>& outcomes) {
  std::vector<std::string> lines;
  for (const Outcome& outcome : outcomes) {
    std::string expected = "passed";
    for (const Mistake::Failing& one : mistake.fails)
      if (one.name == outcome.name) expected = one.verdict;
    if (outcome.verdict() != expected)
      lines.push_back("\"" + outcome.name + "\": expected: " + expected +
                      ", happened: " + outcome.verdict());
  }
  for (const Mistake::Failing& one : mistake.fails)
    if (std::none_of(outcomes.begin(), outcomes.end(),
                     [&](const Outcome& outcome) { return outcome.name == one.name; }))
      lines.push_back("\"" + one.name + "\": there is no such case");
  return lines;
}

}  // namespace workbench
