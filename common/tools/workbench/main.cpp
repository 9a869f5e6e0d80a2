// prove: shows that a stage's exercise holds what it promises. For the course's own tests
// (ctest -L proof); a reader never needs it.
//   prove --root DIR --build DIR [STAGE…]     without STAGE: all

#include <exception>
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

int run(std::vector<std::string> words) {
  if (words.size() < 4 || words[0] != "--root" || words[2] != "--build")
    throw course::Failure("the use is: prove --root DIR --build DIR [STAGE...]", 2);
  course::Map map(words[1]);
  workbench::Workbench bench(words[1], words[3]);
  std::vector<const course::Stage*> stages;
  for (std::size_t i = 4; i < words.size(); ++i) stages.push_back(&map.stage(words[i]));
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
    return run({argv + 1, argv + argc});
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
