#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "course/build.hpp"
#include "course/commands.hpp"
#include "course/failure.hpp"
#include "course/foreground.hpp"
#include "course/temporary_folder.hpp"
#include "course/terminal.hpp"

namespace course {
namespace {

const std::string tools = "^tools$";  // a label

process::Command ctest(const Workshop& workshop, const std::string& label) {
  // Long runs, and the upkeep of the text, have commands of their own. The tools' suites take
  // longer than all others together: they have to be asked for.
  std::string others = label == tools ? "fuzz|proof|text" : "fuzz|proof|text|tools";
  process::Command command{{"ctest", "--label-exclude", "^(" + others + ")$"}};
  command.directory = workshop.build;
  if (!label.empty()) command.arguments.insert(command.arguments.end(), {"--label-regex", label});
  return command;
}

// The suites that ctest would run. A suite's test and its target have the same name.
std::vector<std::string> suites(process::Command command) {
  command.arguments.push_back("--show-only=json-v1");
  process::Result listed = process::run(command);
  if (!listed.exit.ok()) throw Failure("ctest cannot list the suites: " + listed.err);
  std::vector<std::string> names;
  nlohmann::json all = nlohmann::json::parse(listed.out);
  for (const nlohmann::json& test : all.at("tests")) names.push_back(test.at("name"));
  return names;
}

Ended run_suites(process::Command command) {
  TemporaryFolder folder;
  command.environment.push_back({"TMPDIR", folder.path()});
  command.own_group = true;  // a signal has to reach the suites and what they started
  // With `stty tostop` the terminal would stop a group that is not in the foreground.
  std::signal(SIGTTOU, SIG_IGN);
  Signals signals;
  return run_in_foreground(command, signals);
}

}  // namespace

int test(const Workshop& workshop, const std::string& name) {
  std::string label, what = "the course";
  Place place{nullptr, nullptr};
  if (name == "tools") {
    what = "the tools";
    label = tools;
  } else if (!name.empty()) {
    place = workshop.map.find(name);
    if (place.stage)
      what = workshop.map.stage(name).short_name();
    else if (place.chapter->last_written())
      what = place.chapter->name;
    else
      (void)workshop.map.stage(name);  // says that it is only planned
    label = "^" + what + "$";
  }
  look_again(workshop.build);
  std::string missing;
  for (const Chapter& chapter : workshop.map.chapters())
    for (const Stage& stage : chapter.stages)
      if (label != tools && stage.written && (!place.chapter || place.chapter == &chapter) &&
          (!place.stage || place.stage == &stage)) {
        // Without sources a stage has no suite, which must not pass for success.
        workshop.map.require_sources(stage);
        if (std::string why = left_out(workshop.build, stage); !why.empty()) {
          if (place.stage) throw Failure(stage.short_name() + " cannot be built here: " + why);
          missing += "Left out: " + stage.short_name() + ": " + why + "\n";
        }
      }

  process::Command command = ctest(workshop, label);
  std::vector<std::string> names = suites(command);
  if (names.empty()) throw Failure("there is no suite for " + what + " yet");
  build(workshop.build, names,
        names.size() == 1 ? names.front() : std::to_string(names.size()) + " suites");

  std::string jobs = std::to_string(std::max(1U, std::thread::hardware_concurrency()));
  command.arguments.insert(command.arguments.end(), {"--output-on-failure", "--no-label-summary",
                                                     "--no-tests=error", "--parallel", jobs});
  Ended ended = run_suites(command);
  if (ended.signal != 0) throw Interrupted{ended.signal};
  if (ended.exit.signal == SIGPIPE) throw OutputClosed();
  if (!ended.exit.ok()) throw Failure("some suites of " + what + " failed, see above");
  print(missing + "The suites of " + what +
        " passed.\n");  // ctest says so, too, but not whether it could
  return 0;
}

}  // namespace course
