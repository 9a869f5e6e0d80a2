// propagate: carries an edit of one stage into all that was made from it, or finds copies that have
// drifted.

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

#include "course/failure.hpp"
#include "propagate/check.hpp"
#include "propagate/plan.hpp"
#include "text/lines.hpp"

namespace {

namespace fs = std::filesystem;
using propagate::Conflict;
using propagate::Plan;

struct Options {
  std::string root, stage, base = "HEAD";
  bool check = false, write_conflicts = false;
};

// The nearest folder above this one that looks like the repository.
std::string root_above(fs::path folder) {
  while (!fs::exists(folder / "common/cmake/course.cmake")) {
    if (folder == folder.root_path()) return ".";
    folder = folder.parent_path();
  }
  return folder.string();
}

std::string counted(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

int check(const course::Map& map) {
  propagate::Findings findings = propagate::check(map);
  for (const std::string& line : findings.warnings) std::cout << "warning: " << line << "\n";
  for (const std::string& line : findings.drift) std::cout << line << "\n";
  std::cout << (findings.drift.empty() ? "no drift"
                                       : counted(findings.drift.size(), "drifted place"))
            << " in " << counted(findings.stages, "stage") << "\n";
  return findings.drift.empty() ? 0 : 1;
}

void print_changes(const Plan& plan) {
  std::size_t width = 0;
  for (const auto& [path, change] : plan.changes()) width = std::max(width, path.size());
  for (const auto& [path, change] : plan.changes())
    std::cout << "  " << path << std::string(width - path.size() + 2, ' ') << change.how << "\n";
  for (const std::string& note : plan.notes()) std::cout << "note: " << note << "\n";
}

void print_conflict(const Conflict& conflict) {
  std::cout << "\nconflict in " << conflict.path << " (" << conflict.stage << "): " << conflict.what
            << "\n";
  for (const std::string& hunk : conflict.hunks) {
    for (const std::string& line : text::split_lines(hunk)) std::cout << "    " << line << "\n";
    if (&hunk != &conflict.hunks.back()) std::cout << "    ...\n";
  }
  if (conflict.waiting.empty()) return;
  std::cout << "  until this is mended, it goes no further:";
  for (const std::string& stage : conflict.waiting)
    std::cout << " " << stage << (&stage != &conflict.waiting.back() ? "," : "");
  std::cout << "\n";
}

// What a person has to do about the conflicts, when all else has been written.
void print_mending(const Plan& plan, const Options& options) {
  std::cout << "\nnow:\n";
  std::vector<std::string> go_on;
  for (const Conflict& conflict : plan.conflicts()) {
    std::cout << "  " << (conflict.with_markers ? "mend the conflict in " : "mend by hand ")
              << conflict.path << "\n";
    bool new_stage = std::find(go_on.begin(), go_on.end(), conflict.stage) == go_on.end();
    bool of_a_stage = conflict.path.find("/exercises/") == std::string::npos;
    if (of_a_stage && new_stage) go_on.push_back(conflict.stage);
  }
  // Its own stubs and mistakes wait for it too, not only the stages behind it.
  for (const std::string& stage : go_on)
    std::cout << "  then propagate " << stage
              << (options.base == "HEAD" ? "" : " --base " + options.base) << "\n";
}

void print_next(const Plan& plan) {
  std::cout << "\nnext:\n  ./course test";
  for (const course::Stage* stage : plan.stages())
    std::cout << (stage == plan.stages().front() ? " " : " && ./course test ")
              << stage->short_name();
  std::cout << "\n  ctest --test-dir build/dev -L proof\n"
               "  cmake --build build/dev --target text-update\n";
}

int carry(const course::Map& map, const Options& options) {
  const course::Stage& stage = map.stage(options.stage);
  Plan plan(map, stage, options.base);
  if (plan.edits().empty()) {
    std::cout << "nothing to do: " << stage.folder << " is as it was at " << options.base << "\n";
    return 0;
  }
  std::cout << "edited in " << stage.short_name() << " since " << options.base << ":";
  for (const auto& [file, edit] : plan.edits()) std::cout << " " << file;
  std::cout << "\n";

  if (plan.conflicts().empty()) {
    plan.write();
    print_changes(plan);
    if (plan.changes().empty())
      std::cout << "nothing to do: whatever is made from it has the edit already, or needs none\n";
    print_next(plan);
    return 0;
  }
  for (const Conflict& conflict : plan.conflicts()) print_conflict(conflict);
  if (options.write_conflicts) {
    plan.write();
    std::cout << "\nwritten all the same:\n";
    print_changes(plan);
    print_mending(plan, options);
  } else {
    std::cout
        << "\n"
        << counted(plan.conflicts().size(), "conflict")
        << ": nothing was written. With --write-conflicts all else is, and the conflicts with "
           "markers, to be mended.\n";
  }
  return 1;
}

int run(int argc, char** argv) {
  Options options;
  options.root = root_above(fs::current_path());
  CLI::App app(
      "Carries an edit of a stage into the stages that are built on it, and into the stubs and\n"
      "mistakes that were made from them; or finds copies that have drifted.",
      "propagate");
  app.add_option("STAGE", options.stage, "what was edited, such as ch03/e");
  CLI::Option* base =
      app.add_option("--base", options.base, "what it is compared with: any revision (HEAD)");
  CLI::Option* write = app.add_flag("--write-conflicts", options.write_conflicts,
                                    "write files with conflict markers, instead of nothing");
  app.add_flag("--check", options.check, "change nothing; say where copies have drifted")
      ->excludes(base)
      ->excludes(write);
  app.add_option("--root", options.root, "the repository's root")->check(CLI::ExistingDirectory);
  try {
    app.parse(argc, argv);
    if (options.check != options.stage.empty())
      throw CLI::ValidationError("STAGE", "name a stage, or else give --check");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  course::Map map(options.root);
  return options.check ? check(map) : carry(map, options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const course::Failure& failure) {
    std::cerr << "propagate: " << failure.what() << "\n";
    return failure.status();
  } catch (const std::system_error& error) {
    bool git = error.code() == std::errc::no_such_file_or_directory &&
               std::string_view(error.what()).starts_with("git");
    std::cerr << "propagate: " << (git ? "git is missing: please install git" : error.what())
              << "\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "propagate: " << error.what() << "\n";
    return 1;
  }
}
