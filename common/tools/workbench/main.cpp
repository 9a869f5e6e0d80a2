// prove: shows that a stage's exercise holds what it promises. For the course's own tests
// (ctest -L proof); a reader never needs it.
//   prove [--root DIR] [--build DIR] [STAGE…]     from the root; without STAGE: all

#include <CLI/CLI.hpp>

#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "course/failure.hpp"
#include "course/terminal.hpp"
#include "net/fd.hpp"
#include "workbench/proof.hpp"

namespace {

std::string count(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

int run(int argc, char** argv) {
  std::string root = ".", build = "build/dev";
  std::vector<std::string> names;
  CLI::App app("Shows that exercises hold what they promise.");
  app.add_option("--root", root, "the checkout")->capture_default_str();
  app.add_option("--build", build, "its build folder")->capture_default_str();
  app.add_option("STAGE", names, "such as ch04/a; without it: all that a reader writes");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  std::filesystem::path folder = std::filesystem::canonical(root);
  course::Map map(folder);
  workbench::Workbench bench(folder, std::filesystem::absolute(build));
  std::vector<const course::Stage*> stages;
  for (const std::string& name : names) stages.push_back(&map.stage(name));
  if (stages.empty()) stages = workbench::mechanisms(map);
  if (stages.empty()) throw course::Failure("there is no stage that a reader writes");

  bool proved = true;
  for (const workbench::Proof& proof : workbench::prove(map, bench, stages)) {
    std::string text = proof.stage->short_name() + ": " + count(proof.cases, "case") + ", stubs, " +
                       count(proof.mistakes, "mistake") + ": ";
    text += proof.problems.empty() ? "proved\n" : count(proof.problems.size(), "problem") + "\n";
    for (const std::string& problem : proof.problems) text += "  - " + problem + "\n";
    for (const std::string& skipped : proof.skipped) text += "  (skipped: " + skipped + ")\n";
    course::print(text);
    proved = proved && proof.problems.empty();
  }
  return proved ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  net::reserve_standard_descriptors();
  try {
    return run(argc, argv);
  } catch (const course::Interrupted& interrupted) {
    course::complain("prove: interrupted");
    return 128 + interrupted.signal;
  } catch (const course::Failure& failure) {
    course::complain(std::string("prove: ") + failure.what());
    return failure.status();
  } catch (const std::exception& error) {
    course::complain(std::string("prove: ") + error.what());
    return 1;
  }
}
