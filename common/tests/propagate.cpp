// propagate, as a program: on a small repository of four stages and an excursion, then on a copy of
// the real stages.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "process/child.hpp"
#include "testing/program.hpp"

namespace fs = std::filesystem;
using process::Result;
using Words = std::vector<std::string>;

namespace {

std::string content_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// What every error has to be: one line that says whose it is.
bool one_line(const std::string& err) {
  return err.starts_with("propagate: ") && err.find('\n') == err.size() - 1;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from, " is not in\n", text);
  return text.replace(at, from.size(), to);
}

// int one();
// int two();
// … to twenty
const Words numbers{"one",     "two",       "three",    "four",     "five",
                    "six",     "seven",     "eight",    "nine",     "ten",
                    "eleven",  "twelve",    "thirteen", "fourteen", "fifteen",
                    "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
std::string twenty_lines() {
  std::string text;
  for (const std::string& number : numbers) text += "int " + number + "();\n";
  return text;
}

// A course in a git repository:
//   ch01/a-one -> ch01/b-two -> ch02/a-three -> ch02/b-four, and ch02/a-three -> ch02/x-side
// same.hpp is the same in all. changed.hpp has another line 2 from ch02/a on, another line 10 in
// ch02/b, and another line 18 in ch02/x-side. Each stage's main.cpp is its own.
class Scratch {
 public:
  Scratch() {
    write("ch01-start/chapter.json", R"({ "chapter": "ch01", "title": "t", "stages": [
      { "name": "a-one", "title": "t" },
      { "name": "b-two", "title": "t", "predecessor": "ch01/a-one" } ] })");
    write("ch02-more/chapter.json", R"({ "chapter": "ch02", "title": "t", "stages": [
      { "name": "a-three", "title": "t", "predecessor": "ch01/b-two" },
      { "name": "b-four", "title": "t", "predecessor": "ch02/a" },
      { "name": "x-side", "title": "t", "predecessor": "ch02/a" } ] })");
    std::string changed = twenty_lines();
    for (const std::string& stage : stages) {
      if (stage == three) changed = replaced(changed, "int two()", "long two()");
      write(stage + "/main.cpp",
            "// Stage " + stage + "\n\nint main() { run(\"" + stage + "\"); }\n");
      write(stage + "/same.hpp", twenty_lines());
      std::string own = changed;
      if (stage == four) own = replaced(own, "int ten()", "long ten()");
      if (stage == side) own = replaced(own, "int eighteen()", "long eighteen()");
      write(stage + "/changed.hpp", own);
    }
  }

  static inline const std::string one = "ch01-start/a-one", two = "ch01-start/b-two",
                                  three = "ch02-more/a-three", four = "ch02-more/b-four",
                                  side = "ch02-more/x-side";
  static inline const Words stages{one, two, three, four, side};

  void write(const fs::path& file, const std::string& content) const {
    fs::create_directories((root() / file).parent_path());
    std::ofstream(root() / file, std::ios::binary) << content;
  }
  [[nodiscard]] std::string read(const fs::path& file) const { return content_of(root() / file); }
  [[nodiscard]] bool exists(const fs::path& file) const { return fs::exists(root() / file); }
  void edit(const fs::path& file, const std::string& from, const std::string& to) const {
    write(file, replaced(read(file), from, to));
  }
  [[nodiscard]] const fs::path& root() const { return folder_.path(); }

  void git(const Words& arguments) const {
    Words words{"git", "-c", "user.name=n", "-c", "user.email=e@example.org"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Result result = process::run(here(words));
    REQUIRE_MESSAGE(result.exit.ok(), result.err);
  }
  // All that there is, as the next revision.
  void commit() const {
    if (!exists(".git")) git({"init", "--quiet"});
    git({"add", "--all"});
    git({"commit", "--quiet", "--message", "m"});
  }

  [[nodiscard]] Result propagate(Words words) const {
    words.insert(words.begin(), {"--root", root()});
    Result result =
        process::run(here(testing::program(PROPAGATE_PROGRAM, words).arguments), testing::patience);
    CHECK(result.exit.signal == 0);
    return result;
  }
  // … and it must succeed.
  std::string carried(const Words& words) const {
    Result result = propagate(words);
    CHECK_MESSAGE(result.exit.code == 0, result.out, result.err);
    return result.out;
  }

  // All files, by their names.
  [[nodiscard]] std::map<std::string, std::string> snapshot() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root()))
      if (std::string name = entry.path().lexically_relative(root());
          entry.is_regular_file() && !name.starts_with(".git/"))
        files[name] = content_of(entry.path());
    return files;
  }

 private:
  // A command whose git can only find the repository that is here: neither the one that a hook of
  // git's runs this suite for, nor one that the folder for temporary files is in.
  [[nodiscard]] process::Command here(const Words& words) const {
    process::Command command{
        {"env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE"},
        {{"GIT_CEILING_DIRECTORIES", root().parent_path()},
         {"GIT_CONFIG_GLOBAL", "/dev/null"},
         {"GIT_CONFIG_NOSYSTEM", "1"}},
        root()};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    return command;
  }

  testing::TemporaryFolder folder_;
};

const std::string header =
    "Title: A wrong number\nFails: a case [assert]\nLearn: Look twice,\n  and again.\n\n";

// A mistake in one line of a file.
std::string mistake_in(const std::string& file, const std::string& line, const std::string& wrong) {
  return header + "In " + file + ":\n-" + line + "\n+" + wrong + "\n";
}

}  // namespace

// ---- Stages

TEST_CASE("identical copies stay identical, in every successor and in excursions") {
  Scratch course;
  course.commit();
  course.edit(Scratch::one + "/same.hpp", "int six();", "int six(int);");
  std::string out = course.carried({"ch01/a"});
  for (const std::string& stage : Scratch::stages)
    CHECK(course.read(stage + "/same.hpp") == course.read(Scratch::one + "/same.hpp"));
  CHECK(has(out, "edited in ch01/a since HEAD: same.hpp\n"));
  for (const std::string& stage : {Scratch::two, Scratch::three, Scratch::four, Scratch::side})
    CHECK(has(out, "  " + stage + "/same.hpp"));
  CHECK(has(out, "copied"));
  CHECK(has(out,
            "./course test ch01/a && ./course test ch01/b && ./course test ch02/a && ./course "
            "test ch02/b && ./course test ch02/x-side"));
  CHECK(has(out, "-L proof"));
  CHECK(has(out, "text-update"));
}

TEST_CASE("an edit is merged into copies that changed elsewhere, and leaves what they changed") {
  Scratch course;
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int six();", "int six(int);");
  auto before = course.snapshot();
  std::string out = course.carried({"ch01/a"});
  CHECK(has(out, "merged"));
  for (auto& [name, content] : before)
    if (name.ends_with("/changed.hpp") && !name.starts_with(Scratch::one))
      content = replaced(content, "int six();", "int six(int);");
  CHECK(course.snapshot() == before);  // and nothing else anywhere
}

TEST_CASE("edits in two files travel together, and stages before the edited one are left alone") {
  Scratch course;
  course.commit();
  course.edit(Scratch::two + "/changed.hpp", "int six();", "int six(int);");
  course.edit(Scratch::two + "/same.hpp", "int five();", "int five(int);");
  course.carried({"ch01/b"});
  for (const std::string& stage : {Scratch::three, Scratch::four, Scratch::side}) {
    CHECK(has(course.read(stage + "/changed.hpp"), "int six(int);"));
    CHECK(has(course.read(stage + "/same.hpp"), "int five(int);"));
  }
  CHECK(course.read(Scratch::one + "/same.hpp") == twenty_lines());
  CHECK(course.read(Scratch::one + "/changed.hpp") == twenty_lines());
}

TEST_CASE("running it a second time changes nothing, and says so") {
  Scratch course;
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int six();", "int six(int);");
  course.carried({"ch01/a"});
  auto after_once = course.snapshot();
  CHECK(has(course.carried({"ch01/a"}), "nothing to do: whatever is made from it has the edit"));
  CHECK(course.snapshot() == after_once);
}

TEST_CASE("a stage between that has the edit already does not keep it from the stages behind") {
  Scratch course;
  course.commit();
  for (const std::string& stage : {Scratch::one, Scratch::two, Scratch::three})
    course.edit(stage + "/changed.hpp", "int six();", "int six(int);");
  course.carried({"ch01/a"});
  CHECK(has(course.read(Scratch::four + "/changed.hpp"), "int six(int);"));
}

TEST_CASE("nothing was edited: it says so, and what it compared with") {
  Scratch course;
  course.commit();
  CHECK(course.carried({"ch01/a"}) == "nothing to do: ch01-start/a-one is as it was at HEAD\n");
}

TEST_CASE("--base names an older revision") {
  Scratch course;
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int six();", "int six(int);");
  course.commit();
  CHECK(has(course.carried({"ch01/a"}), "nothing to do"));
  CHECK(has(course.carried({"ch01/a", "--base", "HEAD~1"}), "edited in ch01/a since HEAD~1"));
  CHECK(has(course.read(Scratch::four + "/changed.hpp"), "int six(int);"));
}

TEST_CASE("an added file goes to all successors, also one that git does not know yet") {
  Scratch course;
  course.commit();
  course.write(Scratch::two + "/new.hpp", "int fresh();\n");
  std::string out = course.carried({"ch01/b"});
  for (const std::string& stage : {Scratch::three, Scratch::four, Scratch::side})
    CHECK(course.read(stage + "/new.hpp") == "int fresh();\n");
  CHECK_FALSE(course.exists(Scratch::one + "/new.hpp"));
  CHECK(has(out, "added"));
}

TEST_CASE("a deleted file goes where it was the same, and is a conflict where it was not") {
  Scratch course;
  course.commit();
  fs::remove(course.root() / Scratch::one / "same.hpp");
  CHECK(has(course.carried({"ch01/a"}), "deleted"));
  for (const std::string& stage : Scratch::stages) CHECK_FALSE(course.exists(stage + "/same.hpp"));

  course.commit();
  fs::remove(course.root() / Scratch::one / "changed.hpp");
  auto before = course.snapshot();
  Result result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out,
            "conflict in ch02-more/a-three/changed.hpp (ch02/a): ch01/b has deleted "
            "it"));
  CHECK(course.snapshot() == before);
}

TEST_CASE("an added file that a successor has by the same name is a conflict") {
  Scratch course;
  course.write(Scratch::three + "/new.hpp", "int mine();\n");
  course.commit();
  course.write(Scratch::one + "/new.hpp", "int fresh();\n");
  auto before = course.snapshot();
  Result result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "ch01/b has added another file of this name"));
  CHECK(has(result.out, "int mine();"));
  CHECK(course.snapshot() == before);
}

TEST_CASE("an edit ends at the stage that dropped the file: what comes back later is another one") {
  Scratch course;
  fs::remove(course.root() / Scratch::three / "same.hpp");
  course.commit();
  course.edit(Scratch::one + "/same.hpp", "int six();", "int six(int);");
  std::string out = course.carried({"ch01/a"});
  CHECK(has(course.read(Scratch::two + "/same.hpp"), "int six(int);"));
  CHECK(course.read(Scratch::four + "/same.hpp") == twenty_lines());
  CHECK(has(out, "note: ch02/a has no same.hpp"));
}

// ---- Conflicts

TEST_CASE("a conflict leaves everything as it was, and is shown with its place and both sides") {
  Scratch course;
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int two();", "int two(int);");
  course.edit(Scratch::one + "/same.hpp", "int five();", "int five(int);");
  auto before = course.snapshot();
  Result result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(course.snapshot() == before);
  CHECK(has(result.out, "conflict in ch02-more/a-three/changed.hpp (ch02/a)"));
  CHECK(has(result.out,
            "    <<<<<<< ch02/a-three\n    long two();\n    =======\n"
            "    int two(int);\n    >>>>>>> ch01/b-two, edited\n"));
  CHECK(has(result.out, "it goes no further: ch02/b, ch02/x-side\n"));
  CHECK(has(result.out, "1 conflict: nothing was written."));
  CHECK(has(result.out, "--write-conflicts"));
}

TEST_CASE(
    "--write-conflicts writes all else and the markers; mended, the edit goes on from there") {
  Scratch course;
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int two();", "int two(int);");
  course.edit(Scratch::one + "/same.hpp", "int five();", "int five(int);");
  Result result = course.propagate({"ch01/a", "--write-conflicts"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "mend the conflict in ch02-more/a-three/changed.hpp"));
  CHECK(has(result.out, "then propagate ch02/a\n"));
  CHECK(has(course.read(Scratch::two + "/changed.hpp"), "int two(int);"));
  CHECK(has(course.read(Scratch::four + "/same.hpp"), "int five(int);"));
  CHECK(has(course.read(Scratch::three + "/changed.hpp"), "<<<<<<< ch02/a-three\nlong two();\n"));
  CHECK_FALSE(has(course.read(Scratch::four + "/changed.hpp"), "<<<<<<<"));

  // Forgotten: neither the file's own edit is carried on, nor is anything merged into it.
  for (const char* stage : {"ch02/a", "ch01/a"}) {
    Result forgotten = course.propagate({stage});
    CHECK(forgotten.exit.code == 1);
    CHECK(one_line(forgotten.err));
    CHECK(has(forgotten.err, "ch02-more/a-three/changed.hpp has conflict markers"));
  }

  std::string mended = replaced(twenty_lines(), "int two();", "long two(int);");
  course.write(Scratch::three + "/changed.hpp", mended);
  course.carried({"ch02/a"});
  CHECK(course.read(Scratch::four + "/changed.hpp") ==
        replaced(mended, "int ten();", "long ten();"));
  CHECK(course.read(Scratch::side + "/changed.hpp") ==
        replaced(mended, "int eighteen();", "long eighteen();"));
}

// ---- Exercises

TEST_CASE("start/ and also-right/ follow: what was changed there stays, all else is merged") {
  Scratch course;
  // A stub without lines 8 to 13, and with a hint in their place; and another solution.
  std::string stub = twenty_lines();
  std::size_t begin = stub.find("int eight()"), end = stub.find("int fourteen()");
  stub.replace(begin, end - begin, "// Declare what is missing.\n");
  std::string start = "ch01-start/exercises/b-two/start/";
  course.write(start + "changed.hpp", stub);
  std::string right = "ch01-start/exercises/b-two/also-right/otherwise/same.hpp";
  course.write(right, replaced(twenty_lines(), "int nineteen()", "long nineteen()"));
  course.write("ch02-more/exercises/a-three/start/changed.hpp",
               replaced(stub, "int two()", "long two()"));
  course.write("mine/ch01-start/b-two/changed.hpp", twenty_lines());
  course.commit();

  course.edit(Scratch::two + "/changed.hpp", "int five();", "int five(int);");
  course.edit(Scratch::two + "/same.hpp", "int six();", "int six(int);");
  course.carried({"ch01/b"});
  CHECK(course.read(start + "changed.hpp") == replaced(stub, "int five();", "int five(int);"));
  CHECK(course.read(right) ==
        replaced(course.read(Scratch::two + "/same.hpp"), "int nineteen()", "long nineteen()"));
  CHECK(has(course.read("ch02-more/exercises/a-three/start/changed.hpp"), "int five(int);"));
  CHECK(course.read("mine/ch01-start/b-two/changed.hpp") == twenty_lines());
}

TEST_CASE("an edit in what the stub leaves to the reader leaves the stub as it is, with a note") {
  Scratch course;
  std::string stub = twenty_lines();
  std::size_t begin = stub.find("int eight()"), end = stub.find("int fourteen()");
  stub.replace(begin, end - begin, "// Declare what is missing.\n");
  std::string path = "ch01-start/exercises/b-two/start/changed.hpp";
  course.write(path, stub);
  course.commit();
  course.edit(Scratch::two + "/changed.hpp", "int twelve();", "int twelve(int);");
  course.edit(Scratch::two + "/changed.hpp", "int sixteen();", "int sixteen(int);");
  std::string out = course.carried({"ch01/b"});
  CHECK(course.read(path) == replaced(stub, "int sixteen();", "int sixteen(int);"));
  CHECK(has(out, "note: " + path + ":8: the edit is in what this file has not"));
}

TEST_CASE("an edit of a line that the stub has in other words is a conflict") {
  Scratch course;
  std::string path = "ch01-start/exercises/b-two/start/changed.hpp";
  std::string stub = twenty_lines();
  std::size_t begin = stub.find("int eight()"), end = stub.find("int ten()");
  stub.replace(begin, end - begin, "// Declare what is missing.\n");
  course.write(path, stub);
  course.commit();
  // Lines 9 and 10: the stub has only the second of them.
  course.edit(Scratch::two + "/changed.hpp", "int nine();\nint ten();", "int nine_or_ten();");
  auto before = course.snapshot();
  Result result = course.propagate({"ch01/b"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "conflict in " + path));
  CHECK(course.snapshot() == before);
}

TEST_CASE("a mistake is left alone, to the byte, wherever the edit has moved its lines") {
  Scratch course;
  std::string path = "ch01-start/exercises/b-two/mistakes/wrong.mistake";
  std::string mistake = mistake_in("changed.hpp", "int six();", "int wrong();");
  course.write(path, mistake);
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int five();\n", "int five(int);\nint half();\n");
  CHECK_FALSE(has(course.carried({"ch01/a"}), "wrong.mistake"));
  CHECK(course.read(path) == mistake);
}

TEST_CASE("an edit of the very line that a mistake replaces is a conflict, and names the mistake") {
  Scratch course;
  std::string path = "ch02-more/exercises/a-three/mistakes/wrong.mistake";
  course.write(path, mistake_in("changed.hpp", "int eight();", "int wrong();") +
                         "In same.hpp:\n-int one();\n");
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int eight();", "int eight(int);");
  auto before = course.snapshot();
  Result result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "conflict in " + path +
                            " (ch02/a): what it replaces stands nowhere in our changed.hpp"));
  CHECK(has(result.out, "int eight();\n"));
  CHECK(course.snapshot() == before);

  // It has no room for markers: it stays, and all else is written.
  result = course.propagate({"ch01/a", "--write-conflicts"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "mend by hand " + path));
  CHECK(course.read(path) == before.at(path));
  CHECK(has(course.read(Scratch::four + "/changed.hpp"), "int eight(int);"));
}

TEST_CASE("an edit that makes a mistake's line one of two is a conflict") {
  Scratch course;
  std::string path = "ch01-start/exercises/a-one/mistakes/wrong.mistake";
  course.write(path, mistake_in("changed.hpp", "int eight();", "int wrong();"));
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int twenty();", "int eight();");
  Result result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "what it replaces stands 2 times in our changed.hpp"));
}

TEST_CASE("a mistake that was mended by hand together with the stage is left alone") {
  Scratch course;
  std::string path = "ch01-start/exercises/a-one/mistakes/wrong.mistake";
  course.write(path, mistake_in("changed.hpp", "int eight();", "int wrong();"));
  course.commit();
  course.edit(Scratch::one + "/changed.hpp", "int eight();", "int eight(int);");
  course.edit(path, "-int eight();", "-int eight(int);");
  std::string mended = course.read(path);
  CHECK_FALSE(has(course.carried({"ch01/a"}), "wrong.mistake"));
  CHECK(course.read(path) == mended);
}

// ---- Wrong use

TEST_CASE("an unknown stage gets a suggestion, and an unknown revision is named") {
  Scratch course;
  course.commit();
  Result result = course.propagate({"ch02/a-tree"});
  CHECK(result.exit.code == 2);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "did you mean ch02/a-three?"));

  result = course.propagate({"ch01/a", "--base", "v9"});
  CHECK(result.exit.code == 2);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "git knows no revision \"v9\""));
}

TEST_CASE("a stage or --check, but not both and not neither") {
  Scratch course;
  CHECK(course.propagate({}).exit.code == 2);
  CHECK(course.propagate({"ch01/a", "--check"}).exit.code == 2);
  CHECK(course.propagate({"--check", "--write-conflicts"}).exit.code == 2);
  CHECK(course.propagate({"--help"}).exit.code == 0);
}

TEST_CASE("outside of a git repository it says in one line what is missing") {
  Scratch course;
  Result result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "is in no git repository"));

  course.git({"init", "--quiet"});  // no revision yet
  result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 2);
  CHECK(one_line(result.err));
}

TEST_CASE("it never writes through a link, which may lead out of the stages") {
  Scratch course;
  course.commit();
  course.write("mine/same.hpp", twenty_lines());
  fs::path link = course.root() / Scratch::two / "same.hpp";
  fs::remove(link);
  fs::create_symlink(course.root() / "mine/same.hpp", link);
  course.edit(Scratch::one + "/same.hpp", "int six();", "int six(int);");
  Result result = course.propagate({"ch01/a"});
  CHECK(result.exit.code == 1);
  CHECK(one_line(result.err));
  CHECK(has(result.err, "is not a regular file"));
  CHECK(course.read("mine/same.hpp") == twenty_lines());
}

// ---- Drift

TEST_CASE("--check finds nothing in stages that differ in code, and needs no git repository") {
  Scratch course;
  CHECK(course.carried({"--check"}) == "no drift in 5 stages\n");
}

TEST_CASE("--check finds a copy that differs only in comments or blank space") {
  for (const auto& [from, to] : std::map<std::string, std::string>{
           {"int six();", "int six();  // half a dozen"},
           {"int six();", "int  six( );"},
           {"int six();\n", "int six();\n\n"},
           {"int one();\n", "/* the first\n   of all */ int one();\n"},
           {"int one();\n", "// the first\nint one();\n"}}) {
    CAPTURE(to);
    Scratch course;
    course.edit(Scratch::side + "/same.hpp", from, to);
    Result result = course.propagate({"--check"});
    CHECK(result.exit.code == 1);
    CHECK(has(result.out,
              "ch02-more/x-side/same.hpp differs from that of ch02/a only in comments "
              "or blank space\n1 drifted place in 5 stages\n"));
  }
}

TEST_CASE("--check takes an #include, a string and the like for code") {
  for (const std::string code :
       {"#include <set>\n", "const char* s = \"// text\";\n", "#define X 1\n"}) {
    CAPTURE(code);
    Scratch course;
    course.write(Scratch::side + "/same.hpp", code + twenty_lines());
    CHECK(course.carried({"--check"}) == "no drift in 5 stages\n");
  }
}

TEST_CASE("--check lets main.cpp open with a comment of its own, but have no other") {
  Scratch course;
  std::string body = "\nint main() {\n  // why\n  return 0;\n}\n";
  course.write(Scratch::three + "/main.cpp", "// Stage three\n// and more\n" + body);
  course.write(Scratch::four + "/main.cpp", "// Stage four\n" + body);
  CHECK(course.carried({"--check"}) == "no drift in 5 stages\n");
  course.edit(Scratch::four + "/main.cpp", "// why", "// because");
  Result result = course.propagate({"--check"});
  CHECK(result.exit.code == 1);
  CHECK(has(result.out, "ch02-more/b-four/main.cpp differs from that of ch02/a"));
}

TEST_CASE("--check does not ask for the lines of what corofy has made") {
  Scratch course;
  auto corofied = [](const std::string& stage) { return stage + "/main_corofied.cpp"; };
  course.write(corofied(Scratch::one), "int six();\n");
  course.write(corofied(Scratch::two), "int sixth();\n");
  course.write(corofied(Scratch::three), "int six();\n");
  CHECK(course.carried({"--check"}) == "no drift in 5 stages\n");
}

TEST_CASE(
    "--check finds a line that only the stage in the middle has in other words, or not at all") {
  {
    Scratch course;
    course.edit(Scratch::two + "/same.hpp", "int six();", "int sixth();");
    Result result = course.propagate({"--check"});
    CHECK(result.exit.code == 1);
    CHECK(
        has(result.out, "ch01-start/b-two/same.hpp:6: ch01/a and ch02/a both have \"int six();\""));
    CHECK(has(result.out, "1 drifted place in"));
  }
  {
    Scratch course;
    course.edit(Scratch::two + "/same.hpp", "int six();\n", "");
    CHECK(has(course.propagate({"--check"}).out, "ch01-start/b-two/same.hpp:6: "));
  }
  {
    Scratch course;  // also across other differences of the same file, which move its lines
    course.edit(Scratch::three + "/changed.hpp", "int fifteen();", "int fifteenth();");
    course.edit(Scratch::four + "/changed.hpp", "int four();", "int four();\nint four_too();");
    Result result = course.propagate({"--check"});
    CHECK(has(result.out, "ch02-more/a-three/changed.hpp:15: "));
    CHECK(has(result.out, "1 drifted place in"));
  }
}

TEST_CASE(
    "--check lets a stage do without an #include, add a line for itself, and an excursion go "
    "back") {
  Scratch course;
  for (const std::string& stage : {Scratch::one, Scratch::three})
    course.write(stage + "/changed.hpp", "#include <set>\n" + course.read(stage + "/changed.hpp"));
  course.edit(Scratch::two + "/same.hpp", "int six();", "int six();\nint once();");
  course.edit(Scratch::side + "/changed.hpp", "long two();", "int two();");
  CHECK(course.carried({"--check"}) == "no drift in 5 stages\n");
}

TEST_CASE("--check warns of a start/ file that is no stub of the stage's file any more") {
  Scratch course;
  std::string start = "ch01-start/exercises/b-two/start/";
  course.write(start + "same.hpp", twenty_lines());
  course.write(start + "changed.hpp", "int one();\nint other();\nint third();\n\n\n\n");
  course.write(start + "extra.hpp", "int one();\n");
  std::string out = course.carried({"--check"});  // warnings are no failure
  CHECK(has(out, "warning: " + start + "changed.hpp: only 1 of its 3 lines"));
  CHECK(has(out, "warning: " + start + "extra.hpp: the stage has no file of this name"));
  CHECK_FALSE(has(out, start + "same.hpp"));
  CHECK(has(out, "no drift"));
}

// ---- The real stages

TEST_CASE("a comment of ch03/e's download.hpp arrives in ch03/f and ch04/a, and no mistake minds") {
  Scratch course;
  for (const char* chapter : {"ch01-start", "ch02-more"}) fs::remove_all(course.root() / chapter);
  for (const char* chapter : {"ch03-syscalls", "ch04-epoll-queue"})
    fs::copy(fs::path(COURSE_ROOT) / chapter, course.root() / chapter, fs::copy_options::recursive);
  course.commit();
  std::string e = "ch03-syscalls/e-nonblocking-io/download.hpp";
  std::string f = "ch03-syscalls/f-poll/download.hpp", a = "ch04-epoll-queue/a-epoll/download.hpp";
  auto before = course.snapshot();

  course.edit(e, "// A request in flight.\n", "// A request on its way.\n// And back.\n");
  course.carried({"ch03/e"});
  auto after = course.snapshot();
  CHECK((before[e] == before[f]) == (after[e] == after[f]));
  for (const std::string& file : {f, a}) {
    CHECK(has(after[file], "// A request on its way.\n// And back.\n"));
    CHECK(replaced(after[file], "// A request on its way.\n// And back.\n",
                   "// A request in flight.\n") == before[file]);
  }
  for (const auto& [name, content] : after)
    if (fs::path(name).filename() != "download.hpp") CHECK(content == before[name]);
}
