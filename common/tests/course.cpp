// The reader's command: its parts, then the program and the script on a small course of two
// chapters, whose stages and suites are shell scripts.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "course/failure.hpp"
#include "course/map.hpp"
#include "course/thread_timeline.hpp"
#include "course/timeline.hpp"
#include "process/child.hpp"
#include "testing/program.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using process::Result;
using Words = std::vector<std::string>;

namespace {

void write(const fs::path& file, const std::string& text, bool executable = false) {
  fs::create_directories(file.parent_path());
  fs::remove(file);  // never through a link
  std::ofstream(file) << text;
  if (executable) fs::permissions(file, fs::perms::owner_all);
}

std::string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What every error has to be: one line that says whose it is.
bool one_line(const std::string& err) {
  return err.starts_with("course: ") && err.find('\n') == err.size() - 1;
}

// A request to the server in $2, in a shell: "GET /20/hello".
std::string request(const std::string& path) {
  return "exec 3<>/dev/tcp/${2%:*}/${2#*:}\n"
         "printf 'GET " +
         path + " HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3\n";
}

// A course of two chapters, in a folder with a space in its name, and its build folder.
class Scratch {
 public:
  Scratch() {
    write(root() / "ch03-syscalls/chapter.json", R"({ "chapter": "ch03", "title": "Calls",
      "text": "docs/ch03-syscalls.md", "stages": [
        { "name": "d-blocking-io", "title": "one after the other", "server": true },
        { "name": "f-poll", "title": "ask once", "predecessor": "ch03/d", "server": true,
          "threads": true } ] })");
    write(root() / "ch04-epoll-queue/chapter.json", R"({ "chapter": "ch04", "title": "A queue",
      "stages": [
        { "name": "a-epoll", "title": "the kernel keeps the list", "predecessor": "ch03/f-poll" },
        { "name": "x-asio", "title": "a library", "predecessor": "ch04/a" } ] })");
    write(root() / "common/tools/course/later.json", R"([
      { "chapter": "ch04", "folder": "ch04-epoll-queue", "title": "A queue", "stages": [
        { "name": "a-planned-name", "title": "an older plan" },
        { "name": "x-io-uring", "title": "completions" } ] },
      { "chapter": "ch08", "folder": "ch08-reactor-executor", "title": "Later", "stages": [
        { "name": "c-reactor-executor", "title": "tasks" } ] } ])");
    write(root() / "ch03-syscalls/d-blocking-io/main.cpp", "one\n");
    write(root() / "ch03-syscalls/f-poll/main.cpp", "the same\nint before = 1;\n");
    write(root() / "ch03-syscalls/f-poll/gone.hpp", "gone\n");
    write(root() / "ch03-syscalls/f-poll/kept.hpp", "kept\n");
    write(root() / "ch04-epoll-queue/a-epoll/main.cpp", "the same\nint after = 1;\n");
    write(root() / "ch04-epoll-queue/a-epoll/fresh.hpp", "1\n2\n3\n");
    write(root() / "ch04-epoll-queue/a-epoll/kept.hpp", "kept\n");
    write(root() / "ch04-epoll-queue/x-asio/main.cpp", "another\n");
  }

  [[nodiscard]] fs::path root() const { return folder_.path() / "a course"; }
  [[nodiscard]] fs::path build() const { return folder_.path() / "a build"; }
  [[nodiscard]] fs::path folder() const { return folder_.path(); }

  // `script` becomes the program of this stage; `make` is run, and must succeed, whenever it is
  // built.
  void stage(const std::string& target, const std::string& script, const std::string& make = ":") {
    write(root() / (target + ".sh"), "#!/bin/bash\n" + script, true);
    write(root() / (target + ".make"), "#!/bin/sh\n" + make, true);
    cmake_ += "add_custom_target(" + target + " COMMAND ${CMAKE_SOURCE_DIR}/" + target +
              ".make COMMAND mkdir -p bin COMMAND cp ${CMAKE_SOURCE_DIR}/" + target + ".sh bin/" +
              target + ")\n";
  }
  void suite(const std::string& target, const std::string& label, const std::string& script) {
    stage(target, script);
    cmake_ += "add_test(NAME " + target + " COMMAND ${CMAKE_BINARY_DIR}/bin/" + target +
              ")\nset_tests_properties(" + target + " PROPERTIES LABELS \"" + label + "\")\n";
  }
  // A bench of this stage; `rows` are those that it prints.
  void bench(const std::string& chapter, const std::string& name, const std::string& rows) {
    fs::path folder = root() / (chapter == "ch03" ? "ch03-syscalls" : "ch04-epoll-queue");
    write(folder / "bench" / (name + ".cpp"), "");
    stage(chapter + "-" + name + "-bench",
          "echo '{\"machine\":\"M\",\"compiler\":\"C\",\"build\":\"Release\",\"rows\":" + rows +
              "}'\n");
  }
  // The stage is left out, as course.cmake does it, until install() was called.
  void needs_a_package(const std::string& target) {
    cmake_ +=
        "if(EXISTS ${CMAKE_BINARY_DIR}/installed)\n"
        "  file(REMOVE ${CMAKE_BINARY_DIR}/left-out/" +
        target + ")\nelse()\n  file(WRITE ${CMAKE_BINARY_DIR}/left-out/" + target +
        " \"it needs libasio-dev\\n\")\nendif()\n";
  }
  void install() { write(build() / "installed", ""); }
  void configure() {
    write(root() / "CMakeLists.txt",
          "cmake_minimum_required(VERSION 3.25)\nproject(scratch LANGUAGES NONE)\n"
          "enable_testing()\n" +
              cmake_);
    fs::create_directories(build() / "bin");
    Result result = process::run({{"cmake", "-S", root(), "-B", build(), "-G", "Ninja"}});
    REQUIRE_MESSAGE(result.exit.ok(), result.err);
  }

  [[nodiscard]] process::Command command(const Words& words) const {
    Words all{"--root", root(), "--build", build()};
    all.insert(all.end(), words.begin(), words.end());
    process::Command command = testing::program(COURSE_PROGRAM, all);
    command.environment = {{"LC_ALL", "C"}, {"GIT_PAGER", "cat"}};
    return command;
  }
  // Without the progress of a build, which is shown only where it takes long.
  [[nodiscard]] Result course(const Words& words) const {
    Result result = process::run(command(words), testing::patience);
    result.err = std::regex_replace(result.err, std::regex("Building .*\\.\\.\\..*\n"), "");
    return result;
  }
  // The same by a shell, which sees the command as "$@".
  [[nodiscard]] Result course_in(const std::string& shell, const Words& words) const {
    process::Command command = this->command(words);
    command.arguments.insert(command.arguments.begin(), {"/bin/sh", "-c", shell, "sh"});
    command.directory = folder();
    return process::run(command, testing::patience);
  }

 private:
  testing::TemporaryFolder folder_;
  std::string cmake_;
};

std::string failure_of(const course::Map& map, const std::string& name) {
  try {
    return map.stage(name).target();
  } catch (const course::Failure& failure) {
    return std::to_string(failure.status()) + ": " + failure.what();
  }
}

}  // namespace

// ---- Names

TEST_CASE("a stage is found by its letter, its name, and the path of its folder") {
  Scratch scratch;
  course::Map map(scratch.root());
  for (const char* name :
       {"ch04/a", "ch04/a/", "ch04/a-epoll", "ch04-epoll-queue/a", "ch04-epoll-queue/a-epoll/"})
    CHECK(map.stage(name).target() == "ch04-a-epoll");
  CHECK(map.stage((scratch.root() / "ch04-epoll-queue/a-epoll/").string()).target() ==
        "ch04-a-epoll");
  CHECK(map.stage("ch04/x-asio").target() == "ch04-x-asio");
  CHECK(map.stage("ch04/a").folder == "ch04-epoll-queue/a-epoll");
  CHECK(map.predecessor(map.stage("ch04/a")) == &map.stage("ch03/f"));
  CHECK(map.predecessor(map.stage("ch03/d")) == nullptr);
}

TEST_CASE("a chapter alone stands for its last stage on the trunk, not for an excursion") {
  Scratch scratch;
  course::Map map(scratch.root());
  CHECK(map.stage("ch03").target() == "ch03-f-poll");
  CHECK(map.stage("ch04").target() == "ch04-a-epoll");
}

TEST_CASE("a wrong name gets the nearest right one") {
  Scratch scratch;
  course::Map map(scratch.root());
  CHECK(failure_of(map, "ch4/a") ==
        "2: there is no stage or chapter \"ch4/a\"; did you mean ch04/a?");
  CHECK(failure_of(map, "ch04/a-epol") ==
        "2: ch04 has no stage \"a-epol\"; did you mean ch04/a-epoll?");
  CHECK(failure_of(map, "ch04/b") ==
        "2: ch04 has no stage \"b\"; it has a-epoll, x-asio");  // and not what is only planned
  CHECK(failure_of(map, "ch4a") ==
        "2: there is no stage or chapter \"ch4a\"; did you mean ch04/a?");
  CHECK(failure_of(map, "CH04/A") ==
        "2: there is no stage or chapter \"CH04/A\"; did you mean ch04/a?");
  CHECK(failure_of(map, "epoll") ==
        "2: there is no stage or chapter \"epoll\"; did you mean ch04/a-epoll?");
  CHECK(failure_of(map, "something/else") ==
        "2: there is no stage or chapter \"something/else\"; ./course list shows all");
  CHECK(failure_of(map, "/") == "2: there is no stage or chapter \"/\"; ./course list shows all");
  CHECK(failure_of(map, std::string(5000, 'x')) == "2: there is no stage or chapter \"" +
                                                       std::string(60, 'x') +
                                                       "...\"; ./course list shows all");
}

TEST_CASE("a stage is also the folder that the reader is in") {
  Scratch scratch;
  scratch.stage("ch04-a-epoll", "echo ran\n");
  scratch.configure();
  process::Command command = scratch.command({"run", "."});
  command.directory = scratch.root() / "ch04-epoll-queue/a-epoll";
  CHECK(process::run(command, testing::patience).out == "ran\n");
  command.arguments.back() = "..";
  CHECK(process::run(command, testing::patience).out == "ran\n");
  command.directory = scratch.root();
  command.arguments.back() = ".";
  CHECK(has(process::run(command, testing::patience).err, "no stage or chapter \".\""));
}

TEST_CASE("a stage without sources is said to have none, also by the commands for many stages") {
  Scratch scratch;
  fs::remove(scratch.root() / "ch04-epoll-queue/a-epoll/main.cpp");
  for (const Words& words : {Words{"run", "ch04/a"},
                             {"run", "--all"},
                             {"diff", "ch04/a"},
                             {"test", "ch04/a"},
                             {"test", "ch04"},
                             {"test"}}) {
    CAPTURE(words.back());
    Result result = scratch.course(words);
    CHECK(result.exit.code == 1);
    CHECK(one_line(result.err));
    CHECK(has(result.err, "ch04/a has no .cpp file in ch04-epoll-queue/a-epoll"));
  }
  CHECK(scratch.course({"list"}).exit.ok());
}

TEST_CASE("a planned stage is told from a wrong name, and stops being planned once it is there") {
  Scratch scratch;
  course::Map map(scratch.root());
  CHECK(
      failure_of(map, "ch08/c") ==
      "2: ch08/c-reactor-executor is planned but not written yet; what there is goes up to ch04/a "
      "(./course list shows all)");
  CHECK(has(failure_of(map, "ch08"), "2: ch08 is planned"));
  CHECK(failure_of(map, "ch04/x-io-uring").starts_with("2: ch04/x-io-uring is planned"));
  CHECK(failure_of(map, "ch04/a-planned-name").starts_with("2: ch04 has no stage"));
}

TEST_CASE("a map that cannot be used is named") {
  Scratch scratch;
  write(scratch.root() / "ch05-fibers/chapter.json", "{ \"chapter\": 5 }");
  Result result = scratch.course({"list"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "ch05-fibers/chapter.json"));
}

// ---- What only prints

TEST_CASE("list shows every stage of the real course, in lines of at most 80 columns") {
  Words words{"--root", COURSE_ROOT, "--build", "/nowhere"};
  Result bare = process::run(testing::program(COURSE_PROGRAM, words), testing::patience);
  words.push_back("list");
  Result result = process::run(testing::program(COURSE_PROGRAM, words), testing::patience);
  CHECK(bare.exit.ok());
  CHECK(result.exit.ok());
  course::Map map(COURSE_ROOT);
  std::size_t stages = 0;
  for (const course::Chapter& chapter : map.chapters()) {
    for (const course::Stage& stage : chapter.stages) {
      CHECK(has(result.out, " " + stage.chapter + "/" + stage.name + " "));
      if (stage.written) CHECK(fs::exists(fs::path(COURSE_ROOT) / stage.folder / "main.cpp"));
      CHECK_NOTHROW((void)map.predecessor(stage));
      ++stages;
    }
  }
  CHECK(stages > 40);
  std::istringstream lines(bare.out + result.out);
  for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(line.size() <= 80, line);

  // The titles stand below each other, also beside the longest name.
  lines = std::istringstream(result.out);
  std::size_t column = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ch")) continue;
    std::size_t title = line.find_first_not_of(' ', line.find(' ', 2));
    if (column == 0) column = title;
    CHECK_MESSAGE(title == column, line);
  }
}

TEST_CASE("list wraps by words where COLUMNS says that there is less room") {
  Result result = process::run(
      [] {
        process::Command command = testing::program(
            COURSE_PROGRAM, {"--root", COURSE_ROOT, "--build", "/nowhere", "list"});
        command.environment = {{"COLUMNS", "50"}};
        return command;
      }(),
      testing::patience);
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(line.size() <= 50, line);
  CHECK(has(result.out,
            "  ch04/x-nonblocking-connect\n      connecting and sending do not block either\n"));
}

TEST_CASE("the bare command says where the reader is and what to type first, and touches nothing") {
  Scratch scratch;
  Result result = scratch.course({});
  CHECK(result.exit.ok());
  CHECK(has(result.out, "4 stages can be run, 2 are still to come"));
  CHECK(has(result.out, "./course run ch03/d "));
  CHECK(has(result.out, "./course diff ch04/a "));
  CHECK_FALSE(fs::exists(scratch.build()));
}

TEST_CASE("wrong use is status 2 and one line on standard error") {
  Scratch scratch;
  std::vector<std::pair<Words, std::string>> cases{
      {{"rnu"}, "did you mean ./course run?"},
      {{"benhc"}, "did you mean ./course bench?"},
      {{"bench"}, "./course bench ch01"},
      {{"bench", "ch04"}, "there is nothing to measure in ch04; there is in no chapter yet"},
      {{"bench", "ch08"}, "is planned but not written yet"},
      {{"bench", "ch4"}, "did you mean ch04?"},
      {{"bench", "ch04", "--", "x"}, "--"},
      {{"bench", "ch04", "more"}, "\"more\""},
      {{"ch04/a"}, "./course run ch04/a"},
      {{"run"}, "needs a stage"},
      {{"run", "ch04/a", "--all"}, "--all"},
      {{"run", "ch03/f", "--unit-ms", "0"}, "--unit-ms"},
      {{"run", "ch04/a", "--unit-ms", "10"}, "makes no requests"},
      {{"run", "ch04/a", "ch03/f", "--more"}, "\"ch03/f --more\""},
      {{"run", "-B", "x", "ch04/a"}, "./course -B DIR run"},
      {{"run", "--all", "--trace", "file"}, "--trace"},
      {{"run", "ch03/f", "--unit-ms"}, "--unit-ms needs a value"},
      {{"run", "ch03/f", "--server", ""}, "--server: it is empty"},
      {{"run", "ch03/f", "--trace", ""}, "--trace: it is empty"},
      {{"diff", "ch04/a", "--from", ""}, "--from: it is empty"},
      {{"run", "ch04/\x1b[31m\nred"}, "\"?[31m red\""},
      {{"run", "ch04/\u009b31m\u202e\xff"}, "\"?31m??\""},
      {{"list", "--", "x"}, "--"},
      {{"diff", "ch04/a", "--", "x"}, "--"},
      {{"test", "--", "x"}, "--"},
      {{"run", "ch04/a", "--mine"}, "is not for writing"},
      {{"diff"}, "./course diff ch04/a"},
      {{"diff", "ch04/a", "--stat", "--words"}, "exclude each other"},
      {{"diff", "ch04/a", "--color", "sometimes"}, "--color"},
      {{"check", "ch04/a"}, "is not for writing"},
      {{"test", "ch77"}, "no stage or chapter"},
      {{"test", "mine/ch04-epoll-queue/a-epoll"},
       "yours: ./course check mine/ch04-epoll-queue/a-epoll"},
      {{"break", "mine/ch04-epoll-queue/a-epoll"}, "is about ours"},
      {{"diff", "ch04/a", "--from", "mine/ch04-epoll-queue/a-epoll"}, "--from is about ours"},
      {{"--frobnicate"}, "--frobnicate"},
      {{"--frobnicate", "list"}, "--frobnicate"}};
  for (const auto& [words, said] : cases) {
    CAPTURE(words.back());
    Result result = scratch.course(words);
    CHECK(result.exit.code == 2);
    CHECK(result.out == "");
    CHECK(one_line(result.err));
    CHECK_MESSAGE(has(result.err, said), result.err);
  }
}

TEST_CASE("an output that nobody reads ends a command silently, like any program in a pipe") {
  Scratch scratch;
  scratch.suite("common-tests", "common", "exit 0\n");
  scratch.configure();
  for (const Words& words : {Words{}, {"list"}, {"diff", "ch04/a"}, {"test"}})
    for (const std::string first : {"", "trap \"\" PIPE; "}) {
      CAPTURE(first);
      (void)scratch.course_in(
          "exec bash -c '" + first +
              "exec 3> >(:); wait $!; \"$@\" >&3 2>err; echo $? >status' sh \"$@\"",
          words);
      CHECK(read(scratch.folder() / "status") == "141\n");
      CHECK(read(scratch.folder() / "err") == "");
    }
}

TEST_CASE("an output that is full is a failure, of every command") {
  Scratch scratch;
  scratch.suite("common-tests", "common", "exit 0\n");
  scratch.configure();
  for (const Words& words : {Words{}, {"list"}, {"list", "--help"}, {"diff", "ch04/a"}, {"test"}}) {
    Result result = scratch.course_in("exec \"$@\" >/dev/full", words);
    CHECK(result.exit.code == 1);
    CHECK(result.err == "course: cannot write to standard output: No space left on device\n");
  }
}

// ---- bench

TEST_CASE("bench runs all benches of a chapter in the order of its stages, or one") {
  Scratch scratch;
  scratch.bench("ch03", "f-poll",
                R"([{"name":"two","unit":"ns","ours":2,"range":[1,3],"rounds":7}])");
  scratch.bench("ch03", "d-blocking-io",
                R"([{"name":"one","unit":"ns","ours":1,"range":[1,1],"rounds":7}])");
  scratch.configure();
  Result result = scratch.course({"bench", "ch03", "--json"});
  CHECK(result.exit.ok());
  CHECK(result.out ==
        R"({"chapter":"ch03","machine":"M","compiler":"C","build":"Release","rows":[)"
        R"({"name":"one","unit":"ns","ours":1,"range":[1,1],"rounds":7,"stage":"ch03/d"},)"
        R"({"name":"two","unit":"ns","ours":2,"range":[1,3],"rounds":7,"stage":"ch03/f"}]})"
        "\n");
  result = scratch.course({"bench", "ch03/f"});
  CHECK(result.exit.ok());
  CHECK(result.out ==
        "M; C, Release; medians of 7 rounds, and the range. Less is better.\n\n"
        "ch03/f\n  two 2.00 ns  1.00 to 3.00\n");

  result = scratch.course({"bench", "ch04"});
  CHECK(result.exit.code == 2);
  CHECK(result.err == "course: there is nothing to measure in ch04; there is in ch03/d, ch03/f\n");
  CHECK(has(scratch.course({"bench", "ch04/a"}).err, "nothing to measure in ch04/a; there is"));
  result = scratch.course({"bench", "ch03", "--mine"});
  CHECK(result.exit.code == 2);
  CHECK(
      has(result.err, "no stage of your own that is measured (in ch03 these are: ch03/d, ch03/f)"));
}

TEST_CASE("what is left out of a chapter is said beside the table, until it is installed") {
  Scratch scratch;
  scratch.bench("ch04", "a-epoll", "[]");
  scratch.bench("ch04", "x-asio", "[]");
  scratch.needs_a_package("ch04-x-asio");
  scratch.configure();
  Result result = scratch.course({"bench", "ch04", "--json"});
  CHECK(result.exit.ok());
  CHECK(has(result.err, "Left out: ch04/x-asio: it needs libasio-dev\n"));
  result = scratch.course({"bench", "ch04/x-asio"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.err, "Left out: ch04/x-asio: it needs libasio-dev\n"));
  write(scratch.build() / "release/installed", "");
  CHECK(scratch.course({"bench", "ch04/x-asio", "--json"}).exit.ok());
}

TEST_CASE("a bench that fails, or prints no results, is named") {
  Scratch scratch;
  scratch.bench("ch03", "f-poll", "[]");
  scratch.configure();
  write(scratch.root() / "ch03-f-poll-bench.sh", "#!/bin/sh\necho no fibers >&2\nexit 3\n", true);
  Result result = scratch.course({"bench", "ch03"});
  CHECK(result.exit.code == 1);
  CHECK(result.out == "");
  CHECK(result.err.ends_with("no fibers\ncourse: the bench of ch03/f failed: exit status 3\n"));
  write(scratch.root() / "ch03-f-poll-bench.sh", "#!/bin/sh\necho hello\n", true);
  result = scratch.course({"bench", "ch03"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.err, "the bench of ch03/f has printed something else than JSON"));
}

// ---- diff

TEST_CASE("a diff names both stages, and the files from the root, without any repository") {
  Scratch scratch;
  Result result = scratch.course({"diff", "ch04/a"});
  CHECK(result.exit.code == 0);
  CHECK(result.err == "");
  CHECK(
      result.out.starts_with("from ch03/f-poll   ask once\n"
                             "to   ch04/a-epoll  the kernel keeps the list\n\n"));
  CHECK(has(result.out,
            "--- a/ch03-syscalls/f-poll/main.cpp\n"
            "+++ b/ch04-epoll-queue/a-epoll/main.cpp\n"));
  CHECK(has(result.out, "-int before = 1;\n+int after = 1;\n"));
  CHECK(has(result.out, "\n\ndeleted file mode 100644\n--- a/ch03-syscalls/f-poll/gone.hpp\n"));
  CHECK_FALSE(has(result.out, "diff --git"));
  CHECK_FALSE(has(result.out, "\nindex "));
  CHECK(has(result.out, "new file"));
  CHECK_FALSE(has(result.out, "kept"));
  CHECK_FALSE(has(result.out, "\x1b["));
}

TEST_CASE("the diff is the same whatever the reader's git is set to") {
  Scratch scratch;
  std::string expected = scratch.course({"diff", "ch04/a"}).out;
  write(scratch.folder() / "hostile",
        "[diff]\n external = false\n noprefix = true\n mnemonicPrefix = true\n context = 0\n"
        "[color]\n ui = always\n[core]\n pager = false\n[pager]\n diff = false\n");
  process::Command command = scratch.command({"diff", "ch04/a"});
  command.environment = {{"GIT_CONFIG_GLOBAL", scratch.folder() / "hostile"},
                         {"GIT_EXTERNAL_DIFF", "false"},
                         {"GIT_DIFF_OPTS", "-u0"},
                         {"GIT_DIR", "/no/such/repository"}};
  Result result = process::run(command, testing::patience);
  CHECK(result.exit.ok());
  CHECK(result.out == expected);

  // A repository around the sources can have settings, too.
  REQUIRE(process::run({{"git", "-C", scratch.root(), "init", "--quiet"}}).exit.ok());
  REQUIRE(
      process::run({{"git", "-C", scratch.root(), "config", "diff.noprefix", "true"}}).exit.ok());
  CHECK(scratch.course({"diff", "ch04/a"}).out == expected);
}

TEST_CASE("a diff can be a sum, by words, or in two columns, and in colour on demand") {
  Scratch scratch;
  CHECK(scratch.course({"diff", "ch04/a", "--stat"}).out ==
        "from ch03/f-poll   ask once\n"
        "to   ch04/a-epoll  the kernel keeps the list\n"
        "\n"
        "  fresh.hpp (new)        3  +++\n"
        "  gone.hpp (removed)     1  -\n"
        "  main.cpp               2  +-\n"
        "3 files changed, 4 lines added, 2 removed\n");
  CHECK(has(scratch.course({"diff", "ch04/a", "--words"}).out, "int [-before-]{+after+} = 1;\n"));

  std::string columns = scratch.course({"diff", "ch04/a", "--side-by-side"}).out;
  CHECK(has(columns,
            "==== new: fresh.hpp (3 lines)\n==== removed: gone.hpp (1 lines)\n"
            "==== unchanged: kept.hpp\n==== main.cpp\nthe same   "));
  std::istringstream lines(columns);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);

  CHECK(has(scratch.course({"diff", "ch04/a", "--color=always"}).out, "\x1b[31m-int before"));
  CHECK(has(scratch.course({"diff", "ch04/a", "--from", "ch03/d", "--stat"}).out,
            "from ch03/d-blocking-io "));
}

TEST_CASE("a diff shows what corofy has made only on demand") {
  Scratch scratch;
  write(scratch.root() / "ch04-epoll-queue/a-epoll/main_corofied.cpp", "int made = 1;\n");
  for (const char* form : {"--stat", "--words", "--side-by-side", "--color=never"}) {
    INFO(form);
    CHECK_FALSE(has(scratch.course({"diff", "ch04/a", form}).out, "corofied"));
    CHECK(has(scratch.course({"diff", "ch04/a", form, "--generated"}).out, "main_corofied.cpp"));
  }
}

TEST_CASE("in two columns nothing is cut off") {
  Scratch scratch;
  std::string same(70, '=');
  write(scratch.root() / "ch03-syscalls/f-poll/main.cpp", "é\nfirst\n" + same + "before\nlast\n");
  write(scratch.root() / "ch04-epoll-queue/a-epoll/main.cpp",
        "é\n" + same + "after\nlast\nnew\n\n");
  std::string half(38, '='), rest(32, '=');
  std::string columns = scratch.course({"diff", "ch04/a", "--side-by-side"}).out;
  auto row = [](const std::string& left, std::size_t width, const std::string& right) {
    return left + std::string(38 - width, ' ') + right + "\n";
  };
  std::string expected = "==== main.cpp\n";
  expected += row("é", 1, "   é");
  expected += row("first", 5, " | " + half) + row("", 0, " | " + rest + "after");
  expected += row(half, 38, " <") + row(rest + "before", 38, " <");
  expected += row("last", 4, "   last") + row("", 0, " > new") + row("", 0, " >");
  CHECK_MESSAGE(has(columns, expected), columns);

  columns = scratch.course({"diff", "ch04/a", "--side-by-side", "--color=always"}).out;
  CHECK(has(columns, "\x1b[31m" + half + "\x1b[m <"));
  CHECK(has(columns, " > \x1b[32mnew\x1b[m\n"));
}

TEST_CASE("a stage does not differ from itself") {
  Scratch scratch;
  for (const char* form : {"--stat", "--words", "--side-by-side", "--color=auto"})
    CHECK(has(scratch.course({"diff", "ch04/a", "--from", "ch04/a", form}).out,
              "\n\nno difference\n"));
}

TEST_CASE("a diff says that it needs git") {
  Scratch scratch;
  process::Command command = scratch.command({"diff", "ch04/a"});
  command.environment.push_back({"PATH", "/nowhere"});
  Result result = process::run(command, testing::patience);
  CHECK(result.exit.code == 1);
  CHECK(result.err == "course: git is missing: please install git\n");
}

TEST_CASE("a stage without a predecessor shows its files") {
  Scratch scratch;
  CHECK(scratch.course({"diff", "ch03/d"}).out ==
        "ch03/d starts something new: it has no predecessor. Its files:\n"
        "==== ch03-syscalls/d-blocking-io/main.cpp (1 lines)\none\n");
}

TEST_CASE("a reader who leaves before the end of a diff gets no complaint") {
  Scratch scratch;
  Result result =
      scratch.course_in("{ \"$@\" 2>err; echo $? >status; } | true", {"diff", "ch04/a"});
  CHECK(read(scratch.folder() / "err") == "");
  std::string status = read(scratch.folder() / "status");
  CHECK((status == "141\n" || status == "0\n"));  // `true` may end before or after our last word
}

// ---- The timeline

namespace {

const delay::Clock::time_point start{1000s};

delay::Exchange exchange(std::uint64_t number, const std::string& message,
                         std::chrono::milliseconds from, std::chrono::milliseconds to) {
  return {number, to - from, message, start + from, start + to};
}

}  // namespace

TEST_CASE("overlapping requests are drawn below each other, from arrival to answer") {
  CHECK(course::timeline({exchange(1, "request-0", 0ms, 4000ms),
                          exchange(2, "request-1", 0ms, 1000ms), exchange(3, "r", 2000ms, 2500ms)},
                         2, start, {}) ==
        "What the server saw:\n"
        "  request-0     4.0 s |#########################################################\n"
        "  request-1     1.0 s |##############\n"
        "  r             0.5 s |                             #######\n"
        "                       0             1              2             3          4 s\n"
        "3 requests, at most 2 in flight at once, 4.0 s\n");
}

TEST_CASE("a terminal with UTF-8 gets blocks, and colours if it has them") {
  std::string drawn = course::timeline({exchange(1, "hé", 0ms, 20ms)}, 1, start, {40, true, true});
  CHECK(drawn ==
        "What the server saw:\n"
        "  hé     20 ms \x1b[2m│\x1b[m\x1b[36m████████████████████████\x1b[m\n"
        "                \x1b[2m0           10     20 ms\x1b[m\n"
        "1 request, at most 1 in flight at once, 20 ms\n");
}

TEST_CASE("a request that got no answer is said to be lost") {
  delay::Exchange waiting = exchange(1, "r", 0ms, 0ms);
  waiting.answered = {};
  std::string drawn = course::timeline({waiting}, 1, start + 2s, {60, false, false});
  CHECK(drawn ==
        "What the server saw:\n"
        "  r      lost |#############################################\n"
        "               0.0        0.5         1.0        1.5   2.0 s\n"
        "1 request, at most 1 in flight at once, 2.0 s\n");

  // The server noticed that the connection was gone.
  delay::Exchange gone = exchange(1, "r", 0ms, 50ms);
  gone.lost = true;
  CHECK(has(course::timeline({gone}, 1, start + 2s, {}), "  r      lost |#"));
}

TEST_CASE("no message can break its row") {
  std::string drawn = course::timeline(
      {exchange(1, "\x1b[2J\n\t" + std::string(300, 'x') + "é", 0ms, 20ms)}, 1, start, {});
  CHECK(has(drawn, "\n  ?[2J??xxxxxxxxxxxxxx "));
  std::istringstream lines(drawn);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);

  // Control characters of one byte and of two, and what turns the direction of writing.
  course::Style utf8{80, true, false};
  CHECK(has(course::timeline({exchange(1, "\x9bJ\u009b2J\u202e\u00fc", 0ms, 20ms)}, 1, start, utf8),
            "\n  ?J?2J?\u00fc  "));
}

TEST_CASE("many requests are drawn in part, and counted in full; none is said") {
  std::vector<delay::Exchange> many(100, exchange(1, "r", 0ms, 20ms));
  std::string drawn = course::timeline(many, 100, start, {});
  CHECK(std::count(drawn.begin(), drawn.end(), '\n') == 43);
  CHECK(has(drawn, "  ... and 61 more\n"));
  CHECK(has(drawn, "100 requests, at most 100 in flight"));
  CHECK(course::timeline({}, 0, start, {}) == "The server saw no request.\n");
}

// ---- What the threads did

namespace {

// A line of a trace, with the comma in front that all but the first have.
std::string event(const std::string& phase, const std::string& verb, int thread, int ms,
                  const std::string& subject = "") {
  return R"({"ph":")" + phase + R"(","name":")" + verb + R"(","pid":1,"tid":)" +
         std::to_string(thread) + R"(,"ts":)" + std::to_string(ms * 1000) +
         (subject.empty() ? "" : R"(,"id":")" + subject + "\"") + "},\n";
}
std::string poll(int thread, int ms, const std::string& task) {
  return event("n", "poll", thread, ms, task);
}
std::string wake(int thread, int ms) { return event("n", "wake", thread, ms, "root"); }
std::string sleep(int thread, int ms, const std::string& verb) {
  return event("B", verb, thread, ms);
}
std::string awake(int thread, int ms, const std::string& verb) {
  return event("E", verb, thread, ms);
}
std::string name(int thread, const std::string& name) {
  return R"({"ph":"M","name":"thread_name","pid":1,"tid":)" + std::to_string(thread) +
         R"(,"args":{"name":")" + name + "\"}},\n";
}

// main polls at the beginning and at the end, and sleeps until the reactor wakes it.
std::string two_threads() {
  return "[\n" + name(1, "main") + poll(1, 0, "root") + sleep(1, 10, "park") + name(2, "reactor") +
         sleep(2, 20, "wait") + awake(2, 3000, "wait") + wake(2, 3000) + sleep(2, 3010, "wait") +
         awake(1, 3010, "park") + poll(1, 3020, "root") + sleep(1, 3030, "park") +
         awake(2, 5690, "wait") + wake(2, 5690) + awake(1, 5700, "park") + poll(1, 5700, "root");
}

std::string drawn(const std::string& trace, const course::Style& style = {},
                  std::size_t before = 21) {
  std::istringstream file(trace);
  return course::thread_timeline(file, style, before);
}

}  // namespace

TEST_CASE("a thread's row shows what it polled, when it woke somebody, and when it slept") {
  CHECK(drawn(two_threads() + "]\n") ==
        "What the threads did:\n"
        "  main        3 polls |r.............................r.........................r\n"
        "  reactor     2 wakes |..............................!.........................!\n"
        "                       0         1         2         3         4         5 s\n"
        ". asleep, r polls root, ! calls a waker\n"
        "2 threads, 3 polls, 2 wakes, asleep 99 % of the time\n");
}

TEST_CASE("tasks have marks of their own, and share one where several were polled in one cell") {
  std::string trace = name(1, "main") + name(2, "w");
  using Polls = std::vector<std::pair<int, int>>;  // when, and which
  for (auto [ms, task] : Polls{{0, 1},
                               {850, 9},
                               {950, 10},
                               {2650, 27},
                               {3450, 35},
                               {3550, 36},
                               {4010, 1},
                               {4020, 1},
                               {4110, 1},
                               {4120, 2},
                               {6050, 61},
                               {6150, 62}})
    trace += poll(1, ms, "task-" + std::to_string(task)) + sleep(1, ms + 1, "wait");
  // A cell is 100 ms wide.
  std::string picture = drawn(trace + sleep(1, 6151, "park") + wake(2, 6200), {}, 16);
  CHECK(
      has(picture,
          "\n  main  12 polls |1.......9a................r.......zA....1*..................Z+\n"));
}

TEST_CASE("the legend explains one digit and one letter, and fits its line") {
  std::string trace = name(1, "main") + poll(1, 0, "task-3") + sleep(1, 1, "park");
  CHECK(has(drawn(trace + wake(2, 5700)), "\n. asleep, 3 polls task-3, ! calls a waker\n"));
  trace += poll(1, 1000, "task-12") + poll(1, 2000, "task-5") + poll(1, 2001, "task-6") +
           poll(1, 3000, "elsewhere") + poll(1, 3500, "root") + wake(2, 5700);
  std::string picture = drawn(trace);
  CHECK(has(picture,
            "\n. asleep, r polls root, 3 polls task-3, c polls task-12, + polls another task, *\n"
            "  polls several, = the poll goes on, ! calls a waker\n"));
}

TEST_CASE("a poll that takes long is seen to go on until its thread does something else") {
  std::string trace = name(1, "main") + poll(1, 0, "root") + sleep(1, 2000, "park") +
                      awake(1, 4000, "park") + poll(1, 4000, "root") + wake(2, 5700);
  std::string picture = drawn(trace);
  CHECK(has(picture, "|r===================....................r\n"));
  std::string shorter = name(1, "main") + poll(1, 0, "root") + sleep(1, 200, "park") +
                        awake(1, 4000, "park") + wake(2, 5700);
  CHECK(has(drawn(shorter), "|r ......................................\n"));
  CHECK(has(picture, ". asleep, r polls root, = the poll goes on, ! calls a waker\n"));
}

TEST_CASE("the threads' timeline has blocks and colours, too, where a terminal has them") {
  std::string picture = drawn(two_threads(), {40, true, true});
  CHECK(has(picture,
            "  main        3 polls \x1b[2m│\x1b[m\x1b[36mr\x1b[m\x1b[2m········\x1b[m"
            "\x1b[36mr\x1b[m\x1b[2m······\x1b[m\x1b[36mr\x1b[m\n"));
  CHECK(has(picture, "\x1b[33m!\x1b[m\n"));
  CHECK(has(picture, "\n· asleep, "));
}

TEST_CASE("of an unfinished trace what there is is drawn, and who slept sleeps on") {
  std::string trace = two_threads();
  std::string cut = trace.substr(0, trace.find("{\"ph\":\"E\",\"name\":\"wait\"")) + wake(3, 5700) +
                    "{\"ph\":\"n\",\"name\":\"po";
  std::string picture = drawn(cut);
  CHECK(has(picture, "  main         1 poll |r" + std::string(56, '.') + "\n"));
  CHECK(has(picture, "  reactor             |" + std::string(57, '.') + "\n"));
  CHECK(has(picture, "  thread 3     1 wake |"));
  // Whatever is missing, nothing is thrown, and there is a whole picture or none.
  for (std::size_t size = 0; size < trace.size(); ++size) {
    std::string part = drawn(trace.substr(0, size));
    CHECK((part.empty() || has(part, "% of the time\n")));
  }
}

TEST_CASE("where nobody polls, the picture shows who sleeps, and who is busy for long") {
  std::string trace = event("i", "start", 1, 0) + sleep(2, 0, "wait") + sleep(1, 10, "park") +
                      awake(1, 20, "park") + sleep(1, 21, "park") + awake(1, 30, "park") +
                      sleep(1, 50, "park") + awake(1, 60, "park") + awake(2, 60, "wait");
  std::string picture = drawn(trace);
  INFO(picture);
  CHECK(has(picture,
            "  thread 1            |----------......... .........-------------------........."));
  CHECK(has(picture, "\n. asleep, - does not sleep\n2 threads, asleep "));
}

TEST_CASE("nothing is drawn of a trace without two threads and parking, or without events") {
  std::string poll_and_park = poll(1, 0, "root") + sleep(1, 10, "park") + awake(1, 20, "park");
  CHECK(drawn(poll_and_park + wake(2, 20)) != "");
  for (const std::string& trace : {std::string(), std::string("[\n]\n"), poll_and_park,
                                   poll_and_park + name(2, "idle") + event("i", "start", 2, 30),
                                   poll(1, 0, "root") + sleep(1, 10, "wait") + wake(2, 20),
                                   std::string("garbage\n\0\xff\n{}\n[]\n7\n", 19)})
    CHECK_MESSAGE(drawn(trace) == "", trace);
}

TEST_CASE("a trace that is too long to be read while the reader waits is left alone") {
  CHECK(drawn(two_threads() + std::string(1000, '\n')) != "");
  CHECK(drawn(two_threads() + std::string(100'000, '\n')) == "");
}

TEST_CASE("lines of a trace that are no events, or of another kind, are skipped") {
  std::string picture = drawn(two_threads());
  REQUIRE(picture != "");
  CHECK(drawn(two_threads() + R"({"ph":7,"name":[],"tid":1,"ts":"late"},
{"ph":"n","name":"poll","tid":"one","ts":9000000},
{"ph":"n","name":"poll","id":"root","tid":1,"ts":-1},
{"ph":"n","name":"poll","id":"root","tid":1,"ts":1e300},
{"ph":"M","name":"thread_name","tid":3,"args":[1]},
{"ph":"E","name":"park","tid":3},
null,
[[[[,
)") == picture);
}

TEST_CASE("no name of a thread can break its row, and many threads are drawn in part") {
  std::string trace = name(1, "\\u001b[2J\\u202e" + std::string(300, 'x')) +
                      poll(1, 0, "\\u001b[2J") + sleep(1, 5, "park") + wake(2, 100);
  std::string picture = drawn(trace);
  CHECK(has(picture, "\n  ?[2J?xxxxxxxxxx  1 poll |+"));
  for (int thread = 3; thread <= 100; ++thread)
    trace += name(thread, "worker-" + std::to_string(thread)) +
             poll(thread, 100 + thread, "task-" + std::to_string(thread));
  picture = drawn(trace);
  CHECK(std::count(picture.begin(), picture.end(), '\n') == 44);
  CHECK(has(picture, "  ... and 61 more\n"));
  CHECK(picture.find("worker-9 ") < picture.find("worker-10 "));
  CHECK(has(picture, "\n100 threads, 99 polls, 1 wake, asleep "));
  std::istringstream lines(picture);
  for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(line.size() <= 80, line);
}

TEST_CASE("the threads' rows stand below the server's bars") {
  course::Style style;
  std::vector<delay::Exchange> seen{exchange(1, "request-0", 0ms, 5700ms)};
  std::string server = course::timeline(seen, 1, start, style);
  std::string threads = drawn(two_threads(), style, course::columns_before_bars(seen, style));
  auto bars = [](const std::string& picture) {
    std::size_t line = picture.find('\n') + 1;
    return picture.find('|', line) - line;
  };
  CHECK(bars(threads) == bars(server));
  // A name that needs more room gets it.
  CHECK(bars(drawn(name(2, "a-long-name-indeed") + two_threads(), style, 5)) > 5);
}

// ---- run

TEST_CASE("run passes the server and the unit on, and draws what the server saw") {
  Scratch scratch;
  scratch.stage("ch03-d-blocking-io",
                "echo \"$1 $3 $4 $5\"\n" + request("/20/hello") + "cat <&3 >/dev/null\n");
  scratch.configure();
  Result result = scratch.course({"run", "ch03/d", "--unit-ms", "20", "--", "--more"});
  CHECK(result.exit.code == 0);
  CHECK_MESSAGE(has(result.out, "--server --unit-ms 20 --more\n"), result.out);
  CHECK(has(result.out, "What the server saw:\n  hello "));
  CHECK(has(result.out, "1 request, at most 1 in flight at once, "));
  CHECK(result.err == "");
}

TEST_CASE("when a stage fails, its status comes back, and what the server saw") {
  Scratch scratch;
  // It does not wait for its answer, and neither may we.
  scratch.stage("ch03-d-blocking-io",
                request("/60000/hello") +
                    "until read -r line < <(exec 4<>/dev/tcp/${2%:*}/${2#*:}; "
                    "printf 'GET /stats HTTP/1.1\\r\\nHost: x\\r\\n"
                    "Connection: close\\r\\n\\r\\n' >&4; "
                    "grep 'in_flight.*1' <&4); do :; done\nexit 7\n");
  scratch.stage("ch03-f-poll", "kill -SEGV $$\n");
  scratch.configure();
  Result result = scratch.course({"run", "ch03/d"});
  CHECK(result.exit.code == 7);
  CHECK(has(result.out, "lost |#"));
  CHECK(has(result.out, "1 request, at most 1 in flight at once, "));
  CHECK(result.err == "course: ch03/d ended with exit status 7\n");

  result = scratch.course({"run", "ch03/f"});
  CHECK(result.exit.code == 128 + SIGSEGV);
  CHECK(result.err == "course: ch03/f was killed by SIGSEGV (Segmentation fault)\n");
  CHECK(result.out == "");
}

TEST_CASE("that the server saw nothing is said only when nothing else explains it") {
  Scratch scratch;
  scratch.stage("ch03-d-blocking-io", "[ \"$5\" != fail ] || { echo why >&2; exit 1; }\n");
  scratch.configure();
  CHECK(scratch.course({"run", "ch03/d"}).out == "\nThe server saw no request.\n");
  CHECK(scratch.course({"run", "ch03/d", "--", "--help"}).out == "");
  Result result = scratch.course({"run", "ch03/d", "--", "fail"});
  CHECK(result.out == "");
  CHECK(result.err == "why\n");
}

namespace {

// A stage that writes this trace to the file that it is told, makes a request, and says the file.
std::string traced_stage(const std::string& trace) {
  return request("/20/hello") +
         "cat <&3 >/dev/null\necho \"$5 $6 $7\"\n[ -z \"$6\" ] || cat >\"$6\" <<'END'\n" + trace +
         "END\n";
}

// The last word of the first line.
std::string file_in(const std::string& out) {
  std::istringstream words(out);
  std::string option, file;
  words >> option >> file;
  return file;
}

}  // namespace

TEST_CASE("run of a stage with threads draws what they did, from a trace that goes away") {
  Scratch scratch;
  scratch.stage("ch03-f-poll", traced_stage(two_threads()));
  scratch.stage("ch03-d-blocking-io", traced_stage(two_threads()));
  scratch.configure();
  Result result = scratch.course({"run", "ch03/f"});
  CHECK(result.err == "");
  CHECK(has(result.out, "--trace /"));
  CHECK(has(result.out, "in flight at once, "));
  CHECK(has(result.out, " ms\n\nWhat the threads did:\n  main "));
  CHECK_FALSE(fs::exists(fs::path(file_in(result.out)).parent_path()));

  // The map does not say that this one has threads.
  result = scratch.course({"run", "ch03/d"});
  CHECK_FALSE(has(result.out, "--trace"));
  CHECK_FALSE(has(result.out, "What the threads did"));
}

TEST_CASE("a trace that the reader wants is read, and stays") {
  Scratch scratch;
  scratch.stage("ch03-f-poll", traced_stage(two_threads()));
  scratch.configure();
  std::string file = scratch.folder() / "trace.json";
  Result result = scratch.course({"run", "ch03/f", "--trace", file});
  CHECK(file_in(result.out) == file);
  CHECK(has(result.out, "What the threads did:\n"));
  CHECK(read(file) == two_threads());

  // It is passed on by hand: the stage would not take two of them.
  result = scratch.course({"run", "ch03/f", "--", "--trace", file});
  CHECK(has(result.out, "--trace " + file + " \n"));
  // From a pipe nothing more would come, and in a device there is nothing to read.
  std::string pipe = scratch.folder() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  process::Command command = scratch.command({"run", "ch03/f", "--trace", pipe});
  process::Child reader({{"cat", pipe}});
  result = process::run(command, testing::patience);
  CHECK(result.exit.ok());
  CHECK(reader.wait(testing::patience).code == 0);
  CHECK(reader.out() == two_threads());
  CHECK_FALSE(has(result.out, "What the threads did"));
  result = scratch.course({"run", "ch03/f", "--trace", "/dev/null"});
  CHECK(result.exit.ok());
  CHECK_FALSE(has(result.out, "What the threads did"));
}

TEST_CASE(
    "an old trace is not drawn when the stage has written none, and neither is a broken one") {
  Scratch scratch;
  std::string file = scratch.folder() / "trace.json";
  write(file, two_threads());
  scratch.stage("ch03-f-poll", request("/20/hello") + "cat <&3 >/dev/null\n");
  scratch.configure();
  Result result = scratch.course({"run", "ch03/f", "--trace", file});
  CHECK(has(result.out, "What the server saw"));
  CHECK_FALSE(has(result.out, "What the threads did"));

  write(scratch.root() / "ch03-f-poll.sh", "#!/bin/bash\n" + traced_stage("gar\nbage\n"), true);
  result = scratch.course({"run", "ch03/f"});
  CHECK(result.err == "");
  CHECK(has(result.out, "What the server saw"));
  CHECK_FALSE(has(result.out, "What the threads did"));
}

TEST_CASE("a stage that fails leaves its threads' timeline, and no file") {
  Scratch scratch;
  scratch.stage("ch03-f-poll", traced_stage(two_threads()) + "kill -KILL $$\n");
  scratch.configure();
  Result result = scratch.course({"run", "ch03/f"});
  CHECK(result.exit.code == 128 + SIGKILL);
  CHECK(has(result.out, "What the threads did:\n"));
  CHECK_FALSE(fs::exists(fs::path(file_in(result.out)).parent_path()));
}

TEST_CASE("a stage with threads also runs where no trace can be written") {
  Scratch scratch;
  scratch.stage("ch03-f-poll", traced_stage(two_threads()));
  scratch.configure();
  CHECK(scratch.course({"run", "ch03/f"}).exit.ok());  // it is built, which needs the folder
  process::Command command = scratch.command({"run", "ch03/f"});
  command.environment.emplace_back("TMPDIR", "/proc/nowhere");
  Result result = process::run(command, testing::patience);
  CHECK(result.exit.ok());
  CHECK(has(result.out, "What the server saw"));
  CHECK_FALSE(has(result.out, "What the threads did"));
}

TEST_CASE("serve hands all words to the delayserver, and those behind -- too") {
  Scratch scratch;
  scratch.stage("delayserver", "echo \"$*\"\n");
  scratch.configure();
  CHECK(scratch.course({"serve", "--quiet", "--", "--port", "0"}).out == "--quiet --port 0\n");
  CHECK(scratch.course({"serve", "--help"}).out == "--help\n");
}

TEST_CASE("a stage that needs no server is run plainly") {
  Scratch scratch;
  scratch.stage("ch04-a-epoll", "echo $# arguments\n");
  scratch.configure();
  Result result = scratch.course({"run", "ch04"});
  CHECK(result.out == "0 arguments\n");
  CHECK(result.err == "");
  CHECK(has(scratch.course({"run", "ch04", "--", "a b", "c"}).out, "2 arguments"));
}

TEST_CASE("the tour runs every stage, and tells at its end which of them failed") {
  Scratch scratch;
  scratch.stage("ch03-d-blocking-io", "echo first $4\n");
  scratch.stage("ch03-f-poll", "exit 3\n");
  scratch.stage("ch04-a-epoll", "echo third\n");
  scratch.stage("ch04-x-asio", "echo last\n");
  scratch.configure();
  Result result = scratch.course({"run", "--all"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "first 100\n"));
  CHECK(has(result.out, "==== ch04/a-epoll: the kernel keeps the list\nthird\n"));
  CHECK(has(result.out, "last\n"));
  CHECK(result.err == "course: ch03/f ended with exit status 3\ncourse: failed: ch03/f\n");
}

TEST_CASE("a stage whose package is missing is left out with the reason, until it is installed") {
  Scratch scratch;
  scratch.stage("ch03-d-blocking-io", "echo first\n");
  scratch.stage("ch03-f-poll", "echo second\n");
  scratch.stage("ch04-a-epoll", "echo third\n");
  scratch.stage("ch04-x-asio", "echo last\n");
  scratch.suite("ch04-a-epoll-tests", "ch04;ch04/a", "exit 0\n");
  scratch.suite("ch04-x-asio-tests", "ch04;ch04/x-asio", "exit 0\n");
  scratch.needs_a_package("ch04-x-asio");
  scratch.configure();

  for (const char* command : {"run", "test"}) {
    Result result = scratch.course({command, "ch04/x-asio"});
    CHECK(result.exit.code == 1);
    CHECK(result.err == "course: ch04/x-asio cannot be built here: it needs libasio-dev\n");
  }
  Result result = scratch.course({"test", "ch04"});
  CHECK(result.exit.code == 0);
  CHECK(
      has(result.out, "Left out: ch04/x-asio: it needs libasio-dev\nThe suites of ch04 passed.\n"));
  result = scratch.course({"run", "--all"});
  CHECK(result.exit.code == 0);
  CHECK(has(result.out, "third\n"));
  CHECK_FALSE(has(result.out, "last\n"));
  CHECK(has(result.out, "Left out: ch04/x-asio: it needs libasio-dev\n3 stages ran"));

  scratch.install();
  result = scratch.course({"run", "ch04/x-asio"});
  CHECK(result.exit.code == 0);
  CHECK(result.out == "last\n");
  CHECK_FALSE(has(scratch.course({"run", "--all"}).out, "Left out"));
}

TEST_CASE("what does not build is shown in full, and is one failure") {
  Scratch scratch;
  scratch.stage("ch04-a-epoll", ":", "echo 'main.cpp:1: error: no'; echo more; exit 1");
  scratch.configure();
  Result result = scratch.course({"run", "ch04/a"});
  CHECK(result.exit.code == 1);
  CHECK(result.out == "");
  CHECK(has(result.err, "main.cpp:1: error: no\nmore\n"));
  CHECK(has(result.err, "\ncourse: could not build ch04/a-epoll; the errors are above\n"));
  CHECK_FALSE(has(result.err, "ninja: build stopped"));
}

// The compiler's, the linker's and ninja's words for it.
TEST_CASE("a full disk is called one, and not an error of the code") {
  Scratch scratch;
  scratch.stage(
      "ch04-a-epoll", ":",
      "echo '/tmp/cc.s: Fatal error: cannot write main.o: No space left on device'; exit 1");
  scratch.configure();
  Result result = scratch.course({"run", "ch04/a"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "course: the disk is full"));
}

TEST_CASE(
    "a standard output that closes meanwhile, or was never open, ends in one line and a status") {
  Scratch scratch;
  std::string go = (scratch.folder() / "go").string();
  scratch.stage("ch03-d-blocking-io", "echo ready\nuntil [ -e '" + go + "' ]; do :; done\n");
  scratch.configure();
  auto check_line = [&] {
    std::string err = read(scratch.folder() / "err");
    CHECK_MESSAGE(one_line(err), err);
    CHECK(has(err, "cannot write to standard output"));
  };

  process::Command command = scratch.command({"run", "ch03/d"});
  command.arguments.insert(command.arguments.begin(), {"/bin/sh", "-c", "exec \"$@\" 2>err", "sh"});
  command.directory = scratch.folder();
  process::Child child(command);
  REQUIRE(child.wait_for_output("ready", testing::patience));
  child.close_output();
  write(go, "");
  CHECK(child.wait(testing::patience).code == 1);
  check_line();

  scratch.stage("ch03-f-poll", "exit 0\n");
  scratch.configure();
  CHECK(scratch.course_in("exec \"$@\" 2>err >&-", {"run", "ch03/f"}).exit.code == 1);
  check_line();
}

TEST_CASE("two calls at the same time build one after the other") {
  Scratch scratch;
  scratch.stage("ch04-a-epoll", "echo ran\n",
                "mkdir \"$0.lock\" || exit 1\nsleep 0.2\nrmdir \"$0.lock\"");
  scratch.configure();
  process::Child one(scratch.command({"run", "ch04/a"})), two(scratch.command({"run", "ch04/a"}));
  CHECK(one.wait(testing::patience).ok());
  CHECK(two.wait(testing::patience).ok());
  CHECK(one.out() == "ran\n");
  CHECK(two.out() == "ran\n");
}

// ---- Ctrl-C

namespace {

// Waits until the file holds a process number.
pid_t pid_in(const fs::path& file) {
  auto until = std::chrono::steady_clock::now() + testing::patience;
  while (!has(read(file), "\n")) {
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::sleep_for(2ms);
  }
  return static_cast<pid_t>(std::stol(read(file)));
}

// Whether it comes into this state: " T " is stopped, " S " sleeps.
bool reaches(pid_t pid, const std::string& state) {
  auto until = std::chrono::steady_clock::now() + testing::patience;
  while (!has(read("/proc/" + std::to_string(pid) + "/stat"), ")" + state)) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

// A process without a parent is reaped by somebody else, in their own time.
bool ends(pid_t pid) {
  auto until = std::chrono::steady_clock::now() + testing::patience;
  while (::kill(pid, 0) == 0 && !has(read("/proc/" + std::to_string(pid) + "/stat"), ") Z ")) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

}  // namespace

TEST_CASE("a signal to the command alone ends the stage, what builds, and the suites, too") {
  std::signal(SIGINT, SIG_DFL);  // a shell's background jobs are started with it ignored
  Scratch scratch;
  std::string sleeper = "echo $$ >'" + (scratch.folder() / "pid").string() + "'\nexec sleep 60\n";
  scratch.stage("ch03-d-blocking-io", sleeper);
  scratch.stage("ch04-a-epoll", ":", sleeper);
  scratch.suite("ch04-a-epoll-tests", "ch04;ch04/a", sleeper);
  scratch.bench("ch03", "f-poll", "[]");
  scratch.configure();
  write(scratch.root() / "ch03-f-poll-bench.sh", "#!/bin/bash\n" + sleeper, true);
  for (const Words& words :
       {Words{"run", "ch03/d"}, {"run", "ch04/a"}, {"test", "ch04/a"}, {"bench", "ch03"}}) {
    CAPTURE(words[1]);
    fs::remove(scratch.folder() / "pid");
    process::Child child(scratch.command(words));
    pid_t sleeping = pid_in(scratch.folder() / "pid");
    child.signal(SIGINT);
    process::Exit exit = child.wait(testing::patience);
    CHECK_FALSE(exit.late);
    CHECK(exit.code == 130);
    CHECK(has(child.err(), "course: interrupted\n"));
    CHECK(ends(sleeping));
  }
}

TEST_CASE("after Ctrl-C the suites' temporary folders are gone, too") {
  std::signal(SIGINT, SIG_DFL);
  Scratch scratch;
  scratch.suite("common-tests", "common",
                "echo >\"$TMPDIR/file\"\necho \"$TMPDIR\" >'" +
                    (scratch.folder() / "where").string() + "'\necho $$ >'" +
                    (scratch.folder() / "pid").string() + "'\nexec sleep 60\n");
  scratch.configure();
  process::Child child(scratch.command({"test"}));
  (void)pid_in(scratch.folder() / "pid");
  std::string where = read(scratch.folder() / "where");
  where.pop_back();
  CHECK(fs::exists(where + "/file"));
  CHECK(where != fs::temp_directory_path());
  child.signal(SIGINT);
  CHECK(child.wait(testing::patience).code == 130);
  CHECK_FALSE(fs::exists(where));
}

TEST_CASE("after Ctrl-C the trace of a stage with threads is gone, too") {
  std::signal(SIGINT, SIG_DFL);
  Scratch scratch;
  scratch.stage("ch03-f-poll", "echo >\"$6\"\necho \"$6\" >'" +
                                   (scratch.folder() / "where").string() + "'\necho $$ >'" +
                                   (scratch.folder() / "pid").string() + "'\nexec sleep 60\n");
  scratch.configure();
  process::Child child(scratch.command({"run", "ch03/f"}));
  (void)pid_in(scratch.folder() / "pid");
  std::string where = read(scratch.folder() / "where");
  where.pop_back();
  CHECK(fs::exists(where));
  child.signal(SIGINT);
  CHECK(child.wait(testing::patience).code == 130);
  CHECK_FALSE(fs::exists(fs::path(where).parent_path()));
}

TEST_CASE("Ctrl-Z stops the suites, too, and they go on with the command") {
  for (int number : {SIGINT, SIGTSTP}) std::signal(number, SIG_DFL);
  Scratch scratch;
  scratch.suite("common-tests", "common",
                "echo $$ >'" + (scratch.folder() / "pid").string() + "'\nexec sleep 60\n");
  scratch.configure();
  process::Child child(scratch.command({"test"}));
  pid_t suite = pid_in(scratch.folder() / "pid");
  child.signal(SIGTSTP);
  CHECK(reaches(suite, " T "));
  CHECK(reaches(child.pid(), " T "));
  child.signal(SIGCONT);
  CHECK(reaches(suite, " S "));
  child.signal(SIGINT);
  CHECK(child.wait(testing::patience).code == 130);
  CHECK(ends(suite));
}

TEST_CASE("a stage that ignores the first signal is killed by the second") {
  std::signal(SIGINT, SIG_DFL);
  Scratch scratch;
  // Not SIGINT: bash drops that, now and then, while it has a child (it leaves it to the child).
  scratch.stage("ch03-d-blocking-io", "trap 'echo heard >&2' TERM\necho $$ >'" +
                                          (scratch.folder() / "pid").string() +
                                          "'\nwhile :; do read -t 0.05 <> <(:); done\n");
  scratch.configure();
  process::Child child(scratch.command({"run", "ch03/d"}));
  pid_t stage = pid_in(scratch.folder() / "pid");
  child.signal(SIGTERM);
  while (!child.ended_within(10ms) && !has(child.err(), "heard")) {
  }
  REQUIRE(has(child.err(), "heard"));
  child.signal(SIGINT);
  CHECK(child.wait(testing::patience).code == 130);
  CHECK(ends(stage));
}

// ---- test

TEST_CASE("test runs the suites asked for, and is good only if one ran and all passed") {
  Scratch scratch;
  scratch.suite("common-tests", "common", "echo ran >>\"$0.log\"\n");
  scratch.suite("ch03-d-blocking-io-tests", "ch03;ch03/d", "echo ran >>\"$0.log\"\n");
  scratch.suite("ch03-f-poll-tests", "ch03;ch03/f", "echo what went wrong; exit 1\n");
  scratch.suite("fuzz-everything", "fuzz", "exit 1\n");
  scratch.suite("common-tools-tests", "common;tools", "echo ran >>\"$0.log\"\n");
  scratch.configure();
  auto ran = [&](const std::string& suite) {
    return fs::exists(scratch.build() / "bin" / (suite + ".log"));
  };

  Result result = scratch.course({"test", "ch03/d"});
  CHECK(result.exit.code == 0);
  CHECK(ran("ch03-d-blocking-io-tests"));
  CHECK_FALSE(ran("common-tests"));
  CHECK_FALSE(fs::exists(scratch.build() / "bin/common-tests"));  // only what is asked for is built

  result = scratch.course({"test", "ch03"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "what went wrong"));
  CHECK(has(result.err, "course: some suites of ch03 failed, see above\n"));

  result = scratch.course({"test"});
  CHECK(result.exit.code == 1);
  CHECK(ran("common-tests"));
  CHECK_FALSE(has(result.out, "fuzz-everything"));
  CHECK_FALSE(ran("common-tools-tests"));

  result = scratch.course({"test", "tools"});
  CHECK(result.exit.code == 0);
  CHECK(ran("common-tools-tests"));
  CHECK(has(result.out, "The suites of the tools passed.\n"));

  result = scratch.course({"test", "ch04/a"});
  CHECK(result.exit.code == 1);
  CHECK(result.err == "course: there is no suite for ch04/a yet\n");
}

// ---- The script, with stand-ins for the programs that it finds or misses

namespace {

// PATH holds only what every system has, and what a case adds.
class Script {
 public:
  Script() {
    fs::create_directories(root());
    fs::copy_file(fs::path(COURSE_ROOT) / "course", root() / "course");
    write(root() / "common/packages.txt", "g++  # a compiler\ncmake\nlibcli11-dev\n");
    write(root() / "common/tools/course/help.txt", "the help\n");
    // Scripts, not links: what a case writes in their place must not reach the system's own. And
    // none of them gets the real PATH back, where a real apt-get is.
    for (const std::string tool : {"sh", "cat", "chmod", "dirname", "env", "find", "flock", "grep",
                                   "mkdir", "readlink", "rm", "sed", "setsid", "sleep", "uname"})
      add(tool, "exec " + std::string(fs::exists("/usr/bin/" + tool) ? "/usr/bin/" : "/bin/") +
                    tool + " \"$@\"");
    add("id", "echo 0");
    // It "builds" a program that tells how it was called.
    add("cmake",
        "echo \"cmake $*\" >>\"$LOG\"\n[ \"$1\" = --build ] || { : >\"$4/build.ninja\"; "
        "echo \"CMAKE_HOME_DIRECTORY:INTERNAL=$2\" >\"$4/CMakeCache.txt\"; exit 0; }\n"
        "mkdir -p \"$2/bin\"\nprintf '#!/bin/sh\\necho \"course $*\"\\n' >\"$2/bin/course\"\n"
        "chmod +x \"$2/bin/course\"");
  }

  [[nodiscard]] fs::path root() const { return folder_.path() / "a course"; }
  [[nodiscard]] fs::path folder() const { return folder_.path(); }
  [[nodiscard]] std::string log() const { return read(folder() / "log"); }

  void add(const std::string& program, const std::string& script) {
    write(make_bin() / program, "#!/bin/sh\n" + script + "\n", true);
  }
  void add_packages(const std::string& installed) {
    add("dpkg-query", "for package in " + installed + "; do echo \"ii  $package \"; done");
    add("apt-get", "[ \"$1\" = -s ] || echo \"apt-get $*\" >>\"$LOG\"");
  }

  [[nodiscard]] process::Command command(const Words& words, fs::path script = {}) const {
    if (script.empty()) script = root() / "course";
    process::Command command{{"/bin/sh", script}};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    command.environment = {
        {"PATH", folder() / "bin"}, {"LOG", folder() / "log"}, {"COURSE_BUILD", ""}, {"CXX", ""}};
    command.directory = folder();
    return command;
  }
  [[nodiscard]] Result run(const Words& words, const fs::path& script = {}) const {
    return process::run(command(words, script), testing::patience);
  }

 private:
  [[nodiscard]] fs::path make_bin() const {
    fs::create_directories(folder() / "bin");
    return folder() / "bin";
  }
  testing::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("the script builds the program once and hands over to it, from any folder") {
  Script script;
  script.add_packages("g++ cmake libcli11-dev");
  std::string build = script.root() / "build/dev";
  std::string expected =
      "course --root " + script.root().string() + " --build " + build + " run x\n";
  Result result = script.run({"run", "x"});
  CHECK(result.exit.ok());
  CHECK(result.out == expected);
  CHECK(result.err == "Building the course command ...\n");

  fs::create_symlink(script.root() / "course", script.folder() / "link");
  result = script.run({"run", "x"}, script.folder() / "link");
  CHECK(result.out == expected);
  CHECK(result.err == "");
  CHECK_FALSE(has(script.log(), "apt-get"));
}

TEST_CASE("the script's build folder can be elsewhere, and is not shared with other sources") {
  Script script;
  script.add_packages("g++ cmake libcli11-dev");
  CHECK(script.run({"-B", "else where", "list"}).out ==
        "course --root " + script.root().string() + " --build " +
            (script.folder() / "else where").string() + " list\n");
  CHECK(script.run({"-B"}).exit.code == 2);

  write(script.folder() / "taken/CMakeCache.txt", "CMAKE_HOME_DIRECTORY:INTERNAL=/some/project\n");
  Result result = script.run({"-Btaken", "list"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "belongs to /some/project"));

  // The checkout was moved, and its own build folder with it.
  write(script.root() / "build/dev/CMakeCache.txt", "CMAKE_HOME_DIRECTORY:INTERNAL=/old/place\n");
  CHECK(script.run({"list"}).exit.ok());
  CHECK(has(script.log(), " -G Ninja --fresh\n"));

  // It was never set up to its end, or the disk was full.
  write(script.folder() / "garbage/CMakeCache.txt", "garbage\n");
  CHECK(script.run({"-Bgarbage", "list"}).exit.ok());
  write(script.root() / "build/dev/bin/course", "", true);
  result = script.run({"list"});
  CHECK(has(result.out, "course --root"));
  CHECK(result.err == "Building the course command ...\n");

  result = script.run({"-B", "/proc/nowhere", "list"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "./course -B "));
}

TEST_CASE("where nothing can be built the script says so in one line") {
  Script script;
  script.add_packages("g++ cmake libcli11-dev");
  fs::create_directories(script.folder() / "locked/.course-lock");
  process::Command bad_compiler = script.command({"list"});
  bad_compiler.environment.back() = {"CXX", "nosuchcxx"};
  process::Command old_clang = script.command({"list"}), old_gcc = old_clang;
  script.add("clang++-14", "exec /usr/bin/c++ -D__clang__ -D__clang_major__=14 \"$@\"");
  old_clang.environment.back() = {"CXX", "clang++-14"};
  script.add("g++-11", "exec /usr/bin/c++ -U__GNUC__ -D__GNUC__=11 \"$@\"");
  old_gcc.environment.back() = {"CXX", "g++-11"};
  for (const auto& [result, said] :
       {std::pair{script.run({"-Blocked", "list"}), "cannot write to "},
        {script.run({"-Bwith # inside", "list"}), "CMake cannot build"},
        {process::run(bad_compiler), "CXX=nosuchcxx is not a usable C++20 compiler"},
        {process::run(old_clang), "it takes g++ 12, clang 16 or newer"},
        {process::run(old_gcc), "it takes g++ 12, clang 16 or newer"}}) {
    CHECK(result.exit.code == 1);
    CHECK_MESSAGE(one_line(result.err), result.err);
    CHECK(has(result.err, said));
  }
  CHECK(script.log() == "");
}

TEST_CASE(
    "when the program does not build, an older one goes on, or what the compiler said is shown") {
  Script script;
  script.add_packages("g++ cmake libcli11-dev");
  CHECK(script.run({"list"}).exit.ok());
  script.add("cmake",
             "echo '[1/2] Building'; echo 'FAILED: x'; echo 'c++ -c x'; echo 'x:1: no'; exit 1");
  Result result = script.run({"list"});
  CHECK(has(result.out, "course --root"));
  CHECK(one_line(result.err));
  CHECK(has(result.err, "an older one goes on"));

  fs::remove(script.root() / "build/dev/bin/course");
  result = script.run({"list"});
  CHECK(result.exit.code == 1);
  CHECK(result.err ==
        "Building the course command ...\nFAILED: x\nx:1: no\n"
        "course: the course command does not build, see above\n");
}

TEST_CASE("a build folder keeps its compiler, and says so to a CXX that names another one") {
  Script script;
  script.add_packages("g++ cmake libcli11-dev");
  for (const char* name : {"first++", "other++"}) script.add(name, ":");
  fs::create_symlink(script.folder() / "bin/first++", script.folder() / "bin/same++");
  CHECK(script.run({"list"}).exit.ok());
  std::ofstream(script.root() / "build/dev/CMakeCache.txt", std::ios::app)
      << "CMAKE_CXX_COMPILER:FILEPATH=" << (script.folder() / "bin/first++").string() << "\n";
  process::Command command = script.command({"list"});
  for (const char* name : {"first++", "same++", ""}) {
    command.environment.back() = {"CXX", name};
    CHECK(process::run(command).err == "");
  }
  command.environment.back() = {"CXX", "other++"};
  Result result = process::run(command);
  CHECK(result.exit.ok());
  CHECK_MESSAGE(one_line(result.err), result.err);
  CHECK(has(result.err, "bin/first++; to use CXX=other++: ./course -B ~/course-build list\n"));
}

TEST_CASE("while the program is built, a log gets a line now and then that says how far it is") {
  Script script;
  script.add_packages("g++ cmake libcli11-dev");
  script.add("sleep", "exec /bin/sleep 0.01");
  std::string go = (script.folder() / "go").string();
  script.add("cmake", "echo '[1/3] one'; echo '[2/3] two'; while ! [ -e '" + go +
                          "' ]; do /bin/sleep 0.01; done; exit 1");
  process::Child child(script.command({"list"}));
  auto until = std::chrono::steady_clock::now() + testing::patience;
  while (!has(child.err(), "Building the course command ... 2/3\n") && !child.ended_within(5ms) &&
         std::chrono::steady_clock::now() < until) {
  }
  CHECK(has(child.err(), "Building the course command ...\nBuilding the course command ... 2/3\n"));
  write(go, "");
  CHECK(child.wait(testing::patience).code == 1);
}

TEST_CASE("what ends the script ends its build") {
  std::signal(SIGTERM, SIG_DFL);
  Script script;
  script.add_packages("g++ cmake libcli11-dev");
  script.add("cmake", "/bin/sh -c 'echo $$ >pid; exec /bin/sleep 60' & wait");
  process::Child child(script.command({"list"}));
  pid_t compiler = pid_in(script.folder() / "pid");
  child.signal(SIGTERM);
  CHECK(child.wait(testing::patience).code == 143);
  CHECK(ends(compiler));
}

TEST_CASE("root without a terminal gets what is missing, and hears of it") {
  Script script;
  script.add_packages("cmake");
  Result result = script.run({"list"});
  CHECK(result.exit.ok());
  CHECK(has(result.err, "Installing g++ libcli11-dev ...\n"));
  CHECK(has(script.log(), "install -y --no-install-recommends g++ libcli11-dev\n"));
  CHECK_FALSE(has(script.log(), "update"));

  // As in a fresh container: there are no lists yet, and a trial cannot find the packages.
  script.add("apt-get",
             "[ \"$1\" != -s ] || exit 100\necho \"apt-get $*\" >>\"$LOG\"\necho chatter\n"
             "case $* in *install*) exit 1 ;; esac");
  result = script.run({"list"});
  CHECK(result.exit.code == 1);
  CHECK(has(script.log(), "update"));
  CHECK(has(result.err, "chatter\ncourse: apt-get install failed, see above\n"));
}

TEST_CASE("without root and sudo the line to type is printed, and nothing is done") {
  Script script;
  script.add_packages("cmake");
  script.add("id", "echo 1000");
  std::string line = "  apt-get install -y --no-install-recommends g++ libcli11-dev\n";
  Result result = script.run({"list"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.err, line));
  script.add("sudo", "exit 1");  // it would ask for a password
  result = script.run({"list"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.err, line));
  CHECK(script.log() == "");
  script.add("sudo", "[ \"$1\" = -n ] || exec \"$@\"");
  CHECK(script.run({"list"}).exit.ok());
  CHECK(has(script.log(), "install -y"));
}

TEST_CASE("a compiler that is no package counts, and other systems hear what is missing") {
  Script script;
  script.add_packages("cmake libcli11-dev");
  script.add("c++", ":");
  CHECK(script.run({"list"}).exit.ok());
  CHECK_FALSE(has(script.log(), "apt-get"));

  for (const char* program : {"dpkg-query", "apt-get", "c++"})
    fs::remove(script.folder() / "bin" / program);
  Result result = script.run({"list"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "missing: g++\n"));

  script.add("uname", "echo Darwin");
  result = script.run({"list"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.err, "docker run "));
  CHECK(has(result.err, "docs/running.md"));
}

TEST_CASE("the help needs nothing installed and nothing built") {
  Script script;
  CHECK(script.run({"--help"}).out == "the help\n");
  CHECK(script.log() == "");
  std::istringstream lines(read(fs::path(COURSE_ROOT) / "common/tools/course/help.txt"));
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
}
