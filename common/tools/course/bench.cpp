#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <csignal>

#include "course/bench_table.hpp"
#include "course/build.hpp"
#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/explain.hpp"
#include "course/failure.hpp"
#include "course/foreground.hpp"
#include "course/temporary_folder.hpp"
#include "course/terminal.hpp"
#include "workbench/workbench.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

bool has_bench(const Map& map, const Stage& stage) {
  fs::path chapter = (map.root() / stage.folder).parent_path();
  return stage.written && fs::exists(chapter / "bench" / (stage.name + ".cpp"));
}

std::vector<const Stage*> benches(const Map& map, const Place& place) {
  std::vector<const Stage*> stages;
  for (const Stage& stage : place.chapter->stages)
    if ((!place.stage || place.stage == &stage) && has_bench(map, stage)) stages.push_back(&stage);
  return stages;
}

[[noreturn]] void nothing_to_measure(const Map& map, const std::string& name) {
  std::string what = map.stage(name).short_name();  // throws if it is only planned
  if (Place place = map.find(name); !place.stage) what = place.chapter->name;
  std::string others;
  for (const Chapter& chapter : map.chapters())
    for (const Stage* stage : benches(map, {&chapter, nullptr}))
      others += (others.empty() ? "" : ", ") + stage->short_name();
  throw Failure("there is nothing to measure in " + what + "; there is in " +
                    (others.empty() ? "no chapter yet" : others),
                2);
}

std::string names(const std::vector<const Stage*>& stages) {
  std::string list;
  for (const Stage* stage : stages) list += (list.empty() ? "" : ", ") + stage->short_name();
  return list;
}

// A build tree of its own, since what is measured is optimised: BUILD/release.
fs::path release_tree(const Workshop& workshop) {
  fs::path tree = workshop.build / "release";
  fs::create_directories(tree);
  std::vector<std::string> arguments = like(workshop.build, workshop.map.root(), tree);
  arguments.insert(arguments.end(), {"-DCMAKE_BUILD_TYPE=Release", "-DCOURSE_TOOLS=OFF"});
  net::Fd locked = lock(tree);
  set_up(tree, arguments, "an optimised build", true);
  return tree;
}

// What the bench prints: its results.
Json measured(const fs::path& program, const Stage& stage) {
  TemporaryFolder folder;
  std::string file = folder.path() + "/results";
  net::Fd output(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  if (!output) throw net::last_error(file.c_str());
  process::Command command{{program}, {{"TMPDIR", folder.path()}}};
  command.own_group = true;  // a signal has to reach what it started, too
  command.output = output.get();
  std::signal(SIGTTOU, SIG_IGN);  // its group is not in the foreground, and may write all the same
  Signals signals;
  Ended ended = run_in_foreground(command, signals);
  if (ended.signal != 0) throw Interrupted{ended.signal};
  if (!ended.exit.ok())
    throw Failure("the bench of " + stage.short_name() + " failed: " + ended.exit.describe());
  try {
    return Json::parse(content_of(file));
  } catch (const Json::exception&) {
    throw Failure("the bench of " + stage.short_name() + " has printed something else than JSON");
  }
}

}  // namespace

int bench(const Workshop& workshop, const BenchOptions& options) {
  const Map& map = workshop.map;
  Place place = map.find(options.chapter);
  std::vector<const Stage*> stages = benches(map, place);
  if (stages.empty()) nothing_to_measure(map, options.chapter);
  if (options.mine) {
    std::string all = names(stages);
    if (place.stage) {
      require_exercise(map, *place.stage);
      require_own(map, *place.stage);
    }
    std::erase_if(stages, [&](const Stage* stage) {
      return !has_exercise(map, *stage) || !fs::is_directory(map.root() / own_folder(*stage));
    });
    if (stages.empty())
      throw Failure("you have no stage of your own that is measured (in " + place.chapter->name +
                        " these are: " + all + ")",
                    2);
    for (const Stage* stage : stages) require_complete(map, *stage);
  }

  fs::path release = release_tree(workshop);
  std::string missing;
  std::erase_if(stages, [&](const Stage* stage) {
    std::string why = left_out(release, *stage);
    if (!why.empty()) missing += "Left out: " + stage->short_name() + ": " + why + "\n";
    return !why.empty();
  });
  std::vector<fs::path> programs;
  if (options.mine) {
    workbench::Workbench workbench(map.root(), release);
    for (const Stage* stage : stages) {
      workbench::Variant mine{"mine", stage};
      if (std::string said = workbench.build({mine}, "bench"); !said.empty()) {
        print(explained(said, map, *stage, style()));
        return 1;
      }
      programs.push_back(workbench.program(mine).string() + "-bench");
    }
  } else if (!stages.empty()) {
    std::vector<std::string> targets;
    for (const Stage* stage : stages) {
      targets.push_back(stage->target() + "-bench");
      programs.push_back(release / "bin" / targets.back());
    }
    build(release, targets, "the bench of " + names(stages));
  }

  Json all{{"chapter", place.chapter->name}}, rows = Json::array();
  for (std::size_t i = 0; i != stages.size(); ++i) {
    Json results = measured(programs[i], *stages[i]);
    for (const char* key : {"machine", "compiler", "build"}) all[key] = results.value(key, "");
    for (Json& row : results["rows"]) {
      row["stage"] = stages[i]->short_name();
      rows.push_back(std::move(row));
    }
  }
  if (options.mine) all["mine"] = true;
  all["rows"] = std::move(rows);
  if (!missing.empty()) complain(missing.substr(0, missing.size() - 1));
  if (stages.empty()) throw Failure("nothing of " + options.chapter + " can be measured here");
  print(options.json ? all.dump() + "\n" : bench_table(all.dump(), style()));
  return 0;
}

}  // namespace course
