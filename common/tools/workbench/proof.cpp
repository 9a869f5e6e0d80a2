#include "workbench/proof.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "course/progress.hpp"
#include "text/links.hpp"
#include "workbench/mistake.hpp"

namespace workbench {
namespace {

namespace fs = std::filesystem;
using Kind = Outcome::Kind;

constexpr std::size_t most_changed_lines = 10, most_hints = 3;

// One of a stage's variants, and what came of it.
struct Candidate {
  Variant variant;
  std::string name;                // for people: "our code", "the mistake lost-edge"
  std::optional<Mistake> mistake;  // the one in it
  bool built = false;
  std::vector<Outcome> outcomes = {};
};

// The proof of one stage while it is made.
struct Work {
  Proof proof;
  std::vector<Candidate> candidates;  // ours, the stubs, others that are right, the mistakes
  std::vector<std::string> cases = {};
  std::set<std::string> can_fail = {};  // cases
  std::vector<Mistake> unseen = {};     // that only another build shows
  bool complete = true;                 // start/ and mistakes/ are there

  void problem(const std::string& text) { proof.problems.push_back(text); }
};

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

std::string indented(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line) && ++count <= 20;) result += "\n      " + line;
  return result;
}

// The code of a file: without comments, and without blanks at both ends of its lines. Strings that
// look like comments are taken for comments, in both files that are compared.
std::vector<std::string> code(const std::string& text) {
  std::vector<std::string> kept;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find("//"));
    std::size_t begin = line.find_first_not_of(" \t"), end = line.find_last_not_of(" \t");
    if (begin != std::string::npos) kept.push_back(line.substr(begin, end - begin + 1));
  }
  return kept;
}

// Whether all of `part` stands in `whole`, in this order.
bool contains(const std::vector<std::string>& whole, const std::vector<std::string>& part) {
  auto next = part.begin();
  for (const std::string& line : whole)
    if (next != part.end() && line == *next) ++next;
  return next == part.end();
}

void check_start(const Files& start, const Files& ours, Work& work) {
  for (const auto& [name, content] : start) {
    auto solution = ours.find(name);
    if (solution == ours.end()) continue;
    if (solution->second == content)
      work.problem("start/" + name + " is our file: take it away, it is given without a copy");
    else if (contains(code(content), code(solution->second)))
      work.problem("start/" + name + " has all of our solution in it");
  }
}

// What is there, and is laid out for the build. Without our code and a suite nothing can be.
void lay_out(const course::Map& map, const Workbench& bench, Work& work) {
  const course::Stage& stage = *work.proof.stage;
  fs::path exercise = course::exercise_folder(map, stage);
  for (const char* name : {"start", "mistakes", "shape.cpp", "hints.json"})
    if (!fs::exists(exercise / name)) {
      if (name == std::string_view("start") || name == std::string_view("mistakes"))
        work.complete = false;
      work.problem(exercise.lexically_relative(map.root()).string() + "/" + name + " is not there");
    }
  map.require_sources(stage);
  Files ours = read_files(map.root() / stage.folder);
  work.candidates.push_back({{"reference", &stage}, "our code", {}});

  if (fs::exists(exercise / "start")) {
    Files start = read_files(exercise / "start"), stubs = start;
    stubs.merge(Files(ours));
    check_start(start, ours, work);
    work.candidates.push_back({{"stubs", &stage}, "the stubs", {}});
    bench.lay_out(work.candidates.back().variant, stubs, ours);
  }

  std::error_code none;
  for (const auto& entry : fs::directory_iterator(exercise / "also-right", none)) {
    std::string name = entry.path().filename();
    Files right = read_files(entry.path());
    for (const auto& [file, content] : right)
      if (auto same = ours.find(file); same != ours.end() && same->second == content)
        work.problem("also-right/" + name + "/" + file + " is our file: take it away");
    right.merge(Files(ours));
    work.candidates.push_back({{"right-" + name, &stage}, "also-right/" + name, {}});
    bench.lay_out(work.candidates.back().variant, right, ours);
  }

  for (const fs::path& file : mistake_files(map, stage)) {
    std::string name = "the mistake " + file.stem().string();
    try {
      Mistake mistake = read_mistake(file);
      ++work.proof.mistakes;
      if (mistake.changed > most_changed_lines)
        work.problem(name + " changes " + std::to_string(mistake.changed) +
                     " lines; expected: at most " + std::to_string(most_changed_lines));
      Files files = with_mistake(ours, mistake);
      if (!shows(mistake, bench.sanitizers())) {
        work.proof.skipped.push_back(name + ": only the preset " + mistake.preset + " shows it");
        work.unseen.push_back(mistake);
        continue;
      }
      work.candidates.push_back({{"mistake-" + mistake.name, &stage}, name, mistake});
      bench.lay_out(work.candidates.back().variant, files, ours);
    } catch (const course::Failure& failure) {
      work.problem(name + ": " + failure.what());
    }
  }
  if (work.complete && work.proof.mistakes == 0)
    work.problem("there is no mistake (mistakes/*.mistake)");
  bench.lay_out(work.candidates.front().variant, ours);
}

// Each candidate's part of all that was built at once: that again, alone, if something went wrong.
void build(Workbench& bench, std::vector<Work>& works) {
  std::vector<Variant> all, shapes;
  for (const Work& work : works)
    for (const Candidate& candidate : work.candidates) {
      all.push_back(candidate.variant);
      if (!candidate.mistake) shapes.push_back(candidate.variant);
    }
  bool shapes_built = bench.build(shapes, "shape").empty();
  bool all_built = bench.build(all, "suite").empty();
  for (Work& work : works)
    for (Candidate& candidate : work.candidates) {
      std::string said;
      if (!shapes_built && !candidate.mistake) said = bench.build({candidate.variant}, "shape");
      if (!said.empty())
        work.problem(candidate.name +
                     ", shape.cpp: expected: compiles, happened:" + indented(said));
      said = all_built ? "" : bench.build({candidate.variant}, "suite");
      candidate.built = said.empty();
      if (!said.empty())
        work.problem(candidate.name + ": expected: compiles, happened:" + indented(said));
    }
}

// All cases of all candidates, as fast as the machine can.
void judge(const Workbench& bench, std::vector<Work>& works) {
  std::vector<Trial> trials;
  std::vector<Candidate*> owners;
  for (Work& work : works)
    for (Candidate& candidate : work.candidates) {
      if (!candidate.built) continue;
      if (work.cases.empty()) work.cases = bench.cases(candidate.variant);
      for (const std::string& name : work.cases) {
        trials.push_back({candidate.variant, name});
        owners.push_back(&candidate);
      }
    }
  std::vector<Outcome> outcomes = bench.judge(trials);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    // So many at once may make a slow case late: before it counts as hung, it gets all the machine.
    const std::optional<Mistake>& mistake = owners[i]->mistake;
    std::string expected = mistake ? mistake->expected(trials[i].name) : "passed";
    if (outcomes[i].kind == Kind::hung && expected != "hang" && expected != any_verdict)
      outcomes[i] = bench.judge({trials[i]}, false, 3)[0];
    owners[i]->outcomes.push_back(std::move(outcomes[i]));
  }
}

void check_outcomes(Work& work) {
  work.proof.cases = work.cases.size();
  for (const std::string& name : work.cases)
    for (const Mistake& mistake : work.unseen)
      if (std::string expected = mistake.expected(name);
          expected != "passed" && expected != any_verdict)
        work.can_fail.insert(name);
  for (const Candidate& candidate : work.candidates) {
    if (!candidate.built) continue;
    std::size_t failed = 0;
    for (const Outcome& outcome : candidate.outcomes) {
      if (outcome.kind == Kind::passed) continue;
      ++failed;
      std::string happened = ", happened: " + outcome.verdict() + indented(outcome.output);
      if (!candidate.mistake && candidate.variant.slot != "stubs")
        work.problem(candidate.name + ", " + quoted(outcome.name) + ": expected: passed" +
                     happened);
      else if (!candidate.mistake || candidate.mistake->expected(outcome.name) != any_verdict)
        work.can_fail.insert(outcome.name);
      if (candidate.variant.slot == "stubs" && outcome.kind != Kind::failed)
        work.problem("the stubs, " + quoted(outcome.name) + ": expected: passed or assert" +
                     happened);
    }
    if (candidate.variant.slot == "stubs" && failed == 0)
      work.problem("the stubs pass every case: nothing needs the code that is missing");
    if (candidate.mistake)
      for (const std::string& line : deviations(*candidate.mistake, candidate.outcomes))
        work.problem(candidate.name + ", " + line);
  }
  for (const std::string& name : work.cases)
    if (work.complete && !work.can_fail.contains(name))
      work.problem(quoted(name) + " passes on the stubs and with every mistake: it proves nothing");
}

// Where a text such as "docs/ch04-epoll-queue.md#edge-triggered" does not lead, or nothing.
std::string broken_link(const fs::path& root, const std::string& target) {
  std::size_t hash = target.find('#');
  fs::path file = root / target.substr(0, hash);
  if (!fs::is_regular_file(file)) return "leads to no file: " + target;
  if (hash == std::string::npos) return "names no section: " + target;
  text::Page page = text::parse_page(target, course::content_of(file));
  return text::anchors(page).contains(target.substr(hash + 1)) ? ""
                                                               : "leads to no heading: " + target;
}

void check_hints(const course::Map& map, Work& work) {
  const course::Stage& stage = *work.proof.stage;
  try {
    for (const auto& [name, entry] : course::hints(map, stage)) {
      std::string where = "hints.json, " + quoted(name) + ": ";
      if (!work.cases.empty() &&
          std::find(work.cases.begin(), work.cases.end(), name) == work.cases.end())
        work.problem(where + "there is no such case");
      if (entry.means.empty()) work.problem(where + "it does not say what a failure means");
      if (entry.hints.empty() || entry.hints.size() > most_hints)
        work.problem(where + "there are " + std::to_string(entry.hints.size()) +
                     " hints; expected: one to " + std::to_string(most_hints));
      if (std::string problem = broken_link(map.root(), entry.text); !problem.empty())
        work.problem(where + "the text " + problem);
    }
    for (const std::string& name : work.cases)
      if (work.can_fail.contains(name) && course::advice(map, stage, name).hints.empty())
        work.problem("hints.json has nothing on " + quoted(name) + ", which can fail");
  } catch (const course::Failure& problem) {
    work.problem(problem.what());
  }
}

}  // namespace

std::vector<const course::Stage*> mechanisms(const course::Map& map) {
  std::vector<const course::Stage*> stages;
  for (const course::Chapter& chapter : map.chapters())
    for (const course::Stage& stage : chapter.stages)
      if (stage.written && stage.mechanism) stages.push_back(&stage);
  return stages;
}

std::vector<Proof> prove(const course::Map& map, Workbench& bench,
                         const std::vector<const course::Stage*>& stages) {
  std::vector<Work> works;
  for (const course::Stage* stage : stages) {
    Work& work = works.emplace_back(Work{{stage, 0, 0, {}, {}}, {}});
    lay_out(map, bench, work);
  }
  build(bench, works);
  judge(bench, works);
  std::vector<Proof> proofs;
  for (Work& work : works) {
    check_outcomes(work);
    check_hints(map, work);
    proofs.push_back(std::move(work.proof));
  }
  return proofs;
}

}  // namespace workbench
