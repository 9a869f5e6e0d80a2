// What ./course does with the reader's own code: its parts, then the program with the real
// workbench on a small course, whose stages and suites compile in a moment.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "course/explain.hpp"
#include "course/failure.hpp"
#include "course/progress.hpp"
#include "course/watch.hpp"
#include "process/child.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using process::Result;
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

// Without what wraps it.
std::string in_one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += word + " ";
  return line;
}

bool one_line(const std::string& err) {
  return err.starts_with("course: ") && err.find('\n') == err.size() - 1;
}

// What the workbench asks of doctest, without its price: a list, and one case by its name.
const char* const suite_frame = R"(
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <utility>
inline int failed = 0;
inline void check_equal(const char* text, int line, int seen, int expected) {
  if (seen == expected) return;
  ++failed;
  std::printf("%s:%d: ERROR: CHECK( %s == %d ) is NOT correct!\n  values: CHECK( %d == %d )\n\n",
              suite_file, line, text, expected, seen, expected);
}
#define EQUAL(a, b) check_equal(#a, __LINE__, a, b)
using Case = std::pair<const char*, std::function<void()>>;
inline int run(int count, char** words, const std::initializer_list<Case>& cases) {
  int ran = 0;
  bool listing = count > 1 && std::strcmp(words[1], "--list-test-cases") == 0;
  if (listing) std::puts("[doctest] listing all test case names\n=====");
  for (const Case& one : cases) {
    bool wanted = false;
    for (int i = 1; i < count; ++i) {
      if (listing && i == 1) std::puts(one.first);
      if (std::strncmp(words[i], "--test-case=", 12) == 0)
        wanted = std::strcmp(words[i] + 12, one.first) == 0;
    }
    if (!wanted) continue;
    ++ran;
    try {
      one.second();
    } catch (const std::exception& error) {
      ++failed;
      std::printf("%s:1: ERROR: test case THREW exception: %s\n\n", suite_file, error.what());
    }
  }
  if (listing) std::puts("=====");
  std::printf("[doctest] test cases: %d | %d failed\n", ran, failed);
  return failed == 0 ? 0 : 1;
}
)";

// A course of three stages. Of the first two a reader writes sum() and twice(); the third one is
// there to be looked at.
class Scratch {
 public:
  Scratch() {
    fs::remove_all(root());
    for (const char* tree :
         {"workbench", "workbench-address", "workbench-thread", "release/workbench"})
      for (const char* built : {"slots", "bin", ".said-unusable"})
        fs::remove_all(build() / tree / built);
    write(root() / "ch01-sums/chapter.json", R"({ "chapter": "ch01", "title": "Sums",
      "text": "docs/ch01.md", "stages": [
        { "name": "a-sum", "title": "adds", "kind": "mechanism" },
        { "name": "b-twice", "title": "adds twice", "kind": "mechanism", "predecessor": "ch01/a" },
        { "name": "c-look", "title": "shows", "kind": "show", "predecessor": "ch01/b" } ] })");
    write(root() / "docs/ch01.md", "# Sums\n\n## Stage a: adding\n\n### Exercise b: twice\n");

    const std::string sum = "#pragma once\n// Adds.\ninline int sum(int a, int b) {\n  ";
    const std::string sum_main =
        "#include <cstdio>\n#include \"sum.hpp\"\n"
        "int main() { std::printf(\"%d\\n\", sum(1, 2)); }\n";
    write(root() / "ch01-sums/a-sum/sum.hpp", sum + "return a + b;\n}\n");
    write(root() / "ch01-sums/a-sum/main.cpp", sum_main);
    write(root() / "ch01-sums/b-twice/sum.hpp", sum + "return a + b;\n}\n");
    write(root() / "ch01-sums/b-twice/twice.hpp",
          "#pragma once\n#include \"sum.hpp\"\ninline int twice(int a) { return sum(a, a); }\n");
    write(root() / "ch01-sums/b-twice/main.cpp", sum_main);
    write(root() / "ch01-sums/c-look/main.cpp", sum_main);
    write(root() / "ch01-sums/bench/a-sum.cpp",
          "#include <cstdio>\n#include \"more.hpp\"\n#include \"sum.hpp\"\n"
          "int main() { std::printf(MORE, sum(1, 2)); }\n");
    write(root() / "ch01-sums/bench/a-sum/more.hpp",
          "#define MORE R\"({\"rows\":[{\"name\":\"s\",\"ours\":%d}]})\"\n");
    write(root() / "ch01-sums/bench/c-look.cpp", "int main() {}\n");
    // What is measured is set up like the course.
    write(root() / "CMakeLists.txt",
          "cmake_minimum_required(VERSION 3.25)\nproject(sums LANGUAGES CXX)\n");

    fs::path a = root() / "ch01-sums/exercises/a-sum", b = root() / "ch01-sums/exercises/b-twice";
    write(a / "start/sum.hpp", "#include <stdexcept>\n" + sum +
                                   "(void)a, (void)b;\n"
                                   "  throw std::logic_error(\"sum() is yours to write\");\n}\n");
    write(a / "shape.cpp",
          "#include <type_traits>\n#include \"sum.hpp\"\n"
          "static_assert(std::is_same_v<decltype(sum(1, 2)), int>,\n"
          "              \"sum.hpp needs: int sum(int a, int b)\");\n");
    write(a / "hints.json", R"({ "text": "#x", "cases": {
      "five is two and three": ["The two were not added.", "Think.", "a + b"] } })");
    write(b / "start/twice.hpp",
          "#pragma once\n#include \"sum.hpp\"\n#include <stdexcept>\n"
          "inline int twice(int) { throw std::logic_error(\"twice() is yours to write\"); }\n");
    write(root() / "ch01-sums/tests/frame.hpp", suite_frame);
    write(root() / "ch01-sums/tests/a-sum.cpp",
          "static const char* const suite_file = __FILE__;\n#include \"frame.hpp\"\n#include "
          "\"sum.hpp\"\n"
          "int main(int count, char** words) {\n"
          "  return run(count, words, {{\"nothing is zero\", [] { EQUAL(sum(0, 0), 0); }},\n"
          "    {\"five is two and three\", [] { EQUAL(sum(2, 3), 5); }},\n"
          "    {\"below zero\", [] { EQUAL(sum(-2, -3), -5); }}});\n}\n");
    write(root() / "ch01-sums/tests/b-twice.cpp",
          "static const char* const suite_file = __FILE__;\n#include \"frame.hpp\"\n#include "
          "\"twice.hpp\"\n"
          "int main(int count, char** words) {\n"
          "  return run(count, words, {{\"twice two\", [] { EQUAL(twice(2), 4); }}});\n}\n");

    // The workbench as it is, on a common library that is empty; built as we are.
    write(root() / "common/cmake/course.cmake",
          "set(CMAKE_CXX_STANDARD 20)\n"
          "set(CMAKE_RUNTIME_OUTPUT_DIRECTORY \"${CMAKE_BINARY_DIR}/bin\")\n"
          "if(COURSE_SANITIZE)\n  add_compile_definitions(SANITIZED)\n"
          "  add_compile_options(-fsanitize=${COURSE_SANITIZE} -fno-sanitize-recover=all)\n"
          "  add_link_options(-fsanitize=${COURSE_SANITIZE})\nendif()\n"
          "foreach(name common testing faults bench)\n"
          "  add_library(course::${name} INTERFACE IMPORTED)\nendforeach()\n"
          "include(\"${CMAKE_CURRENT_LIST_DIR}/programs.cmake\")\n");
    fs::copy_file(fs::path(COURSE_ROOT) / "common/cmake/programs.cmake",
                  root() / "common/cmake/programs.cmake");
    fs::create_directories(root() / "common/tools/workbench");
    fs::copy(fs::path(COURSE_ROOT) / "common/tools/workbench/tree",
             root() / "common/tools/workbench/tree");
    fs::create_directories(build());
    fs::copy_file(COURSE_CACHE, build() / "CMakeCache.txt", fs::copy_options::skip_existing);
  }

  [[nodiscard]] fs::path root() const { return folder().path() / "a course"; }
  [[nodiscard]] fs::path build() const { return folder().path() / "a build"; }
  [[nodiscard]] fs::path mine(const std::string& stage) const {
    return root() / "mine/ch01-sums" / stage;
  }
  // The reader's version of sum(), between its braces.
  void write_sum(const std::string& body) const {
    write(mine("a-sum") / "sum.hpp",
          "#pragma once\n#include <cstdlib>\n"
          "inline int sum(int a, int b) {\n  " +
              body + "\n}\n");
  }

  [[nodiscard]] process::Command command(const Words& words) const {
    Words all{"--root", root(), "--build", build()};
    all.insert(all.end(), words.begin(), words.end());
    process::Command command = testing::program(COURSE_PROGRAM, all);
    command.environment = {{"LC_ALL", "C"}, {"GIT_PAGER", "cat"}};
    return command;
  }
  [[nodiscard]] Result course(const Words& words) const {
    return process::run(command(words), patience);
  }
  // Compilers, and verdicts that a case hangs, take their time.
  static constexpr std::chrono::seconds patience = testing::patience * 16;

 private:
  // One for all cases: what CMake finds out about the compiler takes longer than most of them. All
  // else in it is new in each.
  static const testing::TemporaryFolder& folder() {
    static const testing::TemporaryFolder folder;
    return folder;
  }
};

// Whether no process is there whose command line has it. One that was killed takes a moment to go.
bool nobody_runs(const std::string& program) {
  return std::none_of(fs::directory_iterator("/proc"), fs::directory_iterator(),
                      [&program](const fs::directory_entry& entry) {
                        return has(read(entry.path() / "cmdline"), program);
                      });
}

}  // namespace

// ---- What a compiler says

TEST_CASE("the first error is told in short, with its place, and the others are counted") {
  testing::TemporaryFolder folder;
  fs::path own = folder.path() / "mine/ch04-epoll-queue/a-epoll";
  write(own / "poll.hpp", "one\n  two(;\n");
  std::string file = (own / "poll.hpp").string();
  course::CompileError error = course::first_error(
      "In file included from /x/tests/a.cpp:3:\n" + file +
          ":2:8: error: expected ')' before ';'\n" + "    2 |   two(;\n      |       ^\n" + file +
          ":9:1: error: more\n" + file + ":9:1: warning: not an error\n",
      folder.path(), own);
  CHECK(error.place == "mine/ch04-epoll-queue/a-epoll/poll.hpp:2");
  CHECK(error.text == "expected ')' before ';'");
  CHECK(error.source == "two(;");
  CHECK(error.more == 1);
}

TEST_CASE(
    "an error that the compiler sees elsewhere is placed where the reader's code is part of it") {
  std::string own = "/c/mine/x/a/poll.hpp";
  auto place = [](const std::string& said) {
    return course::first_error(said, "/c", "/c/mine/x/a").place;
  };
  CHECK(place("/usr/include/v: In instantiation of 'f':\n" + own +
              ":12:5:   required from here\n/usr/include/v:99:1: error: no\n") ==
        "mine/x/a/poll.hpp:12");
  CHECK(place("/usr/include/v:99:1: error: no\n" + own + ":7:5: note: here\n") ==
        "mine/x/a/poll.hpp:7");
  CHECK(place("/c/x/tests/a.cpp:9:1: error: no member 'y'\n") == "x/tests/a.cpp:9");
  course::CompileError link = course::first_error(
      "/usr/bin/ld: main.cpp.o: in function `main':\n" + own +
          ":4:(.text+0x1): undefined reference to `Poll::wait()'\ncollect2: error: ld returned 1\n",
      "/c", "/c/mine/x/a");
  CHECK(link.place == "mine/x/a/poll.hpp:4");
  CHECK(link.text ==
        "undefined reference to `Poll::wait()': declared, and called, but written nowhere");
  CHECK(course::first_error("cmake is unwell\n", "/c", "/c/mine").text == "cmake is unwell");
}

TEST_CASE("what is open at the end of a header is told there, not where the compiler notices it") {
  testing::TemporaryFolder folder;
  fs::path own = folder.path() / "mine/x/a";
  std::string shape = (folder.path() / "x/exercises/a/shape.cpp").string(),
              poll = (own / "poll.hpp").string();
  write(shape,
        "// Needs.\n\n#include <vector>\n#include \"poll.hpp\"\n#include \"net/fd.hpp\"\n\n"
        "namespace {\nint a;\n}\n");
  write(poll, "#pragma once\nclass Poll {\n  void wait(\n\n");
  auto told = [&](const std::string& said) {
    course::CompileError error = course::first_error(said, folder.path(), own);
    return error.place + ": " + error.text + " | " + error.source;
  };
  std::string brace =
      "mine/x/a/poll.hpp:2: a { that is never closed: this one, or one inside it | class Poll {";
  // g++, then clang.
  CHECK(told(shape + ":7:1: error: expected unqualified-id before 'namespace'\n" + shape +
             ":9:2: error: expected '}' at end of input\nIn file included from " + own.string() +
             "/handle.hpp:9,\n                 from " + shape + ":9:\n" + poll +
             ":2:12: note: to match this '{'\n") == brace);
  CHECK(told(shape + ":7:11: error: namespaces can only be defined in global or namespace scope\n" +
             shape + ":9:2: error: expected '}'\n" + poll + ":2:12: note: to match this '{'\n") ==
        brace);
  CHECK(told(poll + ":3:9: error: expected '}' at end of input\n" + poll +
             ":2:12: note: to match this '{'\n") == brace);
  // Where the reader's own file is named first, that is it.
  CHECK(told(poll + ":3:8: error: expected ';' before '}' token\n" + poll +
             ":3:9: error: expected '}' at end of input\n" + poll +
             ":2:12: note: to match this '{'\n") ==
        "mine/x/a/poll.hpp:3: expected ';' before '}' token | void wait(");

  CHECK(
      told(shape + ":7:1: error: expected ',' or '...' before 'namespace'\n") ==
      "mine/x/a/poll.hpp:3: expected ',' or '...' before 'namespace': seen behind the end of this "
      "file, so something in it is not finished | void wait(");
  // It may be either of two files of the reader.
  write(own / "handle.hpp",
        "#pragma once\n#include \"poll.hpp\"\n\n// Handles.\ninline int handle();\n");
  CHECK(told((own / "handle.hpp").string() +
             ":5:12: error: expected initializer before 'handle'\n") ==
        "mine/x/a/handle.hpp:5: expected initializer before 'handle', or a ; at the end of "
        "mine/x/a/poll.hpp:3 | inline int handle();");
  // Behind code of ours, or if it is no error of syntax, the place is the compiler's.
  CHECK(told(shape + ":8:1: error: expected ';'\n").starts_with("x/exercises/a/shape.cpp:8: "));
  CHECK(told(shape + ":7:1: error: no member 'y'\n").starts_with("x/exercises/a/shape.cpp:7: "));
}

TEST_CASE("broken promises are sentences, each at the function or type that it is about") {
  testing::TemporaryFolder folder;
  write(folder.path() / "poll.hpp",
        "// wait() is below\nclass Registry {\n  void add(int);\n  void remove();\n};\n"
        "class Poll {\n  int wait();\n};\nusing Token = int;\n");
  auto places = [&](const std::string& said) {
    std::string list;
    for (const course::CompileError& one :
         course::broken_promises(said, folder.path(), folder.path()))
      list += one.place + " " + one.text + "\n";
    return list;
  };
  CHECK(
      places("/s/shape.cpp:9:1: error: static assertion failed: Poll needs: int wait()\n"
             "/s/shape.cpp:9:1: error: static assertion failed: poll.hpp needs: using Token = x;\n"
             "/s/shape.cpp:9:1: error: static assertion failed: Poll: something else\n") ==
      "poll.hpp:7 Poll needs: int wait()\npoll.hpp:9 poll.hpp needs: using Token = x;\n"
      "poll.hpp:6 Poll: something else\n");
  // clang; and its notes tell which of two functions it is.
  CHECK(places("/s/shape.cpp:9:1: error: static assertion failed due to requirement "
               "'Registers<a::Registry>': Registry needs: add(int) and remove(int)\n"
               "/s/shape.cpp:9:1: note: because 'registry.remove(1)' would be invalid\n") ==
        "poll.hpp:4 Registry needs: add(int) and remove(int)\n");
  CHECK(places("/s/x:1:1: error: static assertion failed: a\n/s/x:1:1: error: other\n") == "");
}

// ---- What a suite says

TEST_CASE("of a failed case the first check is shown: where, what was seen, what was expected") {
  std::string output =
      "/c/x/tests/a.cpp:52: ERROR: CHECK( poll.wait() == std::vector<Token>{20} ) is NOT correct!\n"
      "  values: CHECK( {10} == {20} )\n  logged: more\n\n"
      "/c/x/tests/a.cpp:60: ERROR: CHECK( false ) is NOT correct!\n";
  CHECK(course::first_failed_check(output, "/c", "  ") ==
        "  x/tests/a.cpp:52\n  poll.wait() == std::vector<Token>{20}\n"
        "  seen:     {10}\n  expected: {20}\n  logged: more\n");
  CHECK(course::first_failed_check(
            "/c/t.cpp:1: ERROR: test case THREW exception: a\x1b[2Jb\u009b\u202e\xff\n", "/c",
            "") == "t.cpp:1\nan exception that it did not expect: a?[2Jb???\n");
  CHECK(course::first_failed_check("/c/t.cpp:1: FATAL ERROR: test case CRASHED: SIGSEGV\n", "/c",
                                   "") == "");
  CHECK(course::first_failed_check("garbage", "/c", "") == "");
  // doctest shows nothing of an empty string.
  auto shown = [](const std::string& values) {
    return course::first_failed_check(
        "/c/t.cpp:1: ERROR: CHECK( a == b ) is NOT correct!\n"
        "  values: CHECK( " +
            values + " )\n",
        "/c", "");
  };
  CHECK(shown("a == ") == "t.cpp:1\na == b\nseen:     a\nexpected: \"\"\n");
  CHECK(shown(" == b") == "t.cpp:1\na == b\nseen:     \"\"\nexpected: b\n");
  // What the reader's own code prints, before the check, and on its line.
  CHECK(course::first_failed_check(
            "ERROR: bogus\n12: ERROR: bogus\nx: ERROR: bogus\nn: 3 /c/t.cpp:1: "
            "ERROR: CHECK( a ) is NOT correct!\n  ERROR: bogus\n",
            "/c", "") == "t.cpp:1\na\nERROR: bogus\n");
}

// ---- start

TEST_CASE(
    "start makes the reader's folder from ours, says which file is for whom, and what is next") {
  Scratch scratch;
  Result result = scratch.course({"start", "ch01/b"});
  CHECK_MESSAGE(result.exit.code == 0, result.err);
  CHECK((!has(result.err, "Building ") ||
         has(result.err, "Building your ch01/b (this takes long only once) ...\n")));
  CHECK(has(result.out, "made from our ch01/a:\n"));
  CHECK(has(result.out, "  from us           main.cpp, sum.hpp\n"));
  CHECK(has(result.out, "  for you to write  twice.hpp\n"));
  CHECK(has(result.out, "write mine/ch01-sums/b-twice/twice.hpp\n"));
  CHECK(has(result.out, "docs/ch01.md, \"Exercise b: twice\"\n"));
  CHECK(has(result.out, "./course check ch01/b --watch"));
  CHECK(read(scratch.mine("b-twice") / "sum.hpp") ==
        read(scratch.root() / "ch01-sums/a-sum/sum.hpp"));
  CHECK(
      fs::exists(scratch.build() / "workbench/bin/mine-ch01-b-twice-tests"));  // check is quick now

  // Everything in mine/ can be committed.
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(scratch.root() / "mine"))
    if (entry.is_regular_file()) files.push_back(entry.path().filename());
  std::sort(files.begin(), files.end());
  CHECK(files == Words{"main.cpp", "progress.json", "sum.hpp", "twice.hpp"});

  // Never written over; not even asked, without a terminal.
  write(scratch.mine("b-twice") / "twice.hpp", "mine\n");
  result = scratch.course({"start", "ch01/b"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "mv mine/ch01-sums/b-twice mine/ch01-sums/b-twice.1"));
  CHECK(read(scratch.mine("b-twice") / "twice.hpp") == "mine\n");
}

TEST_CASE("start names the file first that the others include") {
  Scratch scratch;
  fs::path start = scratch.root() / "ch01-sums/exercises/b-twice/start";
  write(start / "a.hpp", "#pragma once\n#include \"twice.hpp\"\n");
  write(start / "b.hpp", "#pragma once\n#include \"a.hpp\"\n#include \"twice.hpp\"\n");
  write(start / "main.cpp", "#include \"a.hpp\"\n#include \"b.hpp\"\nint main() {}\n");
  Result result = scratch.course({"start", "ch01/b"});
  CHECK(has(result.out, "  for you to write  twice.hpp, a.hpp, b.hpp, main.cpp\n"));
  CHECK(has(result.out, "write mine/ch01-sums/b-twice/twice.hpp\n"));
}

TEST_CASE("a file of an earlier stage that is gone is named") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/b"}).exit.ok());
  fs::remove(scratch.mine("b-twice") / "sum.hpp");  // twice.hpp includes it
  Result result = scratch.course({"check", "ch01/b"});
  CHECK(result.exit.code == 1);
  CHECK(result.err ==
        "course: mine/ch01-sums/b-twice/sum.hpp is gone; ours: ch01-sums/b-twice/sum.hpp\n");
}

TEST_CASE("on a terminal start asks, and after a yes what was there stands beside it") {
  Scratch scratch;
  write(scratch.mine("a-sum") / "sum.hpp", "mine\n");
  for (const char* answer : {"n\n", "y\n"}) {
    CAPTURE(answer);
    int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal == -1 && (errno == ENOENT || errno == ENODEV || errno == ENOSPC)) {
      MESSAGE("not tried: there is no pseudo-terminal here, as where nobody mounted devpts");
      return;
    }
    REQUIRE(terminal != -1);
    net::Fd ours(terminal);
    REQUIRE(::grantpt(terminal) == 0);
    REQUIRE(::unlockpt(terminal) == 0);
    REQUIRE(::write(terminal, answer, 2) == 2);
    process::Command command = scratch.command({"start", "ch01/a"});
    command.arguments.insert(command.arguments.begin(),
                             {"/bin/sh", "-c", "exec \"$@\" <\"$TTY\" 2>\"$TTY\"", "sh"});
    command.environment.push_back({"TTY", ::ptsname(terminal)});
    Result result = process::run(command, Scratch::patience);
    CHECK(result.exit.code == 0);
    bool yes = answer[0] == 'y';
    CHECK(has(result.out,
              yes ? "mine/ch01-sums/a-sum is mine/ch01-sums/a-sum.1 now" : "Nothing has changed"));
    CHECK(fs::exists(scratch.mine("a-sum.1")) == yes);
    CHECK((read(scratch.mine("a-sum") / "sum.hpp") != "mine\n") == yes);
  }
  CHECK(read(scratch.mine("a-sum.1") / "sum.hpp") == "mine\n");
}

TEST_CASE("what has no exercise or is not started yet is said in one line") {
  Scratch scratch;
  for (const Words& words : {Words{"start", "ch01/c"},
                             {"check", "ch01/c"},
                             {"hint", "ch01/c"},
                             {"run", "ch01/c", "--mine"}}) {
    Result result = scratch.course(words);
    CHECK(result.exit.code == 2);
    CHECK(one_line(result.err));
    CHECK(has(result.err, "what can be written: ch01/a, ch01/b"));
  }
  for (const Words& words : {Words{"check", "ch01/a"},
                             {"check", "ch01/a", "--watch"},
                             {"hint", "ch01/a"},
                             {"run", "ch01/a", "--mine"},
                             {"diff", "ch01/a", "--mine"}}) {
    Result result = scratch.course(words);
    CHECK(result.exit.code == 2);
    CHECK(one_line(result.err));
    CHECK(has(result.err, "./course start ch01/a"));
  }
  CHECK_FALSE(fs::exists(scratch.root() / "mine"));
}

// ---- bench

TEST_CASE("bench --mine measures the stages that the reader has started, in their version") {
  Scratch scratch;
  Result result = scratch.course({"bench", "ch01", "--mine"});
  CHECK(result.exit.code == 2);
  CHECK(
      has(result.err, "no stage of your own that is measured (in ch01 these are: ch01/a, ch01/c)"));
  CHECK(has(scratch.course({"bench", "ch01/a", "--mine"}).err, "./course start ch01/a"));
  CHECK(has(scratch.course({"bench", "ch01/c", "--mine"}).err, "not for writing"));

  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  scratch.write_sum("return a * 10 + b;");
  for (const Words& words :
       {Words{"bench", "ch01", "--mine", "--json"}, {"bench", "mine/ch01-sums/a-sum", "--json"}}) {
    result = scratch.course(words);
    CHECK(result.exit.ok());
    CHECK(has(result.out, R"("rows":[{"name":"s","ours":12,"stage":"ch01/a"}])"));
  }
  scratch.write_sum("return a + c;");
  result = scratch.course({"bench", "ch01", "--mine"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "mine/ch01-sums/a-sum/sum.hpp:4"));
}

// ---- check and hint

TEST_CASE(
    "from the stubs to a finished stage: the case, its meaning, its hints, and the next stage") {
  Scratch scratch;
  Result result = scratch.course({"start", "ch01/a"});
  REQUIRE(result.exit.ok());
  CHECK(has(result.out, "docs/ch01.md, \"Stage a: adding\"\n"));
  result = scratch.course({"hint", "ch01/a"});
  CHECK(result.exit.code == 2);
  CHECK(has(result.err, "first: ./course check ch01/a"));

  result = scratch.course({"check", "ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "ch01/a: the first of 3 cases fails:\n\n  nothing is zero\n"));
  CHECK(has(result.out,
            "  Not written yet: sum()\n\nNext: write it, and ./course check ch01/a again\n"));
  CHECK_FALSE(has(result.out, "What it means"));

  scratch.write_sum("return a * b;");
  result = scratch.course({"check", "ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "1 of 3 cases passes, the next one fails:\n\n  five is two and three\n"));
  CHECK_MESSAGE(has(result.out,
                    "What happened: a check of the suite failed\n    ch01-sums/tests/a-sum.cpp:6\n"
                    "    sum(2, 3) == 5\n    seen:     6\n    expected: 5\n"),
                result.out);
  CHECK(has(result.out, "What it means: The two were not added.\n"));
  CHECK(has(result.out, "Next: ./course hint ch01/a\n"));
  CHECK(has(scratch.course({}).out, "./course hint ch01/a      five is two and three\n"));

  result = scratch.course({"hint", "ch01/a"});
  CHECK(has(result.out, "Hint 1 of 2\n  Think.\n"));
  CHECK_FALSE(has(result.out, "a + b"));
  process::Command narrow = scratch.command({"hint", "ch01/a"});
  narrow.environment.push_back({"COLUMNS", "30"});
  result = process::run(narrow, Scratch::patience);
  CHECK(has(result.out, "  ./course diff ch01/a --mine\n      your code and ours\n"));
  CHECK(has(result.out, "Hint 2 of 2\n  a + b\n\nThat was the last hint.\n"));
  CHECK(has(result.out, "docs/ch01.md#x\n"));
  CHECK(has(result.out, "./course diff ch01/a --mine"));
  CHECK(has(result.out, "./course break ch01/a"));
  CHECK(has(scratch.course({"hint", "ch01/a"}).out, "There are no more hints.\n"));

  fs::copy_file(scratch.root() / "ch01-sums/a-sum/sum.hpp", scratch.mine("a-sum") / "sum.hpp",
                fs::copy_options::overwrite_existing);
  result = scratch.course({"check", "ch01/a"});
  CHECK(result.exit.code == 0);
  CHECK(has(result.out, "ch01/a passes: all 3 cases.\n"));
  CHECK(has(result.out, "./course start ch01/b "));
  CHECK(has(scratch.course({"list"}).out, "passed\n"));
  CHECK(has(scratch.course({}).out, "./course start ch01/b "));
  CHECK(scratch.course({"hint", "ch01/a"}).exit.code == 2);
  CHECK(has(read(scratch.root() / "mine/progress.json"), "\"ch01/a-sum\""));

  // The next stage begins with the reader's own files, unless they want ours.
  write(scratch.mine("a-sum") / "sum.hpp",
        read(scratch.mine("a-sum") / "sum.hpp") + "// by the reader\n");
  write(scratch.mine("a-sum") / ".sum.hpp.swp", "an editor's");
  result = scratch.course({"start", "ch01/b"});
  CHECK(has(result.out, "made from your ch01/a:\n"));
  CHECK(has(result.out, "  from you          main.cpp, sum.hpp\n"));
  CHECK(has(read(scratch.mine("b-twice") / "sum.hpp"), "by the reader"));
  CHECK_FALSE(fs::exists(scratch.mine("b-twice") / ".sum.hpp.swp"));
  fs::rename(scratch.mine("b-twice"), scratch.mine("b-twice.1"));
  CHECK(has(scratch.course({"start", "ch01/b", "--from", "ours"}).out, "made from our ch01/a:\n"));
  CHECK_FALSE(has(read(scratch.mine("b-twice") / "sum.hpp"), "by the reader"));

  // What fails now is not finished any more.
  scratch.write_sum("return a - b;");
  CHECK(scratch.course({"check", "ch01/a"}).exit.code == 1);
  fs::remove_all(scratch.mine("b-twice"));
  CHECK(has(scratch.course({"start", "ch01/b"}).out, "made from our ch01/a (yours has not passed"));
}

TEST_CASE("a stage that passed, and does not compile now, is not passed") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  fs::path file = scratch.mine("a-sum") / "sum.hpp";
  std::string good = "inline int sum(int a, int b) { return a + b; }\n";
  auto judged = [&](const std::string& text) {
    write(file, text);
    return scratch.course({"check", "ch01/a"}).exit.ok();
  };
  for (const char* wrong : {"int x", "long sum(int, int);", "int gone();\ninline int x = gone();",
                            "#include <cstdlib>\ninline int x = (std::abort(), 1);", "remove it"}) {
    CAPTURE(std::string(wrong));
    REQUIRE(judged(good));
    CHECK(has(scratch.course({"list"}).out, "passed"));
    CHECK(has(scratch.course({}).out, "./course start ch01/b"));
    if (wrong == std::string("remove it"))
      fs::remove(file);
    else
      write(file, (has(wrong, "sum(") ? "" : good) + wrong + "\n");
    CHECK(scratch.course({"check", "ch01/a"}).exit.code == 1);
    CHECK_FALSE(has(scratch.course({"list"}).out, "passed"));
    CHECK_FALSE(has(scratch.course({}).out, "./course start ch01/b"));
    Result hint = scratch.course({"hint", "ch01/a"});
    CHECK(hint.exit.code == 2);
    CHECK(has(hint.err, "first: ./course check ch01/a"));
  }
  CHECK(has(scratch.course({"start", "ch01/b"}).out, "(yours has not passed"));

  // The case that failed before is still the one that hints are about.
  CHECK_FALSE(judged("inline int sum(int a, int b) { return a * b; }\n"));
  CHECK_FALSE(judged("inline int sum(int a, int b) { return a * b }\n"));
  CHECK(has(scratch.course({"hint", "ch01/a"}).out, "Think."));
}

TEST_CASE("wrong code of every kind is told in words, and never stops the course") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  write(scratch.mine("a-sum copy") / "main.cpp", "a folder that is no stage\n");
  auto verdict = [&](const std::string& body) {
    scratch.write_sum(body);
    Result result = scratch.course({"check", "ch01/a"});
    CHECK(result.exit.code == 1);
    CHECK((result.err == "" || has(result.err, "Building ")));
    return result.out;
  };
  CHECK(verdict("return a + b") ==
        "ch01/a does not compile:\n\n  mine/ch01-sums/a-sum/sum.hpp:4\n" +
            std::string(has(verdict("return a + b"), "after return")
                            ? "  expected ';' after return statement\n"
                            : "  expected ';' before '}' token\n") +
            "      return a + b\n");
  CHECK(has(verdict("return *static_cast<volatile int*>(nullptr) + a + b;"), "SIG") == false);
  CHECK(has(verdict("if (a == 2) std::abort(); return a + b;"),
            "five is two and three\n\n  What happened: signal ABRT: it crashed (Aborted)\n"));
  CHECK(has(verdict("std::exit(0); return a + b;"), "What happened: an early end"));
  std::string said = verdict("std::puts(\"\\x1b[2J ERROR: \\x1b[31m\"); return a + b + 1;");
  CHECK(has(said, "does not compile"));  // no <cstdio> here
  said = verdict("(void)!std::system(\"echo 'ERROR: \\033[2J garbage'\"); return a + b + 1;");
  CHECK(has(said, "nothing is zero"));
  CHECK_FALSE(has(said, "\x1b"));
  CHECK(has(said,
            "a check of the suite failed\n    ch01-sums/tests/a-sum.cpp:5\n    sum(0, 0) == 0\n"));

  write(scratch.mine("a-sum") / "sum.hpp", "inline long sum(int a, int b) { return a + b; }\n");
  said = scratch.course({"check", "ch01/a"}).out;
  CHECK(has(said,
            "ch01/a lacks what its suite needs:\n\n  mine/ch01-sums/a-sum/sum.hpp:1\n"
            "  sum.hpp needs: int sum(int a, int b)\n"));

  // The suite does not compile either, but what the shape says is a sentence.
  write(scratch.mine("a-sum") / "sum.hpp",
        "struct Sum {};\ninline Sum sum(int, int) { return {}; }\n");
  said = scratch.course({"check", "ch01/a"}).out;
  CHECK(has(said, "ch01/a lacks what its suite needs:\n\n  mine/ch01-sums/a-sum/sum.hpp:2\n"));

  write(scratch.mine("a-sum") / "sum.hpp", "inline int sum(int a, int b) {\n  return a + b;\n");
  said = scratch.course({"check", "ch01/a"}).out;
  CHECK(has(said,
            "ch01/a does not compile:\n\n  mine/ch01-sums/a-sum/sum.hpp:1\n"
            "  a { that is never closed: this one, or one inside it\n"
            "      inline int sum(int a, int b) {\n"));

  scratch.write_sum("return a + b;");
  write(scratch.mine("a-sum") / "other.cpp", "#include \"sum.hpp\"\nint main() {}\n");
  CHECK(has(scratch.course({"check", "ch01/a"}).out,
            "ch01/a does not compile:\n\n  mine/ch01-sums/a-sum/other.cpp:2\n"
            "  a second main(): the program's is in main.cpp\n      int main() {}\n"));
  fs::remove(scratch.mine("a-sum") / "other.cpp");

  fs::remove(scratch.mine("a-sum") / "sum.hpp");
  Result result = scratch.course({"check", "ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "mine/ch01-sums/a-sum/sum.hpp is gone"));

  write(scratch.root() / "mine/progress.json", "<<<<<<< mine\n");
  for (bool folder : {false, true}) {
    if (folder) {
      fs::remove(scratch.root() / "mine/progress.json");
      fs::create_directories(scratch.root() / "mine/progress.json");
    }
    result = scratch.course({"list"});
    CHECK(result.exit.ok());
    CHECK(one_line(result.err));
    CHECK_MESSAGE(has(result.err, "cannot read mine/progress.json: mend it"), result.err);
    CHECK(has(result.out, "started"));
  }
}

// Of ninja's: it compares the times of files, so that old code was judged and passed.
TEST_CASE("what is saved while a check compiles is judged by the next one") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  // The compiler of the suite has read sum.hpp when it comes to a file that we hold back.
  fs::path gate = scratch.root() / "gate.hpp", suite = scratch.root() / "ch01-sums/tests/a-sum.cpp";
  std::string text = read(suite), include = "#include \"sum.hpp\"\n";
  write(suite,
        text.insert(text.find(include) + include.size(), "#include \"" + gate.string() + "\"\n"));
  REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
  scratch.write_sum("return a + b;");
  process::Child child(scratch.command({"check", "ch01/a"}));
  int opened = -1;
  auto until = std::chrono::steady_clock::now() + Scratch::patience;
  while (opened == -1 && !child.ended_within(5ms) && std::chrono::steady_clock::now() < until)
    opened = ::open(gate.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(opened != -1);
  scratch.write_sum("return a - b;");
  net::Fd(opened).close();
  // The second look compiles the suite once more, and is let through each time.
  while (!child.ended_within(5ms) && std::chrono::steady_clock::now() < until)
    net::Fd(::open(gate.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)).close();
  CHECK(child.wait(Scratch::patience).ok());
  CHECK(has(child.out(), "ch01/a passes"));

  // Nothing else is new.
  fs::remove(gate);
  write(gate, "");
  fs::last_write_time(gate, fs::file_time_type::clock::now() - 1h);
  Result result = scratch.course({"check", "ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "five is two and three"));
}

TEST_CASE("code that comes with an old time, copied or moved back, is judged all the same") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  scratch.write_sum("return a + b;");
  fs::copy(scratch.mine("a-sum"), scratch.mine("a-sum.1"));
  scratch.write_sum("return a - b;");
  fs::last_write_time(scratch.mine("a-sum") / "sum.hpp", fs::file_time_type::clock::now() - 1h);
  CHECK(has(scratch.course({"check", "ch01/a"}).out, "five is two and three"));
  fs::rename(scratch.mine("a-sum"), scratch.mine("a-sum.2"));
  fs::rename(scratch.mine("a-sum.1"), scratch.mine("a-sum"));
  CHECK(has(scratch.course({"check", "ch01/a"}).out, "ch01/a passes"));
  fs::rename(scratch.mine("a-sum"), scratch.mine("a-sum.1"));
  fs::rename(scratch.mine("a-sum.2"), scratch.mine("a-sum"));
  CHECK(has(scratch.course({"check", "ch01/a"}).out, "five is two and three"));

  if (::geteuid() != 0) {  // nothing is unreadable for root
    fs::permissions(scratch.mine("a-sum") / "sum.hpp", fs::perms::none);
    Result result = scratch.course({"check", "ch01/a"});
    CHECK(result.exit.code == 1);
    CHECK(one_line(result.err));
    CHECK(has(result.err, "cannot read "));
  }
}

TEST_CASE(
    "what is built of the reader's code names their own files, for debuggers and assertions") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  write(scratch.mine("a-sum") / "sum.hpp",
        "inline const char* file = __FILE__;\n"
        "inline int sum(int a, int b) { return a + b + (*file == 0); }\n");
  REQUIRE(scratch.course({"check", "ch01/a"}).exit.ok());
  std::string name = (scratch.mine("a-sum") / "sum.hpp").string();
  for (const char* program : {"mine-ch01-a-sum-tests", "mine-ch01-a-sum-with-faults"}) {
    std::string content = read(scratch.build() / "workbench/bin" / program);
    CHECK(has(content, name));
    CHECK_FALSE(has(content, "slots/mine"));
  }
}

TEST_CASE("code that loops or waits for ever is a verdict, and nothing of it is left running") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  // Twice in one: the first case waits, the second one would loop.
  write(scratch.mine("a-sum") / "sum.hpp",
        "#include <unistd.h>\ninline int sum(int a, int b) {\n  if (a == 2) for (;;) {}\n"
        "  ::pause();\n  return a + b;\n}\n");
  Result result = scratch.course({"check", "ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "nothing is zero\n\n  What happened: a hang: "));
  std::string program = (scratch.build() / "workbench/bin/mine-ch01-a-sum-tests").string();
  CHECK(testing::eventually([&program] { return nobody_runs(program); }));
}

TEST_CASE("a hang is said to wait or to loop, and with it what the code said last") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  auto happened = [&](const std::string& what) {
    write(scratch.mine("a-sum") / "sum.hpp",
          "#include <cstdio>\n#include <unistd.h>\ninline int sum(int a, int b) {\n"
          "  for (int i = 1; i < 5; ++i) std::fprintf(stderr, \"step %d\\n\", i);\n  " +
              what + "\n  return a + b;\n}\n");
    return scratch.course({"check", "ch01/a"}).out;
  };
  // What the suite's own watchdog says in the same moment is no news.
  std::string said =
      happened("std::fputs(\"  HANGS: it did not end within its time\\n\", stderr);\n  ::pause();");
  CHECK(has(in_one_line(said), "and it slept: it waits for something that never comes"));
  CHECK(has(said, "what it said last:\n      step 2\n      step 3\n      step 4\n"));
  said = happened("for (;;) {}");
  CHECK(has(in_one_line(said), "and it was busy: it loops"));
}

TEST_CASE("memory without end is called what it is, and has an end") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  scratch.write_sum("for (;;) (void)!new char[1 << 20]; return a + b;");
  std::string said = scratch.course({"check", "ch01/a"}).out;
  CHECK_MESSAGE(has(in_one_line(said), "it wanted more memory than a case may have"), said);
}

// Everything here passes in a plain build.
TEST_CASE("what only a sanitizer sees makes a check fail: what it is, and where") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  auto judged = [&](const std::string& code, const std::string& body) {
    write(scratch.mine("a-sum") / "sum.hpp",
          code + "\ninline int sum(int a, int b) {\n" + body + "\n}\n");
    Result result = scratch.course({"check", "ch01/a"});
    CHECK_MESSAGE(has(result.out, "ch01/a passes: all 3 cases.\n"), (result.out + result.err));
    return result;
  };
  struct Wrong {
    std::string code, body, said;
    int line;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {"", "auto* gone = new int[8]{0, 0, 0, 0, 0, a + b};\ndelete[] gone;\nreturn gone[5];",
            "reads memory that is gone (heap-use-after-free)", 5},
           {"#include <functional>",
            "std::function<int()> later;\n{ int local = a + b; later = [&] { return local; }; }\n"
            "return later();",
            "reads a local variable that is gone (stack-use-after-scope)", 4},
           {"#include <memory>",
            "auto buffer = std::make_unique<char[]>(20);\nbuffer.get()[20] = 1;\nreturn a + b;",
            "writes memory outside of a buffer or an object (heap-buffer-overflow)", 4},
           {"struct Sum { int value; bool big; };",
            "auto* sums = new Sum[1 << 16];\nint big = sums[7].big;\ndelete[] sums;\n"
            "return a + b + big;",
            "reads a value that its type does not have: was it ever set?", 4},
           {"",
            "auto* some = new int[1 << 16];\nint more = some[7];\ndelete[] some;\n"
            "return a + b + more;",
            "But with AddressSanitizer and UBSan, and a pattern in memory without a value, "
            "the case \"nothing is zero\" fails: perhaps something is used before it is set "
            "What happened: a check of the suite failed",
            0},
           {"", "return a + b +\n*new int(0);",
            "never frees memory that it allocated (detected memory leaks)", 4},
           {"struct __attribute__((packed)) Sum { char tag; int value; };",
            "Sum sum{'s', a};\nint* value = &sum.value;\n*value += b;\nreturn *value;",
            "uses a pointer that is not aligned as its type demands", 5},
           {"#include <thread>",
            "int sum = 0;\nstd::thread one([&] { sum += a; });\nsum += b;\none.join();\n"
            "return a + b;",
            "from two threads at once, and one of them writes (data race", 0}}) {
    CAPTURE(wrong.said);
    Result result = judged(wrong.code, wrong.body);
    CHECK(result.exit.code == 1);
    std::string said = in_one_line(result.out);
    CHECK_MESSAGE(has(said, wrong.said), result.out);
    if (wrong.line > 0)
      CHECK_MESSAGE(has(said, ": mine/ch01-sums/a-sum/sum.hpp:" + std::to_string(wrong.line) + " "),
                    result.out);
    CHECK(has(result.out, "Next: mend it, and ./course check ch01/a again\n"));
    CHECK(has(scratch.course({"list"}).out, "started"));
  }
  Result result = judged("", "return a + b;");
  CHECK(result.exit.ok());
  CHECK(has(result.out, "AddressSanitizer and UBSan find nothing either.\n"));
  CHECK(has(scratch.course({"list"}).out, "passed"));
}

TEST_CASE("a sanitizer that cannot work here is said once, and blames nobody") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  scratch.write_sum("return a + b;");
  auto check = [&] { return scratch.course({"check", "ch01/a"}); };
  fs::path file = scratch.root() / "common/cmake/course.cmake";
  write(file, "if(COURSE_SANITIZE)\n  add_link_options(-lno-such-runtime)\nendif()\n" + read(file));
  Result result = check();
  CHECK(result.exit.ok());
  CHECK_MESSAGE(has(result.out, "Not looked at with AddressSanitizer and UBSan"), result.out);
  CHECK(has(result.out, "\nNext\n"));
  result = check();
  CHECK(result.exit.ok());
  CHECK_FALSE(has(result.out, "Sanitizer"));
}

TEST_CASE("a child that the reader's code leaves behind holds nothing up, and is ended, too") {
  std::signal(SIGINT, SIG_DFL);
  std::string in_its_session;
  SUBCASE("in the case's group") {}
  SUBCASE("in a session of its own") { in_its_session = "::setsid(); (void)!::fork(); "; }
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  write(scratch.mine("a-sum") / "sum.hpp",
        "#include <unistd.h>\ninline int sum(int a, int b) {\n"
        "  if (a == 2 && ::fork() == 0) {\n    " +
            in_its_session + "for (;;) ::pause();\n  }\n  return a + b + (a == 2);\n}\n");
  Result result = process::run(scratch.command({"check", "ch01/a"}), testing::patience * 8);
  CHECK_FALSE(result.exit.late);
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "five is two and three\n\n  What happened: a check of the suite failed"));
  std::string program = (scratch.build() / "workbench/bin/mine-ch01-a-sum-tests").string();
  CHECK(testing::eventually([&program] { return nobody_runs(program); }));
}

TEST_CASE("a flood of output is called one, whether it would have ended or not") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  for (const char* lines : {"100000", "100000000"}) {
    scratch.write_sum(std::string("(void)!std::system(\"yes this is a line of sixty characters and "
                                  "it is written quite often | head -") +
                      lines + "\"); return a + b;");
    CHECK(has(scratch.course({"check", "ch01/a"}).out,
              "What happened: a flood: it wrote more than 4 MB, and was stopped"));
  }
}

TEST_CASE("code that runs before main() is told to be the reader's, or does not matter") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  auto global = [&](const std::string& body) {
    write(scratch.mine("a-sum") / "sum.hpp",
          "#include <cstdio>\n#include <cstdlib>\n#include <exception>\n"
          "inline int sum(int a, int b) { return a + b; }\n"
          "inline int value = [] {\n  " +
              body + "\n  return 1;\n}();\n");
    return scratch.course({"check", "ch01/a"});
  };
  for (const char* body : {"std::exit(0);", "std::exit(3);", "std::abort();"}) {
    CAPTURE(body);
    Result result = global(body);
    CHECK(result.exit.code == 1);
    CHECK(has(result.err, "course: your code in ch01/a ran before main() did, and then: "));
    CHECK(has(result.err, "(a global variable that does something?)\n"));
  }
  Result result = global("std::puts(\"hello\");");
  CHECK(result.exit.code == 0);
  CHECK(has(result.out, "ch01/a passes: all 3 cases.\n"));
}

// ---- --mine

TEST_CASE("run --mine runs the reader's program, and diff --mine compares it with ours") {
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  scratch.write_sum("return a + b + 4;");
  if (!testing::emulated()) {  // ./course starts programs itself, and knows nothing of qemu
    Result ran = scratch.course({"run", "ch01/a", "--mine"});
    CHECK(ran.exit.code == 0);
    CHECK(ran.out == "7\n");
    // Where a shell's completion leads to.
    ran = scratch.course({"run", "mine/ch01-sums/a-sum/"});
    CHECK(ran.exit.code == 0);
    CHECK(ran.out == "7\n");
  }

  Result result = scratch.course({"diff", "ch01/a", "--mine"});
  CHECK(result.out.starts_with(
      "from our ch01/a-sum   adds\nto   your ch01/a-sum  mine/ch01-sums/a-sum\n"));
  CHECK(has(result.out, "+++ b/mine/ch01-sums/a-sum/sum.hpp\n"));
  CHECK(has(result.out, "+  return a + b + 4;\n"));
  write(scratch.mine("a-sum") / ".sum.hpp.swp", "an editor's");
  CHECK(scratch.course({"diff", "ch01/a", "--mine"}).out == result.out);
  CHECK(scratch.course({"diff", "mine/ch01-sums/a-sum"}).out == result.out);
  CHECK(has(scratch.course({"diff", "ch01/a", "--mine", "--from", "ch01/b", "--stat"}).out,
            "twice.hpp (removed)"));

  scratch.write_sum("return nothing;");
  result = scratch.course({"run", "ch01/a", "--mine"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "ch01/a does not compile:\n\n  mine/ch01-sums/a-sum/sum.hpp:4\n"));
  CHECK(scratch.course({"run", "ch01/b", "--mine"}).exit.code == 2);
}

// ---- --watch

TEST_CASE(
    "a watch sees files that are written, renamed or deleted, and no editor's scratch files") {
  testing::TemporaryFolder folder;
  write(folder.path() / "x/sum.hpp", "1");
  course::FolderWatch watch(folder.path() / "x");
  using News = course::FolderWatch::News;
  CHECK(watch.wait(0ms) == News::none);
  write(folder.path() / "x/sum.hpp", "2");
  write(folder.path() / "x/main.cpp", "2");
  CHECK(watch.wait(1s) == News::changed);
  CHECK(watch.wait(0ms) == News::none);
  write(folder.path() / "x/.sum.hpp.swp", "3");
  write(folder.path() / "x/sum.hpp~", "3");
  write(folder.path() / "x/4913", "3");
  CHECK(watch.wait(0ms) == News::none);
  fs::rename(folder.path() / "x/.sum.hpp.swp", folder.path() / "x/sum.hpp");
  CHECK(watch.wait(1s) == News::changed);
  fs::remove(folder.path() / "x/sum.hpp");
  CHECK(watch.wait(1s) == News::changed);
  fs::remove_all(folder.path() / "x");
  CHECK(watch.wait(1s) == News::gone);
}

TEST_CASE("check --watch goes on after every save, whatever it finds, until a signal") {
  std::signal(SIGINT, SIG_DFL);  // a shell's background jobs are started with it ignored
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  process::Child child(scratch.command({"check", "ch01/a", "--watch"}));
  std::size_t seen = 0;
  auto says = [&](const std::string& text) {
    std::string waiting = "Ctrl-C ends it.\n";
    auto until = std::chrono::steady_clock::now() + Scratch::patience;
    while (child.out().find(waiting, seen) == std::string::npos)
      if (child.ended_within(5ms) || std::chrono::steady_clock::now() > until) return false;
    std::string news = child.out().substr(seen);
    seen = child.out().find(waiting, seen) + waiting.size();
    return has(news + child.err(), text);
  };
  CHECK(says("Not written yet: sum()"));
  scratch.write_sum("return a +;");
  CHECK(says("does not compile"));
  fs::remove(scratch.mine("a-sum") / "sum.hpp");
  CHECK(says("sum.hpp is gone"));
  // As some editors save: a new file takes the old one's place.
  write(scratch.root() / "new", "inline int sum(int a, int b) { return a + b; }\n");
  fs::rename(scratch.root() / "new", scratch.mine("a-sum") / "sum.hpp");
  CHECK(says("ch01/a passes"));

  child.signal(SIGINT);
  process::Exit exit = child.wait(testing::patience);
  CHECK_FALSE(exit.late);
  CHECK(exit.code == 130);
  CHECK(has(child.err(), "course: interrupted\n"));
}

TEST_CASE("a save ends the second look at what was saved before") {
  std::signal(SIGINT, SIG_DFL);
  Scratch scratch;
  REQUIRE(scratch.course({"start", "ch01/a"}).exit.ok());
  const std::string code = "#include <unistd.h>\ninline int sum(int a, int b) { return a + b; }\n";
  // The sanitizer's first case would never end.
  write(scratch.mine("a-sum") / "sum.hpp",
        code + "#ifdef SANITIZED\ninline int once = (::pause(), 1);\n#endif\n");
  process::Child child(scratch.command({"check", "ch01/a", "--watch"}));
  fs::path judged = scratch.build() / "workbench-address/bin/mine-ch01-a-sum-tests";
  CHECK(child.wait_for_output("passes", Scratch::patience));
  auto until = std::chrono::steady_clock::now() + Scratch::patience;
  while (!fs::exists(judged) && !child.ended_within(5ms) &&
         std::chrono::steady_clock::now() < until) {
  }
  REQUIRE(fs::exists(judged));
  write(scratch.mine("a-sum") / "sum.hpp", code);
  CHECK(child.wait_for_output("find nothing either", Scratch::patience));
  CHECK_FALSE(has(child.out(), "But "));
  child.signal(SIGINT);
  CHECK(child.wait(testing::patience).code == 130);
}
