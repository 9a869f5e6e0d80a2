#include <algorithm>
#include <sstream>

#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/explain.hpp"
#include "course/failure.hpp"
#include "course/terminal.hpp"
#include "workbench/mistake.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;
using workbench::Mistake;
using workbench::Outcome;

int list_mistakes(const Stage& stage, const std::vector<fs::path>& files, const Style& look) {
  std::size_t width = 0;
  for (const fs::path& file : files) width = std::max(width, file.stem().string().size());
  std::string text = "Known mistakes in " + stage.short_name() + ":\n";
  for (const fs::path& file : files) {
    Mistake mistake = workbench::read_mistake(file);
    text += "  " + look.paint("1", pad(mistake.name, width)) + "  " + mistake.title + "\n";
  }
  print(text + "What one of them breaks: ./course break " + stage.short_name() + " " +
        files.front().stem().string() + "\n");
  return 0;
}

// What the suite said about it, in a few lines of no more than 100 columns.
std::string reason(const Outcome& outcome, const fs::path& root) {
  constexpr std::size_t most = 100;
  std::istringstream lines(first_failed_check(outcome.output, root, "  "));
  std::string text;
  for (std::string line; std::getline(lines, line);)
    text += (line.size() > most ? line.substr(0, most - 3) + "..." : line) + "\n";
  return text;
}

std::string coloured(const std::string& replacements, const Style& look) {
  std::istringstream lines(replacements);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const char* code = line.starts_with("In ") ? "1"
                       : line.starts_with("-") ? "31"
                       : line.starts_with("+") ? "32"
                                               : "";
    text += (*code != '\0' ? look.paint(code, line) : line) + "\n";
  }
  return text;
}

std::string in_words(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::passed:
      return "passes";
    case Outcome::Kind::failed:
      return "an assertion fails";
    case Outcome::Kind::signalled:
      return "it crashes, by SIG" + outcome.verdict().substr(7);
    case Outcome::Kind::hung:
      return "it never ends";
    case Outcome::Kind::flooded:
      return "it writes without end";
    case Outcome::Kind::vanished:
      break;
  }
  return "the program ends in the middle of the case";
}

}  // namespace

int break_stage(const Workshop& workshop, const std::string& stage_name,
                const std::string& mistake_name) {
  const Map& map = workshop.map;
  const Stage& stage = map.stage(stage_name);
  std::vector<fs::path> files = workbench::mistake_files(map, stage);
  if (files.empty()) throw Failure("there are no known mistakes in " + stage.short_name(), 2);
  Style look = style();
  if (mistake_name.empty()) return list_mistakes(stage, files, look);

  std::vector<std::string> names;
  for (const fs::path& file : files) names.push_back(file.stem());
  auto found = std::find(names.begin(), names.end(), mistake_name);
  if (found == names.end()) {
    std::string near = nearest(mistake_name, names);
    throw Failure(stage.short_name() + " has no mistake " + in_quotes(mistake_name) + "; " +
                      (near.empty() ? "./course break " + stage.short_name() + " shows all"
                                    : "did you mean " + near + "?"),
                  2);
  }

  Mistake mistake = workbench::read_mistake(files[static_cast<std::size_t>(found - names.begin())]);
  workbench::Workbench bench(map.root(), workshop.build);
  if (!workbench::shows(mistake, bench.sanitizers()))
    throw Failure(mistake.name + " shows only in a build with sanitizers: cmake --preset " +
                  mistake.preset + ", then ./course -B build/" + mistake.preset + " break " +
                  stage.short_name() + " " + mistake.name);
  workbench::Variant variant{"break", &stage};
  bench.lay_out(variant, with_mistake(workbench::read_files(map.root() / stage.folder), mistake));
  print(look.paint("1", stage.short_name() + ", broken: " + mistake.title) + "\n\n" +
        coloured(mistake.shown, look) + "\n");
  if (std::string said = bench.build({variant}, "suite"); !said.empty()) {
    complain(said.substr(0, said.size() - 1));
    throw Failure("with this mistake " + stage.short_name() + " does not build; see above");
  }
  std::vector<Outcome> outcomes = bench.judge(variant, bench.cases(variant), false);

  std::size_t passed = 0;
  for (const Outcome& outcome : outcomes) {
    if (outcome.kind == Outcome::Kind::passed) {
      ++passed;
      continue;
    }
    print(look.paint("31", "Caught by \"" + outcome.name + "\"") + ": " + in_words(outcome) + " (" +
          outcome.verdict() + ")\n" + reason(outcome, map.root()));
  }
  print(std::to_string(passed) + " of " + std::to_string(outcomes.size()) +
        " cases pass all the same.\n\n" + wrap(mistake.learn, "", look));
  std::vector<std::string> deviations = workbench::deviations(mistake, outcomes);
  if (deviations.empty()) return 0;
  for (const std::string& line : deviations) complain("course: " + line);
  throw Failure("that is not what " + mistake.name + ".mistake says");
}

}  // namespace course
