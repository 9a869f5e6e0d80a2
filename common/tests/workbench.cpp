// The workbench, known mistakes and the proofs, on a small course: a stage that the reader runs,
// and one of a few lines that the reader writes. Its common library is the one that this suite
// links.

#include "workbench/workbench.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "course/failure.hpp"
#include "process/child.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "workbench/mistake.hpp"
#include "workbench/proof.hpp"

namespace fs = std::filesystem;
using workbench::Outcome;
using workbench::Proof;
using workbench::Variant;
using Words = std::vector<std::string>;

namespace {

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

std::string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string solution = "// Adds.\ninline int sum(int a, int b) { return a + b; }\n";

// A mistake: that line with other code in it.
std::string with(const std::string& header, const std::string& code) {
  return header + "\nIn sum.hpp:\n // Adds.\n-" + solution.substr(solution.find("inline")) +
         "+inline int sum(int a, int b) { " + code + " }\n";
}

const std::string minus_header =
    "Title: The second one is taken away\n"
    "Fails: one, two: what is \"1 * 2\"? (a, b) \\ [assert]\n"
    "Learn: Minus is not\n  plus.\n";

// All of it is as it should be, and stands in folders with difficult names.
class Scratch {
 public:
  Scratch() {
    write(root() / "ch01-sums/chapter.json",
          R"({ "chapter": "ch01", "title": "Sums", "text": "docs/ch01.md", "stages": [
      { "name": "a-zero", "title": "nothing yet", "kind": "show" },
      { "name": "b-sum", "title": "adds", "kind": "mechanism", "predecessor": "ch01/a" } ] })");
    write(root() / "ch01-sums/a-zero/main.cpp", "int main() {}\n");
    write(root() / "ch01-sums/a-zero/old.hpp", "// Kept.\n");
    write(root() / "ch01-sums/tests/a-zero.cpp", R"(
#include <doctest/doctest.h>
#include <cstdlib>
TEST_CASE("it passes") { CHECK(1 == 1); }
TEST_CASE("it fails") { CHECK(1 == 2); }
TEST_CASE("it throws") { throw 1; }
TEST_CASE("it crashes") { std::abort(); }
TEST_CASE("it hangs") { for (volatile int i = 0;; i = i + 1) {} }
TEST_CASE("it leaves, with success") { std::_Exit(0); }
TEST_CASE("twice") {}
TEST_CASE("Twice") {}
)");
    write(root() / "docs/ch01.md", "# Sums\n\n## Adding up\n");
    fs::create_directories(root() / "common/tools");
    fs::create_directory_symlink(COURSE_ROOT "/common/tools/workbench",
                                 root() / "common/tools/workbench");
    fs::create_directories(root() / "common/cmake");
    fs::copy_file(SCRATCH_CMAKE, root() / "common/cmake/course.cmake");
    fs::create_directories(build());
    fs::copy_file(COURSE_BUILD "/CMakeCache.txt", build() / "CMakeCache.txt");
    reset();
  }

  // All as it should be again, but what was built stays.
  void reset() const {
    fs::remove_all(chapter() / "b-sum");
    fs::remove_all(exercise());
    write(chapter() / "b-sum/main.cpp", "#include \"sum.hpp\"\nint main() { return sum(0, 0); }\n");
    write(chapter() / "b-sum/sum.hpp", solution);
    write(chapter() / "tests/b-sum.cpp", R"(
#include <doctest/doctest.h>
#include <unistd.h>
#include "sum.hpp"
#include "testing/program.hpp"
TEST_CASE("one, two: what is \"1 * 2\"? (a, b) \\") { CHECK(sum(1, 2) == 3); }
TEST_CASE("nothing is added") {
  CHECK(sum(4, 0) == 4);
  CHECK(::access(STAGE_PROGRAM.c_str(), X_OK) == 0);
}
)");
    write(exercise() / "shape.cpp", R"(#include "sum.hpp"
static_assert(requires { { sum(1, 2) }; }, "there has to be a sum");
)");
    write(exercise() / "start/sum.hpp", "// Adds.\ninline int sum(int, int) { return 0; }\n");
    mistake("minus", with(minus_header, "return a - b;"));
    hints(R"({ "text": "#adding-up", "cases": {
               "one, two: what is \"1 * 2\"? (a, b) \\": ["m", "h"],
               "nothing is added": ["m", "h", "i", "docs/ch01.md#adding-up"] } })");
  }
  void mistake(const std::string& name, const std::string& text) const {
    write(exercise() / "mistakes" / (name + ".mistake"), text);
  }
  void hints(const std::string& json) const { write(exercise() / "hints.json", json); }

  [[nodiscard]] fs::path root() const { return folder_.path() / "a course (c++)"; }
  [[nodiscard]] fs::path build() const { return folder_.path() / "a build (c++)"; }
  [[nodiscard]] fs::path chapter() const { return root() / "ch01-sums"; }
  [[nodiscard]] fs::path exercise() const { return chapter() / "exercises/b-sum"; }
  [[nodiscard]] workbench::Workbench bench() const { return {root(), build()}; }

  [[nodiscard]] process::Result run(const std::string& program, const Words& words) const {
    Words all{"--root", root(), "--build", build()};
    all.insert(all.end(), words.begin(), words.end());
    process::Command command = testing::program(program, all);
    command.environment = {{"LC_ALL", "C"}};
    return process::run(command, testing::case_limit());
  }

  // What does not hold, in one text.
  [[nodiscard]] std::string problems() const {
    course::Map map(root());
    workbench::Workbench bench = this->bench();
    Proof proof = workbench::prove(map, bench, workbench::mechanisms(map)).at(0);
    std::string text;
    for (const std::string& problem : proof.problems) text += "- " + problem + "\n";
    for (const std::string& skipped : proof.skipped) text += "skipped: " + skipped + "\n";
    return text;
  }

 private:
  testing::TemporaryFolder folder_;
};

// One for all cases: setting up a build tree takes its time.
Scratch& fresh() {
  static Scratch scratch;
  scratch.reset();
  return scratch;
}

Words verdicts(const std::vector<Outcome>& outcomes) {
  Words words;
  for (const Outcome& outcome : outcomes) words.push_back(outcome.verdict());
  return words;
}

}  // namespace

TEST_CASE("a case passes, fails, crashes, hangs or leaves, whatever the others do") {
  Scratch& scratch = fresh();
  course::Map map(scratch.root());
  Variant variant{"probe", &map.stage("ch01/a")};
  workbench::Workbench bench = scratch.bench();
  bench.lay_out(variant, workbench::read_files(scratch.chapter() / "a-zero"));
  REQUIRE(bench.build({variant}, "suite") == "");
  Words all = bench.cases(variant);
  CHECK(all == Words{"it passes", "it fails", "it throws", "it crashes", "it hangs",
                     "it leaves, with success", "twice", "Twice"});

  Words names(all.begin(), all.begin() + 6);
  std::vector<Outcome> outcomes = bench.judge(variant, names, false);
  CHECK(verdicts(outcomes) == Words{"passed", "assert", "assert", "signal ABRT", "hang", "exit"});
  CHECK(has(outcomes[1].output, "ERROR: CHECK( 1 == 2 ) is NOT correct!"));
  CHECK_FALSE(has(outcomes[1].output, "TEST CASE"));
  CHECK_FALSE(has(outcomes[1].output, "[doctest]"));
  CHECK(outcomes[0].output == "");

  CHECK(verdicts(bench.judge(variant, {"it passes", "it fails", "it hangs", "it throws"}, true)) ==
        Words{"passed", "assert"});
  CHECK_THROWS_WITH_AS((void)bench.judge(variant, {"it is not there"}, false),
                       doctest::Contains("0 cases"), course::Failure);
  CHECK_THROWS_WITH_AS((void)bench.judge(variant, {"twice"}, false), doctest::Contains("2 cases"),
                       course::Failure);
}

TEST_CASE("what does not compile is told, and does not stop other variants") {
  Scratch& scratch = fresh();
  course::Map map(scratch.root());
  const course::Stage& stage = map.stage("ch01/b");
  workbench::Workbench bench = scratch.bench();
  Variant good{"good", &stage}, bad{"bad", &stage}, mine{"mine", &stage};
  workbench::Files files = workbench::read_files(scratch.chapter() / "b-sum");
  bench.lay_out(good, files);
  files["sum.hpp"] = "int total(int a, int b) { }\n";
  bench.lay_out(bad, files);
  CHECK(has(bench.build({bad, good}, "suite"), "sum"));
  CHECK(verdicts(bench.judge(good, bench.cases(good), false)) == Words{"passed", "passed"});
  CHECK(bench.build({good}, "shape") == "");
  CHECK(bench.build({good}, "program") == "");
  CHECK(process::run(testing::program(bench.program(good))).exit.describe() == "exit status 0");

  bench.clear(bad);
  CHECK_THROWS_WITH_AS((void)bench.build({bad}, "suite"), doctest::Contains("no .cpp file"),
                       course::Failure);
  CHECK_THROWS_WITH_AS((void)bench.build({mine}, "suite"), doctest::Contains("mine/ch01-sums"),
                       course::Failure);
  CHECK_FALSE(fs::exists(scratch.root() / "mine"));  // it belongs to the reader
}

TEST_CASE("a mistake's header is read, and what is wrong with it is told") {
  testing::TemporaryFolder folder;
  fs::path file = folder.path() / "lost-edge.mistake";
  auto mistake = [&](const std::string& text) {
    write(file, text);
    return workbench::read_mistake(file);
  };
  workbench::Mistake one =
      mistake(with("Title: A title\nFails: a case (issue 5: [x])\n  that is long [signal SEGV]\n"
                   "Fails: another [hang]\nPreset: asan\nLearn: First line,\n  and second.\n",
                   "return 1;"));
  CHECK(one.name == "lost-edge");
  CHECK(one.title == "A title");
  REQUIRE(one.fails.size() == 2);
  CHECK(one.fails[0].name == "a case (issue 5: [x]) that is long");
  CHECK(one.fails[0].verdict == "signal SEGV");
  CHECK(one.fails[1].verdict == "hang");
  CHECK(one.learn == "First line, and second.");
  CHECK(one.changed == 2);
  REQUIRE(one.replacements.size() == 1);
  CHECK(one.replacements[0].file == "sum.hpp");
  CHECK(one.replacements[0].before == solution);
  CHECK(one.replacements[0].after == "// Adds.\ninline int sum(int a, int b) { return 1; }\n");
  CHECK_FALSE(workbench::shows(one, ""));
  CHECK(workbench::shows(one, "address,undefined"));

  auto refused = [&](const std::string& header) -> std::string {
    try {
      mistake(with(header, "return 1;"));
    } catch (const course::Failure& failure) {
      return failure.what();
    }
    return "";
  };
  std::string title = "Title: t\n", fails = "Fails: c [exit]\n", learn = "Learn: l\n";
  CHECK(refused(title + fails + learn) == "");
  CHECK(has(refused(fails + learn), "lost-edge.mistake: there is no Title"));
  CHECK(has(refused(title + learn), "there is no Fails"));
  CHECK(has(refused(title + "May fail: c\n" + learn), "there is no Fails"));
  CHECK(has(refused(title + fails), "there is no Learn"));
  CHECK(has(refused(title + fails + learn + "Fials: c [exit]\n"), "\"Fials: c [exit]\": the keys"));
  CHECK(has(refused(title + "Fails: c\n" + learn), "end with a verdict"));
  CHECK(has(refused(title + "Fails: c [sometimes]\n" + learn), "[sometimes] is no verdict"));
  CHECK(has(refused(title + fails + learn + "Preset: tsan\n"), "the only preset"));
  CHECK_THROWS_WITH_AS(mistake(title + fails + learn + "\nIn a.hpp:\nint a;\n"),
                       doctest::Contains("\"int a;\": it has to begin with a blank, - or +"),
                       course::Failure);
  CHECK_THROWS_WITH_AS(mistake(title + fails + learn), doctest::Contains("nothing to replace"),
                       course::Failure);
}

TEST_CASE("a header may name many cases in one line, and take some of them out") {
  testing::TemporaryFolder folder;
  write(folder.path() / "m.mistake",
        with("Title: t\nLearn: l\nFails: * [assert]\nFails: the program * [hang]\n"
             "Passes: the program ends [well]?\n",
             "return 1;"));
  workbench::Mistake mistake = workbench::read_mistake(folder.path() / "m.mistake");
  CHECK(mistake.expected("a case") == "assert");
  CHECK(mistake.expected("the program runs") == "hang");
  CHECK(mistake.expected("the program ends [well]?") == "passed");
  CHECK(mistake.expected("the program ends well") == "hang");
}

TEST_CASE("what may fail may pass, too, and is no proof of a case") {
  testing::TemporaryFolder folder;
  write(folder.path() / "m.mistake",
        with("Title: t\nLearn: l\nFails: certain [assert]\nMay fail: lucky*\n", "return 1;"));
  workbench::Mistake mistake = workbench::read_mistake(folder.path() / "m.mistake");
  CHECK(mistake.expected("lucky or not") == workbench::any_verdict);
  CHECK(mistake.expected("another") == "passed");
  auto outcome = [](const std::string& name, workbench::Outcome::Kind kind) {
    workbench::Outcome one;
    one.name = name;
    one.kind = kind;
    return one;
  };
  using Kind = workbench::Outcome::Kind;
  for (Kind luck : {Kind::passed, Kind::failed, Kind::hung})
    CHECK(workbench::deviations(mistake, {outcome("certain", Kind::failed), outcome("lucky", luck)})
              .empty());
  CHECK(workbench::deviations(mistake, {outcome("certain", Kind::passed)}).size() == 2);
}

TEST_CASE("what a mistake replaces has to stand in the file once, as whole lines") {
  auto replaced = [](const std::string& file, const std::string& before) -> std::string {
    workbench::Mistake mistake;
    mistake.replacements = {{"a.hpp", before, "new\n"}};
    try {
      return workbench::with_mistake({{"a.hpp", file}}, mistake).at("a.hpp");
    } catch (const course::Failure& failure) {
      return failure.what();
    }
  };
  CHECK(replaced("one\ntwo\n", "two\n") == "one\nnew\n");
  CHECK(replaced("x two\ntwo\n", "two\n") == "x two\nnew\n");
  CHECK(has(replaced("one\n", "two\n"), "stands nowhere in our a.hpp"));
  CHECK(has(replaced("two\n\ntwo\n", "two\n"), "stands 2 times in our a.hpp"));
}

TEST_CASE("an exercise that holds what it promises is proved") {
  Scratch& scratch = fresh();
  CHECK(scratch.problems() == "");
  process::Result result = scratch.run(PROVE_PROGRAM, {"ch01/b"});
  CHECK(result.out == "ch01/b: 2 cases, stubs, 1 mistake: proved\n");
  CHECK(result.exit.code == 0);
  // The stubs have the rest of our stage.
  CHECK(fs::exists(scratch.build() / "workbench/slots/stubs/ch01-sums/b-sum/main.cpp"));
}

TEST_CASE("a mistake that is not what its header says is told") {
  Scratch& scratch = fresh();
  scratch.mistake("minus", with("Title: t\nFails: nothing is added [assert]\nLearn: l\n"
                                "Fails: gone [exit]\n",
                                "return a - b;"));
  scratch.mistake("crash", with("Title: t\nFails: nothing is added [assert]\nLearn: l\n",
                                "if (b == 0) __builtin_abort(); return a + b;"));
  std::string other = with(minus_header, "return 1;");
  scratch.mistake("elsewhere", other.replace(other.find("// Adds."), 8, "// Hmm.."));
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += "\n+  a += b - b;";
  scratch.mistake("large", with(minus_header, "a -= b + b;" + lines + "\n+ return a + b;"));
  scratch.mistake("nonsense", with(minus_header, "return nothing;"));
  scratch.mistake("silent", "Title: t\n");
  scratch.mistake("hidden", with(minus_header + "Preset: asan\n", "return a - b;"));
  std::string said = scratch.problems();
  INFO(said);
  std::string one_two = "\"one, two: what is \"1 * 2\"? (a, b) \\\"";
  CHECK(has(said, "minus, " + one_two + ": expected: passed, happened: assert"));
  CHECK(has(said, "minus, \"nothing is added\": expected: assert, happened: passed"));
  CHECK(has(said, "minus, \"gone\": there is no such case"));
  CHECK(has(said, "crash, \"nothing is added\": expected: assert, happened: signal ABRT"));
  CHECK(has(said, "elsewhere: what it replaces stands nowhere in our sum.hpp"));
  CHECK(has(said, "large changes 13 lines; expected: at most 10"));
  CHECK(has(said, "nonsense: expected: compiles"));
  CHECK(has(said, "silent.mistake: there is nothing to replace"));
  bool sanitized = has(scratch.bench().sanitizers(), "address");
  CHECK(has(said, "skipped: the mistake hidden: only the preset asan shows it") != sanitized);
  CHECK(scratch.run(PROVE_PROGRAM, {}).exit.code == 1);
}

TEST_CASE("stubs that crash or fit no shape, and code of ours that fails, are told") {
  Scratch& scratch = fresh();
  write(scratch.chapter() / "b-sum/sum.hpp",
        "// Adds.\ninline int sum(int a, int b) { return a + b + (a == 4); }\n");
  write(scratch.exercise() / "shape.cpp",
        "#include \"sum.hpp\"\nstatic_assert(sizeof(sum(1, 2)) == 4, \"it has to be an int\");\n");
  write(scratch.exercise() / "start/sum.hpp",
        "inline char sum(int, int b) { if (b == 0) __builtin_abort(); return 3; }\n");
  std::string said = scratch.problems();
  INFO(said);
  CHECK(has(said, "our code, \"nothing is added\": expected: passed, happened: assert"));
  CHECK(has(said, "the stubs, \"nothing is added\": expected: passed or assert, happened: signal"));
  CHECK(has(said, "the stubs, shape.cpp: expected: compiles"));
  CHECK(has(said, "it has to be an int"));
  CHECK(has(said, "minus: what it replaces stands nowhere"));
}

TEST_CASE("a right solution of another shape has to pass, and is not ours") {
  Scratch& scratch = fresh();
  auto other = [&](const std::string& name, const std::string& code) {
    write(scratch.exercise() / "also-right" / name / "sum.hpp", code);
  };
  other("backwards", "inline int sum(int a, int b) { return b + a; }\n");
  CHECK(scratch.problems() == "");
  other("wrong", "inline int sum(int a, int) { return a; }\n");
  other("ours", solution);
  std::string said = scratch.problems();
  CHECK(has(said,
            "- also-right/wrong, \"one, two: what is \"1 * 2\"? (a, b) \\\": expected: passed"));
  CHECK(has(said, "- also-right/ours/sum.hpp is our file: take it away"));
  CHECK_FALSE(has(said, "also-right/backwards"));
}

TEST_CASE("a start that gives the solution away, and a case that proves nothing, are told") {
  Scratch& scratch = fresh();
  write(scratch.exercise() / "start/sum.hpp", "// Write this!\n\n" + solution + "// Or not.\n");
  std::string said = scratch.problems();
  INFO(said);
  CHECK(has(said, "start/sum.hpp has all of our solution in it"));
  CHECK(has(said, "the stubs pass every case"));
  CHECK(has(said, "\"nothing is added\" passes on the stubs and with every mistake"));

  write(scratch.exercise() / "start/sum.hpp", solution);
  CHECK(has(scratch.problems(), "start/sum.hpp is our file: take it away"));
}

TEST_CASE("an exercise that is not complete, and hints that help nobody, are told") {
  Scratch& scratch = fresh();
  fs::remove(scratch.exercise() / "shape.cpp");
  scratch.hints(R"({ "text": "#taking-away", "cases": {
    "nothing is added": ["m", "1", "2", "3", "4"], "no case": ["docs/gone.md#a"] } })");
  std::string said = scratch.problems();
  INFO(said);
  CHECK(has(said, "ch01-sums/exercises/b-sum/shape.cpp is not there"));
  CHECK(has(said, "hints.json, \"no case\": it does not say what a failure means"));
  CHECK(has(said, "there are 4 hints; expected: one to 3"));
  CHECK(has(said, "the text leads to no heading: docs/ch01.md#taking-away"));
  CHECK(has(said, "hints.json, \"no case\": there is no such case"));
  CHECK(has(said, "there are 0 hints"));
  CHECK(has(said, "leads to no file: docs/gone.md#a"));
  CHECK(has(said, "hints.json has nothing on \"one, two"));

  fs::remove_all(scratch.exercise() / "mistakes");
  fs::remove(scratch.exercise() / "hints.json");
  fs::create_directories(scratch.exercise() / "mistakes");
  said = scratch.problems();
  CHECK(has(said, "hints.json is not there"));
  CHECK(has(said, "there is no mistake"));

  // While it is not begun, that its cases prove nothing is no news.
  fs::remove_all(scratch.exercise());
  std::string where = "- ch01-sums/exercises/b-sum/";
  CHECK(scratch.problems() == where + "start is not there\n" + where + "mistakes is not there\n" +
                                  where + "shape.cpp is not there\n" + where +
                                  "hints.json is not there\n");
}

TEST_CASE("a stage with .cpp and .S files is started, checked and proved like any other") {
  Scratch& scratch = fresh();
  fs::copy(COURSE_ROOT "/common/tests/assembly", scratch.root() / "ch99-assembly",
           fs::copy_options::recursive);
  process::Result proved = scratch.run(PROVE_PROGRAM, {"ch99/a"});
  CHECK(proved.out == "ch99/a: 2 cases, stubs, 2 mistakes: proved\n");
  // Where no header changes, the suite is not compiled again.
  std::string objects = scratch.build() / "workbench/CMakeFiles";
  CHECK(fs::exists(objects + "/reference-ch99-a-sum-suite.dir"));
  CHECK_FALSE(fs::exists(objects + "/mistake-difference-ch99-a-sum-suite.dir"));

  process::Result started = scratch.run(COURSE_PROGRAM, {"start", "ch99/a"});
  CHECK(has(started.out, "for you to write  sum.cpp"));
  process::Result unwritten = scratch.run(COURSE_PROGRAM, {"check", "ch99/a"});
  CHECK(has(unwritten.out, "Not written yet: sum()"));
  fs::path mine = scratch.root() / "mine/ch99-assembly/a-sum";
  write(mine / "sum.cpp", read(scratch.root() / "ch99-assembly/a-sum/sum.cpp"));
  process::Result checked = scratch.run(COURSE_PROGRAM, {"check", "ch99/a"});
  INFO(checked.out, checked.err);
  CHECK(has(checked.out, "ch99/a passes: all 2 cases."));
  fs::remove_all(scratch.root() / "ch99-assembly");
  fs::remove_all(scratch.root() / "mine");
}

TEST_CASE("a suite that comes later than its stage is found by the next build") {
  testing::TemporaryFolder folder;
  fs::path chapter = folder.path() / "ch01-sums", build = folder.path() / "build";
  fs::create_directory_symlink(COURSE_ROOT "/common", folder.path() / "common");
  write(chapter / "chapter.json", R"({ "chapter": "ch01", "title": "Sums", "stages": [
    { "name": "a-sum", "title": "adds" },
    { "name": "b-gone", "title": "left out", "needs": [ { "package": "p", "program": "no-such" } ] }
    ] })");
  write(chapter / "CMakeLists.txt", read(COURSE_ROOT "/ch03-syscalls/CMakeLists.txt"));
  write(chapter / "a-sum/main.cpp", "int main() {}\n");
  auto cmake = [](Words words) {
    words.insert(words.begin(), "cmake");
    return process::run({words, {{"LC_ALL", "C"}}});
  };
  process::Result configured = cmake(
      {"-S", chapter, "-B", build, "-G", "Ninja", "-DCOURSE_DOWNLOADS=" COURSE_BUILD "/_deps"});
  REQUIRE_MESSAGE(configured.exit.ok(), configured.err);
  // Whatever is built: here what says that it is left out. CMake runs then, if it has a reason.
  Words anything{"--build", build, "--target", "ch01-b-gone"};
  CHECK_FALSE(cmake(anything).exit.ok());
  for (const char* name : {"a-sum", "b-gone"})
    write(chapter / "tests" / (std::string(name) + ".cpp"), "// A suite.\n");
  CHECK_FALSE(cmake(anything).exit.ok());
  std::string targets = cmake({"--build", build, "--target", "help"}).out;
  CHECK(has(targets, "ch01-a-sum-tests: "));
  CHECK(has(targets, "ch01-b-gone-tests: "));
}

TEST_CASE("new_stage makes of a planned stage one that the map knows and CMake builds") {
  testing::TemporaryFolder folder;
  const fs::path& root = folder.path();
  for (const char* part : {"CMakeLists.txt", "ch04-epoll-queue/CMakeLists.txt",
                           "ch04-epoll-queue/tests/a-epoll.cpp", "common/tools/new_stage"}) {
    fs::create_directories((root / part).parent_path());
    fs::copy(fs::path(COURSE_ROOT) / part, root / part);
  }
  fs::copy(COURSE_ROOT "/ch04-epoll-queue/a-epoll", root / "ch04-epoll-queue/a-epoll");
  write(
      root / "ch04-epoll-queue/chapter.json",
      R"({ "chapter": "ch04", "title": "t", "stages": [ { "name": "a-epoll", "title": "t" } ] })");
  write(root / "common/tools/course/later.json", R"([
  { "chapter": "ch98", "folder": "ch98-new", "title": "New",
    "stages": [
      { "name": "a-first", "title": "the first" },
      { "name": "b-second", "title": "the second" },
      { "name": "x-side", "title": "a side trip" } ] }
]
)");
  auto make = [&](Words words) {
    words.insert(words.begin(), root / "common/tools/new_stage");
    return process::run({words});
  };
  CHECK(make({"ch98/a-first", "ch04/a-epoll", "--exercise"}).err == "");
  CHECK(make({"ch98/x-side"}).err == "");
  CHECK(make({"ch98/b-second", "ch98/a-first"}).err == "");
  CHECK(make({"ch98/b-second"}).err ==
        "new_stage: common/tools/course/later.json plans no ch98/b-second\n");

  course::Map map(root);
  Words names;
  for (const course::Stage& stage : map.find("ch98").chapter->stages) names.push_back(stage.name);
  CHECK(names == Words{"a-first", "b-second", "x-side"});
  CHECK(map.stage("ch98/a").mechanism);
  CHECK(map.predecessor(map.stage("ch98/a"))->name == "a-epoll");
  CHECK(map.predecessor(map.stage("ch98/b"))->name == "a-first");
  CHECK(has(read(root / "ch98-new/b-second/main.cpp"), "// Stage ch98/b: "));
  CHECK(read(root / "ch98-new/a-first/poll.hpp") ==
        read(root / "ch04-epoll-queue/a-epoll/poll.hpp"));
  CHECK(has(read(root / "ch98-new/tests/a-first.cpp"), "// The suite of ch98/a-first.\n"));
  CHECK(has(read(root / "CMakeLists.txt"), "add_subdirectory(ch98-new)\n"));
  CHECK(fs::exists(root / "ch98-new/exercises/a-first/shape.cpp"));
}

TEST_CASE("./course break lists the mistakes, and shows what one breaks") {
  Scratch& scratch = fresh();
  process::Result listed = scratch.run(COURSE_PROGRAM, {"break", "ch01/b"});
  CHECK(has(listed.out, "  minus  The second one is taken away\n"));
  CHECK(listed.exit.code == 0);

  process::Result shown = scratch.run(COURSE_PROGRAM, {"break", "ch01/b", "minus"});
  INFO(shown.out, shown.err);
  CHECK(shown.exit.code == 0);
  CHECK(has(shown.out, "+inline int sum(int a, int b) { return a - b; }\n"));
  CHECK(has(shown.out, "Caught by \"one, two: what is \"1 * 2\"? (a, b) \\\": an assertion fails"));
  CHECK(has(shown.out, "sum(1, 2) == 3"));
  CHECK(has(shown.out, "1 of 2 cases pass all the same.\n\nMinus is not plus.\n"));
  CHECK(read(scratch.chapter() / "b-sum/sum.hpp") == solution);

  scratch.mistake("minus",
                  with("Title: t\nFails: nothing is added [hang]\nLearn: l\n", "return a - b;"));
  process::Result wrong = scratch.run(COURSE_PROGRAM, {"break", "ch01/b", "minus"});
  CHECK(wrong.exit.code == 1);
  CHECK(has(wrong.err, "expected: hang, happened: passed"));

  process::Result near = scratch.run(COURSE_PROGRAM, {"break", "ch01/b", "minsu"});
  CHECK(near.err == "course: ch01/b has no mistake \"minsu\"; did you mean minus?\n");
  CHECK(near.exit.code == 2);
  process::Result none = scratch.run(COURSE_PROGRAM, {"break", "ch01/a"});
  CHECK(none.err == "course: there are no known mistakes in ch01/a\n");
}
