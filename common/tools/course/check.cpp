#include <csignal>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>

#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/explain.hpp"
#include "course/failure.hpp"
#include "course/foreground.hpp"
#include "course/progress.hpp"
#include "course/terminal.hpp"
#include "course/watch.hpp"
#include "workbench/workbench.hpp"

namespace course {
namespace {

using workbench::Outcome;
using namespace std::chrono_literals;

std::string how_it_hung(const Outcome::Usage& usage) {
  constexpr std::size_t megabyte = 1 << 20;
  if (usage.of == 0ms) return "so it waits for something that never comes, or loops";
  // On a busy machine a loop gets its share of the processor only; what sleeps needs nearly
  // nothing.
  if (usage.processor * 20 < usage.of)
    return "and it slept: it waits for something that never comes";
  std::string words = "and it was busy: it loops";
  if (usage.memory > 200 * megabyte)
    words += ", and what it keeps grows: " + std::to_string(usage.memory / megabyte) + " MB";
  return words;
}

std::string in_words(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::passed:
      return "it passes";
    case Outcome::Kind::failed:
      if (outcome.output.find("std::bad_alloc") != std::string::npos)
        return "it wanted more memory than a case may have, a gigabyte: something grows without "
               "end";
      return "a check of the suite failed";
    case Outcome::Kind::signalled:
      return outcome.verdict() + ": it crashed (" + ::strsignal(outcome.signal) + ")";
    case Outcome::Kind::hung:
      return "a hang: it did not end within its time, " + how_it_hung(outcome.usage);
    case Outcome::Kind::flooded:
      return "a flood: it wrote more than 4 MB, and was stopped";
    case Outcome::Kind::vanished:
      return "an early end: the whole process ended before the case did, as exit() does it";
  }
  return "";
}

// "Poll::wait()", where a body still throws what start/ put there; or empty.
std::string unwritten(const std::string& output) {
  std::size_t end = output.find(" is yours to write");
  if (end == std::string::npos) return "";
  std::size_t begin = output.find_last_of("\n:\"", end);
  // The colons of a qualified name are no separators.
  while (begin != std::string::npos && begin > 0 && output[begin] == ':' &&
         output[begin - 1] == ':')
    begin = begin > 1 ? output.find_last_of("\n:\"", begin - 2) : std::string::npos;
  begin = begin == std::string::npos ? 0 : output.find_first_not_of(" ", begin + 1);
  return output.substr(begin, end - begin);
}

// "__n < this->size()", where the standard library has caught something (an index out of range, for
// example) and ended the program; or empty.
std::string library_assertion(const std::string& output) {
  constexpr std::string_view words = "Assertion '";
  std::size_t begin = output.find(words);
  if (begin == std::string::npos) return "";
  begin += words.size();
  return output.substr(begin, output.find('\'', begin) - begin);
}

void show_failure(const Map& map, const Stage& stage, const Outcome& outcome, std::size_t passed,
                  std::size_t all) {
  Style look = style();
  Advice help = advice(map, stage, outcome.name);
  std::string count = std::to_string(all) + " cases";
  std::string heading = passed == 0
                            ? "the first of " + count + " fails:"
                            : std::to_string(passed) + " of " + count +
                                  (passed == 1 ? " passes" : " pass") + ", the next one fails:";
  std::string text = look.paint("31", wrap(stage.short_name() + ": " + heading, "", look)) + "\n" +
                     wrap(outcome.name, "  ", look) + "\n";
  if (std::string part = unwritten(outcome.output); !part.empty()) {
    print(text + wrap("Not written yet: " + part, "  ", look) + "\nNext: write it, and " +
          look.paint("1", "./course check " + stage.short_name()) + " again\n");
    return;
  }
  text += wrap("What happened: " + in_words(outcome), "  ", look) +
          first_failed_check(outcome.output, map.root(), "    ");
  if (std::string last = last_lines(outcome.output, "      ");
      outcome.kind == Outcome::Kind::hung && !last.empty())
    text += "    what it said last:\n" + last;
  if (std::string broken = library_assertion(outcome.output); !broken.empty())
    text += wrap("an assertion of the standard library: " + broken, "    ", look);
  // What the suite saw is explained; of a crash it only says where to look.
  const char* word =
      outcome.kind == Outcome::Kind::failed ? "What it means: " : "The case is about: ";
  if (!help.means.empty()) text += wrap(word + help.means, "  ", look);
  text += "\nNext: ";
  if (help.hints.empty() && !section(map, stage).empty())
    text += "read " + section(map, stage) + ", or ";
  print(text + look.paint("1", "./course hint " + stage.short_name()) + "\n");
}

void show_next(const Map& map, const Stage& stage) {
  Style look = style();
  std::string name = stage.short_name();
  auto command = [&](const std::string& words, const std::string& what) {
    return entry(words, what, look);
  };
  std::string text = "\nNext\n" + command("./course run " + name + " --mine", "watch it work") +
                     command("./course diff " + name + " --mine", "your code and ours") +
                     command("./course break " + name, "known mistakes, and what catches them");
  for (const Chapter& chapter : map.chapters())
    for (const Stage& next : chapter.stages)
      if (has_exercise(map, next) && map.predecessor(next) == &stage)
        text += command("./course start " + next.short_name(), next.title);
  print(text);
}

// A word on what takes time, while it does; for a terminal only.
class Passing {
 public:
  explicit Passing(const std::string& words) {
    if (shown_) std::fputs(words.c_str(), stderr);
  }
  Passing(const Passing&) = delete;
  ~Passing() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

 private:
  bool shown_ = obeys_escapes(STDERR_FILENO);
};

// A sanitizer that cannot work here is no fault of the reader's: said once, and not again.
void show_unusable(const workbench::Workbench& bench, const std::string& name,
                   const std::string& why) {
  std::filesystem::path said = bench.tree() / ".said-unusable";
  if (std::filesystem::exists(said)) return;
  std::ofstream(said) << why;
  print(wrap("Not looked at with " + name + ", which finds more: " + why, "", style()));
}

// Judges what has passed a second time, for what only a sanitizer sees. False if it sees something.
bool second_look(const Workshop& workshop, const Stage& stage,
                 const std::vector<std::string>& cases, const std::string& sanitizers,
                 const std::function<bool()>& outdated) {
  const Map& map = workshop.map;
  std::string name = sanitizers == "thread" ? "ThreadSanitizer" : "AddressSanitizer and UBSan";
  workbench::Variant mine{"mine", &stage};
  workbench::Workbench bench(map.root(), workshop.build, sanitizers, outdated);
  if (!bench.build({mine}, "suite").empty()) {  // it did, without them
    show_unusable(bench, name,
                  "the compiler cannot link with it here (clang's needs a package of its own, such "
                  "as libclang-rt-19-dev)");
    return true;
  }
  Style look = style();
  std::vector<Outcome> outcomes;
  {
    Passing line("Running them with " + name + " ...");
    outcomes = bench.judge(mine, cases, false);
  }
  for (Outcome& one : outcomes) {
    if (one.kind == Outcome::Kind::passed && one.report.empty()) continue;
    std::optional<CompileError> found =
        sanitizer_finding(one.report, map.root(), map.root() / own_folder(stage));
    if (!found) {
      if (std::size_t at = one.output.find("Sanitizer"); at != std::string::npos) {
        show_unusable(bench, name, one.output.substr(at, one.output.find('\n', at) - at));
        return true;
      }
      // It takes longer here, and the machine may be busy: only what fails twice is told.
      one = bench.judge(mine, {one.name}, false).front();
      if (one.kind == Outcome::Kind::passed) continue;
    }
    // Without a report the cause is a guess: it may be anything that depends on time, for example.
    std::string what = "But with " + name +
                       ", and a pattern in memory without a value, the case \"" + one.name +
                       "\" fails: perhaps something is used before it is set";
    if (found)
      what = "But " + name + (sanitizers == "thread" ? " sees" : " see") + " more: in the case \"" +
             one.name + "\" it " + found->text + (found->place.empty() ? "" : ": " + found->place);
    std::string text = "\n" + wrap(what, "", look);
    if (found && !found->source.empty()) text += "      " + look.paint("2", found->source) + "\n";
    if (one.report.empty())
      text += wrap("What happened: " + in_words(one), "    ", look) +
              first_failed_check(one.output, map.root(), "      ");
    print(text + "\nNext: mend it, and " + look.paint("1", "./course check " + stage.short_name()) +
          " again\n");
    return false;
  }
  print(name + (sanitizers == "thread" ? " finds" : " find") + " nothing either.\n");
  return true;
}

// Whether the reader's own files have something to do with threads.
bool uses_threads(const Map& map, const Stage& stage) {
  std::filesystem::path own = map.root() / own_folder(stage);
  for (const std::string& name : source_files(own))
    for (const char* word : {"std::thread", "std::jthread", "std::async", "pthread_create"})
      if (content_of(own / name).find(word) != std::string::npos) return true;
  return false;
}

bool check_once(const Workshop& workshop, const Stage& stage,
                const std::function<bool()>& outdated) {
  const Map& map = workshop.map;
  Progress progress(map);  // before the work: a file that cannot be read is said at once
  workbench::Variant mine{"mine", &stage};
  workbench::Workbench bench(map.root(), workshop.build);
  std::vector<std::string> cases;
  try {
    require_complete(map, stage);
    if (std::string said = bench.build({mine}, "check"); !said.empty()) {
      progress.not_judged(stage);
      print(explained(said, map, stage, style()));
      return false;
    }
    cases = bench.cases(mine);
  } catch (const Failure&) {
    progress.not_judged(stage);
    throw;
  }
  if (cases.empty()) throw Failure("the suite of " + stage.short_name() + " has no cases");
  std::vector<Outcome> outcomes;
  {
    Passing line("Running " + std::to_string(cases.size()) + " cases ...");
    outcomes = bench.judge(mine, cases, true);
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].kind == Outcome::Kind::passed) continue;
    progress.fail(stage, outcomes[i].name);
    show_failure(map, stage, outcomes[i], i, cases.size());
    return false;
  }
  if (outcomes.size() != cases.size())
    throw Failure("the suite of " + stage.short_name() + " ended before its last case");
  progress.pass(stage);
  print(style().paint(
            "32", stage.short_name() + " passes: all " + std::to_string(cases.size()) + " cases.") +
        "\n");
  bool plain = bench.sanitizers().empty() && !bench.emulated();
  bool threads = stage.threads || uses_threads(map, stage);
  if (plain && !(second_look(workshop, stage, cases, "address,undefined", outdated) &&
                 (!threads || second_look(workshop, stage, cases, "thread", outdated)))) {
    progress.not_judged(stage);
    return false;
  }
  show_next(map, stage);
  return true;
}

void obey(int signal) {
  if (signal == SIGTSTP)
    std::raise(SIGSTOP);  // returns when we are continued
  else if (signal != 0)
    throw Interrupted{signal};
}

[[noreturn]] void watch(const Workshop& workshop, const Stage& stage, Signals& signals) {
  FolderWatch folder(workshop.map.root() / own_folder(stage));
  for (;;) {
    FolderWatch::News news = FolderWatch::News::none;
    auto outdated = [&] {
      if (news == FolderWatch::News::none) news = folder.wait(0ms);
      return news != FolderWatch::News::none;
    };
    if (obeys_escapes(STDOUT_FILENO)) print("\x1b[H\x1b[2J\x1b[3J");
    try {
      (void)check_once(workshop, stage, outdated);
    } catch (const course::Outdated&) {
      if (news == FolderWatch::News::changed) continue;
    } catch (const OutputClosed&) {
      throw;
    } catch (const std::exception& error) {  // such as a file that is not there for a moment
      complain(std::string("course: ") + error.what());
    }
    print("\nWatching " + own_folder(stage) + " for the next save; Ctrl-C ends it.\n");

    while (news == FolderWatch::News::none) {
      obey(signals.arrived());
      news = folder.wait(100ms);
    }
    if (news == FolderWatch::News::gone) throw Failure(own_folder(stage) + " was deleted or moved");
  }
}

}  // namespace

int check(const Workshop& workshop, const CheckOptions& options) {
  const Stage& stage = workshop.map.stage(options.stage);
  require_exercise(workshop.map, stage);
  require_own(workshop.map, stage);
  // Around those that builds and runs make for themselves: no signal falls in between.
  Signals signals;
  if (options.watch) watch(workshop, stage, signals);
  bool passed = check_once(workshop, stage, [] { return false; });
  obey(signals.arrived());
  return passed ? 0 : 1;
}

}  // namespace course
