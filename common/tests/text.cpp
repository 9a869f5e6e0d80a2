// The text tool: its tokenizer, markers and Markdown one by one, then the program on a small
// repository with two stages.

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "process/child.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"
#include "text/lines.hpp"
#include "text/links.hpp"
#include "text/marker.hpp"
#include "text/page.hpp"
#include "text/repository.hpp"
#include "text/tokens.hpp"

namespace fs = std::filesystem;
using text::Lines;

namespace {

std::vector<std::string> token_texts(std::string_view source) {
  std::vector<std::string> texts;
  for (const text::Token& token : text::tokenize(source)) texts.emplace_back(token.text);
  return texts;
}

std::string error_of(std::string_view marker) {
  try {
    (void)text::parse_marker(marker);
    return "";
  } catch (const text::Error& error) {
    return error.what();
  }
}

// A repository with two stages and one page, and the program run on it.
class Scratch {
 public:
  Scratch() {
    write(
        "ch03-syscalls/chapter.json",
        R"({ "chapter": "ch03", "title": "t", "stages": [ { "name": "f-poll", "title": "t" } ] })");
    write("ch04-epoll-queue/chapter.json", R"({ "chapter": "ch04", "title": "t", "stages": [
            { "name": "a-epoll", "title": "t", "predecessor": "ch03/f-poll" } ] })");
    write("ch03-syscalls/f-poll/main.cpp",
          "int main() {\n  int a = 1;\n  ask(a);\n  return 0;\n}\n");
    write("ch04-epoll-queue/a-epoll/main.cpp",
          "int main() {\n  int a = 1;\n  wait(a);\n  return 0;\n}\n");
    write("ch03-syscalls/f-poll/scan.hpp", "void scan();\n");
    write("ch04-epoll-queue/a-epoll/queue.hpp",
          "#pragma once\n\n"
          "// The queue.\n"
          "class Queue {\n public:\n"
          "  void add(int fd) {\n    if (fd < 0) {\n      fail();\n    }\n  }\n"
          "};\n\n"
          "int twice();\nint twice(int);\n");
  }

  void write(const fs::path& file, const std::string& content) {
    fs::create_directories((root() / file).parent_path());
    std::ofstream(root() / file, std::ios::binary) << content;
  }
  [[nodiscard]] std::string read(const fs::path& file) const {
    return text::read_file(root() / file);
  }
  [[nodiscard]] const fs::path& root() const { return folder_.path(); }

  // One page with one marker: writes it, updates it, and returns what then stands in it.
  std::string updated(const std::string& marker) {
    write("docs/page.md", "<!-- " + marker + " -->\n<!-- end -->\n");
    process::Result result = run("update");
    INFO(result.out, result.err);
    CHECK(result.exit.ok());
    std::string content = read("docs/page.md");
    std::size_t begin = content.find("-->\n") + 4;
    return content.substr(begin, content.rfind("<!-- end") - begin);
  }

  // text COMMAND docs/page.md …
  process::Result run(const std::string& command, std::vector<std::string> more = {},
                      std::vector<std::pair<std::string, std::string>> environment = {}) {
    std::vector<std::string> arguments{command, "--root", root()};
    if (more.empty() || more.back().starts_with("--no")) more.push_back(root() / "docs/page.md");
    arguments.insert(arguments.end(), more.begin(), more.end());
    process::Command program = testing::program(TEXT_PROGRAM, arguments);
    program.environment = std::move(environment);
    return process::run(program, testing::patience);
  }

 private:
  testing::TemporaryFolder folder_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("comments, strings, characters and raw strings hide their braces from the tokenizer") {
  CHECK(token_texts("a // { \n b /* { \n } */ c") == Lines{"a", "b", "c"});
  CHECK(token_texts("a // joined \\\n { \n b") == Lines{"a", "b"});
  CHECK(token_texts(R"(f("{ \" {", '{', '\'');)") ==
        Lines{"f", "(", R"("{ \" {")", ",", "'{'", ",", R"('\'')", ")", ";"});
  CHECK(token_texts("R\"x( { )\" } )x\" u8R\"(})\" R") ==
        Lines{"R\"x( { )\" } )x\"", "u8R\"(})\"", "R"});
  CHECK(token_texts("1'000'{") == Lines{"1'000", "'{"});
  CHECK(token_texts("x = 1'000 + 0x1'F; y") == Lines{"x", "=", "1'000", "+", "0x1'F", ";", "y"});
  CHECK(token_texts("#define OPEN { \\\n { /* \n */ {\n a # b") == Lines{"a", "#", "b"});
  CHECK(token_texts("#error don't // say\nx") == Lines{"x"});
  CHECK(token_texts("\"never closed\nx") == Lines{"\"never closed", "x"});
}

TEST_CASE("a declaration ends with the brace that matches its first one, or with its semicolon") {
  auto last = [](const std::string& source) { return text::last_line_of(source, 0); };
  CHECK(last("class A {\n void f() {}\n};\nint x;") == 2);
  CHECK(last("int f() {\n  if (a) {\n  }\n}\nint g() {}") == 3);
  CHECK(last("int f(\n  int a);\nint g() {\n}") == 1);
  CHECK(last("// why\n/* how { */\nstruct A {\n};") == 3);
  CHECK(last("for (int i = 0; i < 3; ++i) {\n  f();\n}\n") == 2);
  CHECK(last("if (a) {\n} else if (b) {\n} else {\n}\nrest();") == 3);
  CHECK(last("do {\n} while (a);\nrest();") == 1);
  CHECK(last("Fd::Fd(int fd) : fd_{fd}, b_{2} {\n  g();\n}\nrest();") == 2);
  CHECK(last("run([&] {\n  f();\n});\nrest();") == 2);
  CHECK(last("auto text = R\"(\n}\n)\";\nrest();") == 2);
  CHECK(last("char c = '}'; int f() {\n}") == 0);
  CHECK_THROWS_AS(last("class A {\n"), text::Error);
  CHECK_THROWS_AS(last("  int x)\n;"), text::Error);
  CHECK(text::last_line_of("class A {\n  int f() {\n    return 1;\n  }\n};", 1) == 3);
}

TEST_CASE("a marker says what is shown") {
  auto excerpt = text::parse_marker(" excerpt a/b.hpp from \"say \\\"hi\\\"\"\n  to \"\\d \\\\\" ");
  REQUIRE(excerpt);
  CHECK(excerpt->file == "a/b.hpp");
  CHECK(excerpt->from == "say \"hi\"");
  CHECK(excerpt->to == "\\d \\");
  CHECK(excerpt->text == "excerpt a/b.hpp from \"say \\\"hi\\\"\" to \"\\d \\\\\"");

  auto diff = text::parse_marker(" diff ch04/a poll.hpp at \"epoll_wait\" ");
  REQUIRE(diff);
  CHECK(diff->stage == "ch04/a");
  CHECK(diff->file == "poll.hpp");
  CHECK(diff->at == "epoll_wait");

  auto run = text::parse_marker(
      " run ./a --exit 3 \n to \"x\" varies \"[0-9]+ reads\" varies \"b\"\n exit 2 any-order ");
  REQUIRE(run);
  CHECK(run->command == "./a --exit 3");
  CHECK(run->to == "x");
  CHECK(run->varies == Lines{"[0-9]+ reads", "b"});
  CHECK(run->exit == 2);
  CHECK(run->any_order);

  auto in_one_line = text::parse_marker("run ./a --from x to y varies \"a\" exit 2 to \"b\"");
  REQUIRE(in_one_line);
  CHECK(in_one_line->command == "./a --from x to y");
  CHECK(in_one_line->varies == Lines{"a"});
  CHECK(in_one_line->exit == 2);
  CHECK(in_one_line->to == "b");

  for (const char* command :
       {"false; exit 1", "true && exit 1", "echo 'a varies \"b\"' \" exit 1 \"", "echo \\\" varied",
        "exit now", "echo to 'b'"}) {
    auto whole = text::parse_marker(std::string("run ") + command);
    REQUIRE(whole);
    CHECK(whole->command == command);
  }

  CHECK_FALSE(text::parse_marker(" an ordinary comment "));
  CHECK_FALSE(text::parse_marker(" excerpts "));
}

TEST_CASE("a marker with a mistake says what should stand there") {
  CHECK(contains(error_of("excerpt"), "a file"));
  CHECK(contains(error_of("excerpt a.hpp from class"), "after from stands a text"));
  CHECK(contains(error_of("excerpt a.hpp from \"class"), "no closing quote"));
  CHECK(contains(error_of("excerpt a.hpp from \"\""), "is empty"));
  CHECK(contains(error_of("excerpt a.hpp to \"x\""), "needs a from"));
  CHECK(contains(error_of("excerpt a.hpp form \"x\""), "do not understand \"form"));
  CHECK(contains(error_of("diff"), "a stage"));
  CHECK(contains(error_of("diff ch04/a"), "a file of the stage"));
  CHECK(contains(error_of("diff ch04/a --stat x"), "do not understand \"x"));
  CHECK(contains(error_of("diff ch04/a x.hpp from \"a\""), "come together"));
  CHECK(contains(error_of("run"), "needs a command"));
  CHECK(contains(error_of("run a varies [0-9]+"), "after varies stands a text"));
  CHECK(contains(error_of("run a\nvaries \"(\""), "no regular expression"));
  CHECK(contains(error_of("run a\nexit one"), "no exit status"));
  CHECK(contains(error_of("run a\nsorted"), "do not understand \"sorted"));
}

TEST_CASE("markers in somebody else's fenced block, or in code, are left alone") {
  text::Page page = text::parse_page("a.md",
                                     "```\n<!-- excerpt a -->\n```\n"
                                     "~~~~ html\n```\n<!-- end -->\n~~~\n~~~~\n"
                                     "> ```\n> <!-- end -->\n> ```\n"
                                     "It ends with `<!-- end -->`, ``<!-- run ` -->``.\n"
                                     "<!-- just\n```\na comment -->\n");
  CHECK(page.problems.empty());
  CHECK(page.blocks.empty());
}

TEST_CASE("what would lose text, or leave a block unnoticed, is a mistake with its line") {
  struct Case {
    std::string content;
    std::size_t line;
    std::string what;
  };
  for (const Case& one : std::vector<Case>{
           {"\n<!-- excerpt a.hpp -->\ntext\n<!-- end -->\n", 3, "would overwrite this line"},
           {"<!-- excerpt a.hpp -->\n<!-- note -->\n<!-- end -->\n", 2, "overwrite this comment"},
           {"<!-- excerpt a.hpp -->\n```\n```\n```\n```\n<!-- end -->\n", 4, "only one fenced"},
           {"\n<!-- excerpt a.hpp -->\n", 2, "has no <!-- end -->"},
           {"<!-- excerpt a.hpp -->\n\n<!-- run a -->\n<!-- end -->\n", 3, "of line 1"},
           {"\n\n<!-- end -->\n", 3, "no marker before it"},
           {"See <!-- excerpt a.hpp -->\n", 1, "a marker begins its line"},
           {"    <!-- excerpt a.hpp -->\n", 1, "a marker begins its line"},
           {"<!-- excerpt a.hpp --> see\n<!-- end -->\n", 1, "nothing may follow"},
           {"<!-- excerpt a.hpp\n", 1, "comment is never closed"},
           {"a\n```cpp\n<!-- end -->\n", 2, "fence is never closed"},
           {"\n<!-- excerpt a.hpp whole -->\n<!-- end -->\n", 2, "do not understand"}}) {
    CAPTURE(one.content);
    text::Page page = text::parse_page("a.md", one.content);
    REQUIRE(page.problems.size() == 1);
    CHECK(page.problems[0].line == one.line);
    CAPTURE(page.problems[0].what);
    CHECK(contains(page.problems[0].what, one.what));
  }
}

TEST_CASE("a fence is longer than any in its content") {
  CHECK(text::fenced({"a"}, "cpp", "") == Lines{"```cpp", "a", "```"});
  CHECK(text::fenced({"```", "", "x ````"}, "text", "  ") ==
        Lines{"  `````text", "  ```", "", "  x ````", "  `````"});
}

TEST_CASE("headings get the anchors that GitHub gives them") {
  CHECK(text::heading_slug("What `epoll_wait` returns: 0, 1 or -1?") ==
        "what-epoll_wait-returns-0-1-or--1");
  CHECK(text::heading_slug("*Level* and **edge** – C++20’s [way](a.md#b)") ==
        "level-and-edge--c20s-way");
  CHECK(text::heading_slug("Über `Task<T>`, `_x_` & <b>_so_</b> on…") == "über-taskt-_x_--so-on");
  text::Page page = text::parse_page("a.md",
                                     "# Run it\n## Run it ##\n```\n# no heading\n```\n"
                                     "#hashtag\n<a id=\"here\"></a>\n");
  CHECK(text::anchors(page) == std::set<std::string>{"run-it", "run-it-1", "here"});
}

TEST_CASE("an excerpt is a whole file, a declaration, or the lines between two texts") {
  Scratch scratch;
  std::string file = "excerpt ch04-epoll-queue/a-epoll/queue.hpp";
  CHECK(contains(scratch.updated(file), "```cpp\n#pragma once\n\n// The queue.\n"));
  CHECK(scratch.updated(file + " from \"class Queue\"") ==
        "```cpp\nclass Queue {\n public:\n  void add(int fd) {\n    if (fd < 0) {\n      fail();\n"
        "    }\n  }\n};\n```\n");
  CHECK(scratch.updated(file + " from \"// The queue\"") ==
        "```cpp\n// The queue.\nclass Queue {\n public:\n  void add(int fd) {\n    if (fd < 0) {\n"
        "      fail();\n    }\n  }\n};\n```\n");
  // Moved left, as far as its first line stands in.
  CHECK(scratch.updated(file + " from \"if (fd\"") == "```cpp\nif (fd < 0) {\n  fail();\n}\n```\n");
  CHECK(scratch.updated(file + " from \"void add\" to \"fail\"") ==
        "```cpp\nvoid add(int fd) {\n  if (fd < 0) {\n    fail();\n```\n");
  CHECK(scratch.updated(file + " from \"void add\" to \"void add\"") ==
        "```cpp\nvoid add(int fd) {\n```\n");
  scratch.write("CMakeLists.txt", "project(x)\nadd(y)\n");
  CHECK(scratch.updated("excerpt CMakeLists.txt") == "```cmake\nproject(x)\nadd(y)\n```\n");
  scratch.write("notes.txt", "```\n\n\n");
  CHECK(scratch.updated("excerpt notes.txt") == "````text\n```\n````\n");
}

TEST_CASE("a diff shows the hunks that contain a text, or the lines between two") {
  Scratch scratch;
  CHECK(scratch.updated("diff ch04/a main.cpp at \"wait\"") ==
        "```diff\n--- ch03-syscalls/f-poll/main.cpp\n+++ ch04-epoll-queue/a-epoll/main.cpp\n@@\n"
        " int main() {\n   int a = 1;\n-  ask(a);\n+  wait(a);\n   return 0;\n }\n```\n");
  CHECK(scratch.updated("diff ch04/a-epoll main.cpp from \"-  ask\" to \"+  wait\"") ==
        "```diff\n--- ch03-syscalls/f-poll/main.cpp\n+++ ch04-epoll-queue/a-epoll/main.cpp\n@@\n"
        "-  ask(a);\n+  wait(a);\n```\n");
  CHECK(contains(scratch.updated("diff ch04/a queue.hpp"),
                 "--- /dev/null\n+++ ch04-epoll-queue/a-epoll/queue.hpp\n@@\n+#pragma once\n+\n"));
  CHECK(contains(scratch.updated("diff ch04/a scan.hpp"), "+++ /dev/null\n@@\n-void scan();\n"));
  CHECK(scratch.updated("diff ch04/a --stat") ==
        "```text\nmain.cpp      +1     -1\nqueue.hpp    +14     -0  new\n"
        "scan.hpp      +0     -1  gone\n3 files changed: 15 lines added, 2 removed\n```\n");
}

TEST_CASE("of several hunks only those with the text are shown, each under its function") {
  Scratch scratch;
  std::string filler;
  for (int i = 0; i < 10; ++i) filler += "  step(" + std::to_string(i) + ");\n";
  scratch.write(
      "ch03-syscalls/f-poll/main.cpp",
      "void f() {\n" + filler + "  old_f();\n}\nvoid g() {\n" + filler + "  old_g();\n}\n");
  scratch.write(
      "ch04-epoll-queue/a-epoll/main.cpp",
      "void f() {\n" + filler + "  new_f();\n}\nvoid g() {\n" + filler + "  new_g();\n}\n");
  std::string shown = scratch.updated("diff ch04/a main.cpp at \"new_g\"");
  CHECK(contains(shown, "@@ void g() {\n   step(7);\n   step(8);\n   step(9);\n-  old_g();\n"));
  CHECK_FALSE(contains(shown, "new_f"));
  CHECK(contains(scratch.updated("diff ch04/a main.cpp"), "@@ void f() {\n"));
}

TEST_CASE("diffs don't depend on how git is configured") {
  Scratch scratch;
  std::string filler;
  for (int i = 0; i < 10; ++i) filler += "  step(" + std::to_string(i) + ");\n";
  scratch.write("ch03-syscalls/f-poll/main.cpp", "void f() {\n" + filler + "  old_f();\n}\n");
  scratch.write("ch04-epoll-queue/a-epoll/main.cpp", "void f() {\n" + filler + "  new_f();\n}\n");
  CHECK(contains(scratch.updated("diff ch04/a main.cpp"), "@@ void f() {\n   step(7);\n"));

  process::Result made = process::run({{"git", "init", "-q", scratch.root()}});
  REQUIRE(made.exit.ok());
  scratch.write(".git/config", "[diff]\n context = 0\n");
  scratch.write(".gitattributes", "*.cpp diff=python\n");
  scratch.write("home/.gitconfig", "[diff]\n context = 1\n[color]\n ui = always\n");
  scratch.write("home/.config/git/attributes", "*.cpp diff=python\n");
  process::Result result = scratch.run("check", {},
                                       {{"HOME", scratch.root() / "home"},
                                        {"XDG_CONFIG_HOME", scratch.root() / "home/.config"},
                                        {"GIT_DIFF_OPTS", "--unified=0"},
                                        {"GIT_EXTERNAL_DIFF", "false"},
                                        {"GIT_CONFIG_COUNT", "1"},
                                        {"GIT_CONFIG_KEY_0", "diff.context"},
                                        {"GIT_CONFIG_VALUE_0", "0"}});
  CHECK(result.out == "text check: 1 block in 1 page: all as it should be\n");
}

TEST_CASE("a run shows its command and what it printed, errors in their place") {
  Scratch scratch;
  CHECK(scratch.updated(
            "run echo one; echo two >&2; printf 'three  \\n\\n'; pwd -P | grep -c course") ==
        "```console\n$ echo one; echo two >&2; printf 'three  \\n\\n'; pwd -P | grep -c course\n"
        "one\ntwo\nthree\n\n1\n```\n");
  CHECK(scratch.updated("run false\n exit 1") == "```console\n$ false\n```\n");
  CHECK(scratch.updated("run echo $LANG $LC_ALL $NO_COLOR $COLUMNS") ==
        "```console\n$ echo $LANG $LC_ALL $NO_COLOR $COLUMNS\nC.UTF-8 C.UTF-8 1\n```\n");
  CHECK(scratch.updated("run seq 9\n from \"3\" to \"5\"") ==
        "```console\n$ seq 9\n…\n3\n4\n5\n…\n```\n");
}

TEST_CASE("a run is new only where more differs than its marker allows") {
  Scratch scratch;
  auto script = [&](const std::string& output) {
    scratch.write("output", output);
    return scratch.run("check").exit.code;
  };
  scratch.write("output", "  0.12 s  read  127.0.0.1:4711\n17 empty reads of 5\nb\na\n");
  std::string first = scratch.updated("run cat output\n varies \"[0-9]+ empty reads\" any-order");
  CHECK(contains(first, "  0.12 s  read  127.0.0.1:4711\n17 empty reads of 5\nb\na\n"));

  CHECK(script(" 10.99 s  read  127.0.0.1:4712\na\nb\n3 empty reads of 5\n") == 0);
  CHECK(scratch.run("update").exit.ok());
  CHECK(contains(scratch.read("docs/page.md"), first));  // no churn

  CHECK(script("  0.12 s  read  127.0.0.1:4711\n17 empty reads of 6\nb\na\n") == 1);
  CHECK(script("  0.12 s  ready  127.0.0.1:4711\n17 empty reads of 5\nb\na\n") == 1);
  CHECK(script("  0.12 s  read  127.0.0.1:4711\n17 empty reads of 5\nb\na\na\n") == 1);
  CHECK(scratch.run("update").exit.ok());
  CHECK(contains(scratch.read("docs/page.md"), "b\na\na\n```\n"));
}

TEST_CASE("a timeline is the same where only its times and bars differ") {
  Scratch scratch;
  scratch.write("output",
                "  request-0   996 ms │██████\n  request-1  102 ms │██\n"
                "              0   200   400   996 ms\n2 requests, at most 2 at once, 996 ms\n");
  scratch.updated("run cat output");
  scratch.write("output",
                "  request-0    1.0 s │███████\n  request-1   98 ms │ █\n"
                "              0.0     0.5   1.0 s\n2 requests, at most 2 at once, 1.0 s\n");
  CHECK(scratch.run("check").exit.ok());
  scratch.write("output",
                "  request-0    1.0 s │███████\n  request-1   98 ms │ █\n"
                "              0.0     0.5   1.0 s\n2 requests, at most 1 at once, 1.0 s\n");
  CHECK(scratch.run("check").exit.code == 1);
}

TEST_CASE("what ./course says about building is no output") {
  Scratch scratch;
  CHECK(scratch.updated("run echo 'Building ch04/a ...' >&2; echo a; echo 'Building it'") ==
        "```console\n$ echo 'Building ch04/a ...' >&2; echo a; echo 'Building it'\n"
        "a\nBuilding it\n```\n");
}

TEST_CASE(
    "a changed command is drift, also where it differs by something that output may vary in") {
  Scratch scratch;
  scratch.updated("run true 127.0.0.1:1");
  std::string page = scratch.read("docs/page.md");
  scratch.write("docs/page.md", page.replace(page.find(":1 -->"), 2, ":2"));
  CHECK(scratch.run("check").exit.code == 1);
}

TEST_CASE("a command that stands in several markers is run once") {
  Scratch scratch;
  std::string marker = "<!-- run echo x >> count; wc -l < count -->\n<!-- end -->\n";
  scratch.write("docs/page.md", marker + marker);
  scratch.write("docs/other.md", marker);
  CHECK(scratch.run("update", {"--all"}).exit.ok());
  CHECK(scratch.read("count") == "x\n");
}

TEST_CASE("--no-runs leaves program output alone") {
  Scratch scratch;
  std::string page = "<!-- run echo x >> ran -->\n<!-- end -->\n";
  scratch.write("docs/page.md", page);
  CHECK(scratch.run("update", {"--no-runs"}).exit.ok());
  CHECK(scratch.run("check", {"--no-runs"}).exit.ok());
  CHECK(scratch.read("docs/page.md") == page);
  CHECK_FALSE(fs::exists(scratch.root() / "ran"));
}

TEST_CASE("a run that takes too long is ended with everything that it started") {
  Scratch scratch;
  text::Repository repository(scratch.root(), std::chrono::seconds(1));
  text::Marker marker = *text::parse_marker("run sleep 100 & echo $! > pid; wait");
  CHECK_THROWS_WITH_AS((void)repository.content(marker), "the command was stopped after 1 seconds",
                       text::Error);
  // "PID (sleep) S …"; Z is a dead process that nobody has asked after yet.
  std::string stat_file = "/proc/" + std::to_string(std::stoi(scratch.read("pid"))) + "/stat";
  CHECK(testing::eventually([&] {
    std::ifstream stat(stat_file);
    std::string pid, name, state = "gone";
    stat >> pid >> name >> state;
    return state == "gone" || state == "Z" || state == "X";
  }));
}

TEST_CASE("every mistake names its place, and the page stays as it is") {
  Scratch scratch;
  scratch.write("long.cpp", std::string(50, '\n'));
  std::string many;
  for (int i = 0; i < 41; ++i) many += "int i" + std::to_string(i) + ";\n";
  scratch.write("ch04-epoll-queue/a-epoll/many.hpp", many);
  scratch.write("ch03-syscalls/f-poll/same.hpp", "int same;\n");
  scratch.write("ch04-epoll-queue/a-epoll/same.hpp", "int same;\n");
  scratch.write("to", "");
  fs::create_symlink("/etc/passwd", scratch.root() / "link.txt");
  std::string queue = "excerpt ch04-epoll-queue/a-epoll/queue.hpp ";
  struct Case {
    std::string marker, what;
  };
  for (const Case& one : std::vector<Case>{
           {"excerpt nothing.hpp", "there is no file nothing.hpp"},
           {"excerpt docs", "there is no file docs"},
           {"excerpt ../x.hpp", "outside the repository"},
           {"excerpt /etc/passwd", "outside the repository"},
           {"excerpt link.txt", "outside the repository"},
           {queue + "from \"class Pool\"", "\"class Pool\" is nowhere in ch04-epoll-queue"},
           {queue + "from \"int twice(\"", "is in 2 lines of"},
           {queue + "from \"class Queue\" to \"pragma\"", "\"pragma\" is not in"},
           {queue + "from \"#pragma\"", "say where it ends"},
           {"excerpt ch04-epoll-queue/chapter.json from \"stages\"", "only for C++ declarations"},
           {"diff ch99/a main.cpp", "ch99"},
           {"diff ch04/b main.cpp", "no stage \"b\""},
           {"diff ch03/f main.cpp", "has no predecessor"},
           {"diff ch04/a nothing.cpp", "nothing.cpp is neither in"},
           {"diff ch04/a ../chapter.json", "outside the stage"},
           {"diff ch04/a same.hpp", "is the same in ch03-syscalls/f-poll"},
           {"diff ch04/a main.cpp at \"nowhere\"", "is nowhere in the diff of main.cpp"},
           {"diff ch04/a main.cpp from \"a\" to \"b\"", "lines of the diff of main.cpp"},
           {"diff ch04/a many.hpp", "shows 41 lines of the diff of many.hpp, and 40 are enough"},
           {"run echo so; echo what; exit 3", "exit status 3, not 0; its last line: what"},
           {"run true\n exit 1", "exit status 0, not 1"},
           {"run kill -9 $$", "was killed by SIGKILL"},
           {"run pwd -P", "elsewhere for everybody else"},
           {"run echo a\n from \"b\"", "\"b\" is not in the output"},
           {"run echo a\n from \"a\" to \"a\"", "is not in the output after the line with \"a\""},
           {"run true\n to \"b\"", "\"b\" is not in the output"}}) {
    CAPTURE(one.marker);
    // The first block is fine and out of date: it must not be written either.
    std::string page = "<!-- excerpt to -->\n<!-- end -->\n\n<!-- " + one.marker +
                       " -->\n```\nold\n```\n<!-- end -->\n";
    scratch.write("docs/page.md", page);
    for (const char* command : {"update", "check"}) {
      process::Result result = scratch.run(command);
      CAPTURE(result.out);
      CHECK(result.exit.code == 1);
      CHECK(contains(result.out, "docs/page.md:4: "));
      CHECK(contains(result.out, one.what));
      CHECK(scratch.read("docs/page.md") == page);
    }
  }
}

TEST_CASE("after an update the check passes, and another update changes no byte") {
  Scratch scratch;
  scratch.write("docs/page.md",
                "# Page\n\n<!-- diff ch04/a --stat -->\n```text\nold\n```\n<!-- end -->\n\n"
                "- An item\n\n"
                "  <!-- excerpt ch04-epoll-queue/a-epoll/queue.hpp from \"if (fd\" -->\n\n"
                "  <!-- end -->\n\n"
                "<!-- run printf '```\\n\\ta\\n' -->\n<!-- end -->\nText without a last newline");
  CHECK(scratch.run("check").exit.code == 1);
  CHECK(scratch.run("update").exit.ok());
  std::string once = scratch.read("docs/page.md");
  CHECK(contains(once, "  ```cpp\n  if (fd < 0) {\n    fail();\n  }\n  ```\n  <!-- end -->\n"));
  CHECK(contains(once, "\n````console\n"));
  process::Result checked = scratch.run("check");
  CHECK(checked.out == "text check: 3 blocks in 1 page: all as it should be\n");
  CHECK(checked.exit.ok());
  CHECK(scratch.run("update").exit.ok());
  CHECK(scratch.read("docs/page.md") == once);
  // Nothing is left beside the page.
  CHECK(std::distance(fs::directory_iterator(scratch.root() / "docs"), {}) == 1);
}

TEST_CASE("a changed source is drift, told with its place and the lines that differ") {
  Scratch scratch;
  scratch.updated("excerpt ch04-epoll-queue/a-epoll/main.cpp from \"int main\"");
  scratch.write("ch04-epoll-queue/a-epoll/main.cpp",
                "int main() {\n  int b = 1;\n  wait(b);\n  return 0;\n}\n");
  process::Result result = scratch.run("check");
  CHECK(result.exit.code == 1);
  CHECK(result.out ==
        "docs/page.md:1: has drifted: excerpt ch04-epoll-queue/a-epoll/main.cpp from \"int main\"\n"
        "    -   int a = 1;\n    -   wait(a);\n    +   int b = 1;\n    +   wait(b);\n"
        "text check: 1 block in 1 page: 1 drifted (text update writes them anew), 0 mistakes\n");
}

TEST_CASE("update keeps a page's permissions, and one page's mistake does not stop the others") {
  Scratch scratch;
  scratch.write("docs/page.md", "<!-- excerpt nowhere -->\n<!-- end -->\n");
  scratch.write("README.md", "<!-- excerpt to -->\n<!-- end -->\n");
  scratch.write("to", "x\n");
  fs::permissions(scratch.root() / "README.md", fs::perms{0604});
  CHECK(scratch.run("update", {"--all"}).exit.code == 1);
  CHECK(contains(scratch.read("README.md"), "```text\nx\n```\n"));
  CHECK(fs::status(scratch.root() / "README.md").permissions() == fs::perms{0604});
}

TEST_CASE("check follows links between pages, and to their headings") {
  Scratch scratch;
  scratch.write("docs/other.md", "# Over there\n## Over there\n");
  scratch.write("docs/a page.md", "");
  std::string good =
      "# Here\n\n[a](other.md), [b](other.md#over-there-1 \"title\"), [c](#here), "
      "[d](../ch04-epoll-queue/), [e](<a page.md>), [f](a%20page.md), ![g](https://x.test/y.png), "
      "[h](mailto:a@x.test), `[i](code.md)`, <a href=\"other.md\">j</a>, [k][l]\n\n"
      "[l]: other.md#over-there\n";
  scratch.write("docs/page.md", good);
  process::Result result = scratch.run("check");
  CHECK(result.out == "text check: 0 blocks in 1 page: all as it should be\n");

  struct Case {
    std::string link, what;
  };
  for (const Case& one :
       std::vector<Case>{{"[a](none.md)", "none.md leads nowhere: there is no docs/none.md"},
                         {"[a](other.md#over)", "leads to no heading of docs/other.md"},
                         {"[a](#there)", "leads to no heading of docs/page.md"},
                         {"[a](../../x.md)", "leads out of the repository"},
                         {"[a](/docs/other.md)", "make it relative"},
                         {"[a]()", "is empty"},
                         {"[a]: none.md", "leads nowhere"},
                         {"<img alt=\"a\" src=\"none.svg\">", "leads nowhere"}}) {
    CAPTURE(one.link);
    scratch.write("docs/page.md", "# Here\n\n" + one.link + "\n");
    result = scratch.run("check");
    CHECK(result.exit.code == 1);
    CAPTURE(result.out);
    CHECK(contains(result.out, "docs/page.md:3: the link "));
    CHECK(contains(result.out, one.what));
  }
}

TEST_CASE("check finds tabs and trailing blanks, but not in what the tool has written") {
  Scratch scratch;
  scratch.updated("run printf '\\ta\\n'");
  CHECK(scratch.run("check").exit.ok());
  scratch.write("docs/page.md", "a\n\tb\nc \n");
  process::Result result = scratch.run("check");
  CHECK(contains(result.out, "docs/page.md:2: a tab"));
  CHECK(contains(result.out, "docs/page.md:3: blanks at the end"));
  CHECK(result.exit.code == 1);
}

TEST_CASE("--all means every page but those in hidden folders, build folders and mine/") {
  Scratch scratch;
  for (const char* page : {"README.md", "docs/page.md", "ch04-epoll-queue/README.md",
                           "build/x/README.md", "mine/README.md", ".hidden/a.md", "out/b.md"})
    scratch.write(page, "broken \n");
  scratch.write("out/CMakeCache.txt", "");
  process::Result result = scratch.run("check", {"--all"});
  CHECK(contains(result.out, "0 blocks in 3 pages: 0 drifted"));
  CHECK(contains(result.out, "3 mistakes"));
}

TEST_CASE("wrong use ends with status 2") {
  Scratch scratch;
  CHECK(testing::run(TEXT_PROGRAM).exit.code == 2);
  CHECK(testing::run(TEXT_PROGRAM, {"check"}).exit.code == 2);
  CHECK(testing::run(TEXT_PROGRAM, {"check", "--everything"}).exit.code == 2);
  CHECK(testing::run(TEXT_PROGRAM, {"check", "/nowhere.md"}).exit.code == 2);
  scratch.write("docs/page.md", "");
  CHECK(scratch.run("check", {"--all", scratch.root() / "docs/page.md"}).exit.code == 2);
  CHECK(testing::run(TEXT_PROGRAM, {"--help"}).exit.code == 0);
}
