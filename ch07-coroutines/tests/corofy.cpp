// The suite of ch07/corofy, the tool. What the classes that it makes do when they are polled is
// checked where they are compiled (ch07/b, ch07/c, and the comparison with co_await).

#include "corofy.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parser.hpp"
#include "reader.hpp"
#include "refusal.hpp"
#include "simplify.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "token.hpp"
#include "while_condition.hpp"

namespace {

namespace fs = std::filesystem;

constexpr Options hoist{.hoist = true};
constexpr Options waker{.waker = true};
constexpr Options pin{.pin = true};

std::string made(std::string_view source, const Options& options = {}) {
  return corofy(source, "main.cpp", options);
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size()))
    ++found;
  return found;
}

// A source with the character ¤ in front of the token that is not supported.
struct Refused {
  std::string source;
  Position at;
};
Refused marked(std::string_view source) {
  const std::string_view mark = "¤";
  std::size_t found = source.find(mark);
  REQUIRE(found != std::string_view::npos);
  std::string_view before = source.substr(0, found);
  std::size_t line = before.rfind('\n');
  Position at{1 + static_cast<int>(count(before, "\n")),
              static_cast<int>(line == std::string_view::npos ? found : found - line - 1) + 1};
  return {std::string(before) + std::string(source.substr(found + mark.size())), at};
}

// Checks that it is refused there, for a reason with these words.
void check_refused(std::string_view source, std::string_view words, const Options& options = {}) {
  CAPTURE(source);
  Refused refused = marked(source);
  try {
    std::string text = made(refused.source, options);
    FAIL_CHECK("it was not refused, but became:\n" << text);
  } catch (const Refusal& refusal) {
    CHECK_MESSAGE(has(refusal.what(), words), "the reason: ", std::string(refusal.what()));
    CHECK(std::pair(refusal.at().line, refusal.at().column) ==
          std::pair(refused.at.line, refused.at.column));
  }
}
// The same for statements of a coroutine.
void check_refused_in_body(const std::string& statements, std::string_view words,
                           const Options& options = {}) {
  check_refused("coroutine int f(int p) {\n  " + statements + "\n}\n", words, options);
}

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
void write(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}
std::vector<std::string> files(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The program, with files in a folder of its own.
struct Program {
  testing::TemporaryFolder folder;

  [[nodiscard]] std::string path(const std::string& name) const { return folder.path() / name; }
  [[nodiscard]] process::Result run(const std::vector<std::string>& arguments) const {
    return testing::run(STAGE_PROGRAM, arguments);
  }
};

// ---- What a statement does: it is carried out here, without any class, by a script of answers.

class Performance {
 public:
  Performance(const Coroutine& coroutine, const Reader& reader,
              std::map<std::string, std::deque<bool>> answers)
      : coroutine_(coroutine), reader_(reader), answers_(std::move(answers)) {}

  // Each step on a line of its own: what is done, and what is waited for.
  std::vector<std::string> of(const Statement& statement) {
    try {
      End end = perform(statement);
      if (end == End::left) log_.emplace_back("break out of all");
      if (end == End::again) log_.emplace_back("continue out of all");
    } catch (const TooLong&) {
      log_.emplace_back("and so on");
    }
    return log_;
  }

 private:
  enum class End { reached, left, again, returned };
  struct TooLong {};

  void note(const std::string& step) {
    log_.push_back(step);
    if (log_.size() > 100) throw TooLong();
  }
  [[nodiscard]] std::string text(Range range) const {
    std::string result;
    for (std::size_t i = range.first; i < range.last; ++i) result += reader_.token(i).text;
    return result;
  }

  bool ask(const std::string& question) {
    note(question + "?");
    std::deque<bool>& answers = answers_[question];
    bool answer = !answers.empty() && answers.front();
    if (!answers.empty()) answers.pop_front();
    return answer;
  }
  // What no coroutine can be read as is noted, too: only a pass can have made it.
  bool test(const Statement& statement) {
    const std::string question = text(statement.expression.range);
    bool may_be_empty = statement.kind == Statement::Kind::loop && !statement.tests_last;
    bool result = true;
    if (statement.wait) {
      const std::string operand = text(coroutine_.waits[*statement.wait].operand.range);
      result = ask(operand);
      if (question != "wait" + operand) note("(and the expression of this test is another one)");
    } else if (question.empty() && !may_be_empty) {
      note("(an if or a do loop without an expression)");
    } else if (question == "false") {
      result = false;
    } else if (!question.empty() && question != "true") {
      result = ask(question);
    }
    return result != statement.negated;
  }

  End perform(const Statement& statement) {
    for (const Statement& one : statement.before)
      if (End end = perform(one); end != End::reached) return end;
    switch (statement.kind) {
      case Statement::Kind::break_statement:
        return End::left;
      case Statement::Kind::continue_statement:
        return End::again;
      case Statement::Kind::return_statement:
        note("return");
        return End::returned;
      case Statement::Kind::block:
        for (const Statement& part : statement.parts)
          if (End end = perform(part); end != End::reached) return end;
        return End::reached;
      case Statement::Kind::branch:
        if (test(statement)) return perform(statement.parts.at(0));
        return statement.parts.size() > 1 ? perform(statement.parts[1]) : End::reached;
      case Statement::Kind::loop:
        return loop(statement);
      case Statement::Kind::empty:
        return End::reached;
      default:
        note(text(statement.range));
        return End::reached;
    }
  }
  End loop(const Statement& statement) {
    if (statement.parts.size() != 1) note("(a loop with more than its body)");
    for (int rounds = 0;; ++rounds) {
      if (rounds > 100) throw TooLong();
      if (!statement.tests_last && !test(statement)) return End::reached;
      End end = perform(statement.parts.at(0));
      if (end == End::left) return End::reached;
      if (end == End::returned) return end;
      if (!statement.last.range.empty() && !statement.tests_last) note(text(statement.last.range));
      if (statement.tests_last && !test(statement)) return End::reached;
    }
  }

  const Coroutine& coroutine_;
  const Reader& reader_;
  std::map<std::string, std::deque<bool>> answers_;
  std::vector<std::string> log_;
};

using Answers = std::map<std::string, std::deque<bool>>;
using Steps = std::vector<std::string>;

// Does each wait in the condition of a loop stand in an if, or in a do loop?
bool is_simple(const Statement& statement) {
  if (statement.kind == Statement::Kind::loop && statement.wait && !statement.tests_last)
    return false;
  return std::all_of(statement.parts.begin(), statement.parts.end(), is_simple);
}

// How many statements say that they test, keep or return the result of this wait?
std::size_t users(const Statement& statement, std::size_t wait) {
  std::size_t found = statement.wait == wait ? 1 : 0;
  for (const Statement& one : statement.before) found += users(one, wait);
  for (const Statement& one : statement.parts) found += users(one, wait);
  return found;
}

// What the statements do before and after all passes, which has to be the same.
Steps steps(const std::string& statements, const Answers& answers) {
  const std::string source = "coroutine Unit f() {" + statements + "}";
  const std::vector<Token> tokens = tokenize(source);
  Reader reader(tokens);
  Coroutine coroutine = parse(reader).at(0);
  Steps before = Performance(coroutine, reader, answers).of(coroutine.body);
  simplify(coroutine.body);
  CHECK_MESSAGE(is_simple(coroutine.body), "a loop still waits in its condition");
  for (std::size_t i = 0; i < coroutine.waits.size(); ++i)
    CHECK_MESSAGE(users(coroutine.body, i) == 1, "a wait belongs to one statement");
  CHECK(Performance(coroutine, reader, answers).of(coroutine.body) == before);
  return before;
}

}  // namespace

// ---- The pass

TEST_CASE("a loop waits for its condition in each round, also before the first one") {
  CHECK(steps("while (wait more()) work();", {{"more()", {true, true, false}}}) ==
        Steps{"more()?", "work();", "more()?", "work();", "more()?"});
  CHECK(steps("while (wait more()) work(); rest();", {{"more()", {false}}}) ==
        Steps{"more()?", "rest();"});
}

TEST_CASE("a for loop keeps its other parts, where continue leads, too") {
  CHECK(steps("for (begin(); wait more(); next()) { if (odd) continue; work(); }",
              {{"more()", {true, true, false}}, {"odd", {true, false}}}) ==
        Steps{"begin();", "more()?", "odd?", "next()", "more()?", "odd?", "work();", "next()",
              "more()?"});
}

TEST_CASE("break and return in the body leave it as before") {
  CHECK(steps("while (wait more()) { if (last) break; work(); } rest();",
              {{"more()", {true, true}}, {"last", {false, true}}}) ==
        Steps{"more()?", "last?", "work();", "more()?", "last?", "rest();"});
  CHECK(steps("while (wait more()) { if (found) return; } rest();",
              {{"more()", {true}}, {"found", {true}}}) == Steps{"more()?", "found?", "return"});
}

TEST_CASE("loops in loops each have their own condition, and their own break") {
  CHECK(steps("while (wait rows()) { while (wait cells()) { if (last) break; cell(); } row(); }",
              {{"rows()", {true, true, false}},
               {"cells()", {true, true, false, true}},
               {"last", {false, false, true}}}) ==
        Steps{"rows()?", "cells()?", "last?", "cell();", "cells()?", "last?", "cell();", "cells()?",
              "row();", "rows()?", "cells()?", "last?", "row();", "rows()?"});
  CHECK(steps("while (wait a()) if (wait b()) while (wait c()) wait d();",
              {{"a()", {true, true, false}}, {"b()", {true, false}}, {"c()", {true, false}}}) ==
        Steps{"a()?", "b()?", "c()?", "waitd();", "c()?", "a()?", "b()?", "a()?"});
}

TEST_CASE("what it makes of a loop has all states, and the ways between them") {
  const std::string source =
      "coroutine Unit f() {\n"
      "  while (wait more()) {\n"
      "    wait step();\n"
      "  }\n"
      "  wait rest();\n"
      "}\n";
  CHECK(explain(source, Explanation::table, {}) ==
        "f()\n"
        "  state     line  waits for  may stop next in\n"
        "  start                      wait_1\n"
        "  wait_1    2     more()     wait_2, wait_3\n"
        "  wait_2    3     step()     wait_1\n"
        "  wait_3    5     rest()     resolved\n"
        "  resolved\n");
  CHECK(explain(source, Explanation::mermaid, {}) ==
        "%% f()\n"
        "stateDiagram-v2\n"
        "  [*] --> start\n"
        "  start --> wait_1\n"
        "  wait_1 : wait_1 (line 2), more()\n"
        "  wait_1 --> wait_2\n"
        "  wait_1 --> wait_3\n"
        "  wait_2 : wait_2 (line 3), step()\n"
        "  wait_2 --> wait_1\n"
        "  wait_3 : wait_3 (line 5), rest()\n"
        "  wait_3 --> resolved\n"
        "  resolved --> [*]\n");
  std::string text = made(source);
  for (const char* label :
       {"case State::wait_1: {", "case State::wait_2: {", "case State::wait_3: {"})
    CHECK(count(text, label) == 1);
  CHECK(count(text, ".emplace<State::wait_1>(more())") == 1);

  // No label may come into the scope of a variable, as the result of the wait before is one.
  text = made(
      "coroutine Unit f() {\n"
      "  int first = wait begin();\n"
      "  use(first);\n"
      "  while (wait more()) work();\n"
      "}\n");
  std::size_t first = text.find("case State::wait_1: {");
  std::size_t second = text.find("case State::wait_2: {");
  REQUIRE(second != std::string::npos);
  REQUIRE(first < second);
  std::string between = text.substr(first, second - first);
  CHECK_MESSAGE(count(between, "}") >= count(between, "{") - 1,
                "wait_2 stands in the braces of wait_1:\n", between);
  CHECK_MESSAGE(count(text, "break;") == 1, "the loop is never left:\n", text);

  // What an if declares in its head ends with the if: a second x did not compile.
  text = made("coroutine Unit f() {\n  if (auto x = wait g()) h(x);\n  int x = 2;\n  h(x);\n}\n");
  first = text.find("auto x = std::move(*ready);");
  second = text.find("int x = 2;", first);
  REQUIRE(second != std::string::npos);
  between = text.substr(first, second - first);
  CHECK_MESSAGE(count(between, "}") > count(between, "{"), text);
}

TEST_CASE("what a loop uses is kept for its next rounds") {
  check_refused_in_body("int n = 3;\n  while (wait more(¤n)) work();\n  return 0;",
                        "n has ended at the wait of line 3");
  std::string text =
      made("coroutine int f(int p) {\n  int n = 3;\n  while (wait more(n)) --n;\n  return n;\n}\n",
           hoist);
  CHECK(has(text, "int n_{};"));
  CHECK(has(text, "more(n_)"));
  text = made("coroutine Unit f() {\n  for (int i = 0; wait more(i); ++i) work(i);\n}\n", hoist);
  CHECK(has(text, "int i_{};"));
  CHECK(has(text, "more(i_)"));

  // What its body declares still ends with the body, and may be needed behind a wait in there.
  const std::string body =
      "while (wait more()) {\n    int n = g();\n    wait step();\n    use(¤n);\n  }\n  return 0;";
  check_refused_in_body(body, "n has ended at the wait of line 4");
  text = made(marked("coroutine int f(int p) {\n  " + body + "\n}\n").source, hoist);
  CHECK(has(text, "int n_{};"));
  CHECK(has(text, "use(n_)"));
}

// ---- What is refused

TEST_CASE("a wait stands where it is clear when it happens, and else is refused") {
  // It is a whole initializer, a whole right-hand side, a statement, a result or a condition.
  for (const char* statement : {"auto x = wait g();",
                                "int x(wait g());",
                                "int x{wait g()};",
                                "p = wait g();",
                                "p += wait g();",
                                "wait g();",
                                "return wait g();",
                                "if (wait g()) p = 1;",
                                "while (wait g()) p = 1;",
                                "do p = 1; while (wait g());",
                                "for (; wait g(); ++p) p = 1;",
                                "if (auto x = wait g(); x > p) p = x;",
                                "while (auto x = wait g()) p = x;",
                                "wait g().at(p)[0]->x;",
                                "wait f<int, 3>(p);",
                                "wait *p;",
                                "wait (Future<int>&)p;",
                                "wait x.template g<int>();",
                                "wait \"a\" \"b\"s;",
                                "wait new T;"}) {
    CAPTURE(statement);
    CHECK_NOTHROW(
        made("coroutine int f(int p) {" + std::string(statement) + " return 1; }", hoist));
  }
  // The word is one also in front of a name that begins with "::".
  for (const char* statement : {"wait ::g();", "auto x = wait ::a::g();", "if (wait ::g()) p = 1;"})
    CHECK(has(made("coroutine int f(int p) {" + std::string(statement) + " return 1; }"),
              "state_.emplace<State::wait_1>(::"));
  CHECK(has(made("coroutine int f() { return wait::g() + a::wait ::g; }"), "resolve(wait::g() + "));
  const char* reached = "a wait that is not always reached (&&, ||, ?:) is not supported";
  for (const char* statement :
       {"if (p && ¤wait g()) return 1;", "if (p || ¤wait g()) return 1;", "p = p ? ¤wait g() : 1;",
        "p = p ? 1 : ¤wait g();", "bool x = p and ¤wait g();", "bool x = p or ¤wait g();"})
    check_refused_in_body(statement, reached);
  for (const char* statement : {"if (wait g() ¤&& p) return 1;", "auto x = wait g() ¤|| p;",
                                "return wait g() ¤? 1 : 2;", "auto x = wait g() ¤and p;"})
    check_refused_in_body(statement, "a wait beside");
  for (const char* statement :
       {"h(¤wait g());", "h(1, ¤wait g());", "p = (¤wait g()) + 1;", "T x = {¤wait g()};",
        "a[¤wait g()] = 1;", "T x{1, ¤wait g()};", "return T{¤wait g()};"})
    check_refused_in_body(statement, "a wait in brackets, as an argument is, is not supported");
  for (const char* statement :
       {"p = 1 + ¤wait g();", "p = ¤wait g() + 1;", "throw ¤wait g();", "p = -¤wait g();",
        "if (¤wait g() == 1) return 1;", "delete ¤wait g();", "std::cout << ¤wait g();",
        "¤wait g(), p = 1;", "return ¤wait g() << 1;", "p = ¤wait q = 1;"})
    check_refused_in_body(statement, "a wait as a part of a larger expression");
  for (const char* statement :
       {"(¤wait g());", "p = (¤wait g());", "return (¤wait g());", "if ((¤wait g())) p = 1;",
        "if (!(¤wait g())) p = 1;", "while ((¤wait g())) p = 1;"})
    check_refused_in_body(statement, "a wait in brackets of its own is not supported; leave them");
  for (const char* statement :
       {"if (!¤wait g()) return 1;", "if (not ¤wait g()) return 1;", "return !¤wait g();"})
    check_refused_in_body(statement, "give the result a name first: auto x = wait …; and then !x");
  for (const char* statement :
       {"while (!¤wait g()) p = 1;", "do p = 1; while (!¤wait g());", "for (; !¤wait g();) p = 1;"})
    check_refused_in_body(statement, "in each round: auto x = wait …; if (x) break;");
  for (const char* statement :
       {"wait g()\n  ¤return 1;", "auto x = wait g()\n  ¤return x;", "p = wait g()\n  ¤h(p);",
        "wait g(1)[2]\n  ¤int x = 2;", "wait g<int>()\n  ¤wait h();", "wait T{}\n  ¤if (p) h();",
        "wait x\n  ¤p = 2;", "while (wait g() ¤h()) p = 1;"})
    check_refused_in_body(statement, "has ended in front of this; is a ; missing?");
  for (const char* statement :
       {"h()\n  ¤wait g();", "p = x\n  ¤wait g();", "h(a[0])\n  ¤wait g();"})
    check_refused_in_body(statement, "is a ; missing in front of it?");
  check_refused_in_body("wait g(¤wait h());", "a wait inside another one");
  check_refused_in_body("wait ¤wait g();", "a wait inside another one");
  check_refused_in_body("¤wait;", "what shall it wait for?");
  check_refused_in_body("return ¤wait;", "what shall it wait for?");
  check_refused_in_body("try { ¤wait g(); } catch (...) {}", "a wait in a try block");
  check_refused_in_body("try { g(); } catch (const E& e) { ¤wait g(); }",
                        "a wait in a catch block");
  check_refused_in_body("switch (¤wait g()) { case 1: break; }", "a wait in a switch");
  check_refused_in_body("switch (p) { case 1: ¤wait g(); }", "a wait in a switch");
  check_refused_in_body("switch (p) { case ¤wait g(): break; }", "a wait in a switch");
  check_refused_in_body("auto x = [] { ¤wait g(); };",
                        "a wait in a lambda is not supported; make it a coroutine");
  check_refused_in_body("auto x = [&] { return ¤wait g(); }();",
                        "a wait in a lambda is not supported; write what it does without");
  check_refused_in_body("wait ¤g([] { return 1; });", "a lambda in what is waited for");
  check_refused_in_body("h([&] { if (p) { return ¤wait g(); } });", "a wait in a lambda");
  check_refused_in_body("for (;; ¤wait g()) {}", "a wait in the third part of a for loop");
  check_refused_in_body("for (auto x : ¤wait g()) {}", "a wait in the head of a range-based for");
  check_refused_in_body("struct A { int x = ¤wait g(); };", "a wait in a class");
  check_refused_in_body("¤if constexpr (true) wait g();", "a wait in an if constexpr");
  check_refused_in_body("static int ¤x = wait g();", "what is static can't wait for its value");
  check_refused_in_body("auto& ¤x = wait g();", "a reference to a result");
}

TEST_CASE("what it could not be sure about is refused") {
  check_refused_in_body("¤goto end;", "goto and its labels are not supported");
  check_refused_in_body("¤end: return 1;", "goto and its labels are not supported");
  check_refused_in_body("p = 1;\n¤#if A\n  p = 2;\n#endif\n  return p;", "a preprocessor line");
  check_refused_in_body("wait g(1,\n¤#if A\n 2\n#endif\n);", "a preprocessor line");
  check_refused_in_body("struct A {\n¤#if B\n int x;\n#endif\n};", "a preprocessor line");
  check_refused("coroutine int f(int p,\n¤#if A\n int q\n#endif\n) { return 1; }",
                "a preprocessor line");
  check_refused_in_body("if ¤consteval { p = 1; }", "if consteval is not supported");
  check_refused_in_body("¤struct stat status;", "a variable is declared without the word struct");
  check_refused_in_body("¤enum Color color = red;", "a variable is declared without the word enum");
  check_refused_in_body("struct { int a; } ¤both;", "a variable is declared apart from its type");
  check_refused_in_body("¤alignas(64) int x = 1;", "alignas is not supported");
  check_refused_in_body("int ¤(*function)(int) = &g;",
                        "a declaration with brackets around its name");
  check_refused_in_body("void ¤(&function)() = g;", "a declaration with brackets around its name");
  check_refused_in_body("for (int i = 0; ¤auto x = g(i); ++i) wait h(x);",
                        "a declaration in the condition of a for loop");
  check_refused_in_body("¤co_await g();", "co_await is for the compiler's coroutines");
  check_refused_in_body("¤co_return 1;", "co_return is for the compiler's coroutines");
  check_refused_in_body("h([] { ¤co_yield 1; });", "co_yield is for the compiler's coroutines");
  check_refused_in_body("¤coroutine int g() { return 1; }", "a coroutine stands in a namespace");
  check_refused_in_body("int ¤coroutine = 1;", "the word coroutine can't be a name");

  std::string types = "auto a0 = g();";
  for (int i = 1; i < 60; ++i) {
    const std::string last = (i == 7 ? "¤a" : "a") + std::to_string(i - 1);
    types += " auto a" + std::to_string(i) + " = " + last + " + a" + std::to_string(i - 1) + ";";
  }
  check_refused_in_body(types + " wait h(a59);",
                        "the type of a6 follows from that of too many others");

  for (const char* name : {"poll", "Output", "state_", "Wait1", "each_2_", "end_34_"}) {
    check_refused_in_body("int ¤" + std::string(name) + " = 1; return 1;", "use another name");
    check_refused_in_body("return ¤" + std::string(name) + "(1);", "use another name");
    CHECK_NOTHROW(made("coroutine int f(A a) { return a." + std::string(name) + "; }"));
  }
  check_refused_in_body("int ¤waker = 1;", "use another name", waker);
  CHECK_NOTHROW(made("coroutine int f() { int waker = 1; return waker; }"));
}

TEST_CASE("a coroutine has a form that a class can take, and else is refused") {
  check_refused("coroutine ¤void f() { wait g(); }", "a coroutine without a result returns Unit");
  check_refused("coroutine ¤int& f() { return x; }", "a coroutine can't return a reference");
  check_refused("coroutine ¤auto f() { return 1; }", "a coroutine needs the type of its result");
  check_refused("coroutine ¤auto f() -> int { return 1; }", "here, in place of auto");
  for (const char* source :
       {"¤coroutine f(int p) { wait g(p); }",
        "static ¤coroutine f() {\n  if (p) {\n    auto x = wait a::g();\n  }\n}"})
    check_refused(source, "a coroutine needs the type of its result: coroutine Unit f(…)");
  check_refused("coroutine ¤static int f() { return 1; }", "static does not stand behind");
  check_refused("template <class T>\n¤coroutine T f(T x) { return x; }", "can't be a template");
  check_refused("coroutine int f(¤auto x) { return 1; }", "can't be a template");
  check_refused("[[nodiscard]] ¤coroutine int f() { return 1; }", "can't have attributes");
  check_refused("¤coroutine [[nodiscard]] int f() { return 1; }", "can't have attributes");
  check_refused("coroutine int f(¤[[maybe_unused]] int x) { return 1; }", "can't have attributes");
  check_refused("constexpr ¤coroutine int f() { return 1; }", "in front of a coroutine");
  check_refused("extern \"C\" ¤coroutine int f() { return 1; }", "in front of a coroutine");
  const char* place = "a coroutine stands in a namespace, not in a class or a function";
  check_refused("class A {\n public:\n  ¤coroutine int f() { return 1; }\n};", place);
  check_refused("void a() {\n  ¤coroutine int f() { return 1; }\n}", place);
  check_refused("coroutine int A¤::f() { return 1; }", place);
  check_refused("coroutine int f() ¤const { return 1; }", "comes the body of the coroutine");
  check_refused("coroutine int f() ¤-> int { return 1; }",
                "stands in front of the coroutine's name");
  check_refused("coroutine int f(int) ¤noexcept {\n  return 1;\n}", "can't be noexcept");
  check_refused("coroutine int f() ¤try { return 1; } catch (...) {}", "comes the body");
  check_refused("coroutine int f(¤T&& x) { return 1; }", "takes by value what it is to keep");
  check_refused("coroutine int f(int x¤[3]) { return 1; }", "is a type and a name");
  check_refused("coroutine int f(int ¤(*x)(int)) { return 1; }", "is a type and a name");
  check_refused("coroutine int f(int x, ¤...) { return 1; }", "a variable number of parameters");
  check_refused("coroutine int f(Types¤... x) { return 1; }", "a variable number of parameters");
  check_refused("coroutine int f(¤3) { return 1; }", "the type of a parameter");
  check_refused("coroutine int f() { ¤return; }", "this coroutine returns a value of type int");

  const char* recursion = "coroutine int ¤f(int n) { auto x = wait f(n - 1); return x; }";
  check_refused(recursion, "waits for itself");
  CHECK_NOTHROW(made(marked(recursion).source, pin));
  check_refused("coroutine int ¤f(int n);", "only with --pin");
  CHECK(has(made("coroutine int f(int n);", pin), "Pinned<int> f(int n);"));

  check_refused("coroutine int f() ¤{ return 1;", "this { is never closed");
  check_refused("coroutine int f¤( { return 1; }", "this ( is never closed");
  check_refused("coroutine int f() { wait g¤(1; }", "this ( is never closed");
  check_refused("coroutine int f() ¤{ if (x) { return 1; }", "this { is never closed");
  check_refused("coroutine int f() { return ¤1 }", "this statement does not end");
  check_refused("coroutine int f() { do {} ¤until(x); }", "there should be a while here");
  check_refused("int a; ¤/* coroutine", "this comment does not end");
  check_refused("auto a = ¤\"coroutine;\n", "this string does not end on its line");
  check_refused("auto a = ¤'c;\n", "this character does not end on its line");
  check_refused("auto a = ¤R\"x(coroutine)\";\n", "this raw string does not end");
  check_refused("coroutine int f() {\n  return 1;  // to be continued ¤\\\n}\n}\n",
                "a line that ends in a backslash can't stand in a coroutine");
}

TEST_CASE("what would not live to its next use is refused") {
  check_refused_in_body("int x = 1;\n  wait g();\n  return ¤x;",
                        "x has ended at the wait of line 3; with --hoist it is kept");
  check_refused_in_body("for (int i = 0; ¤i < 3; ++i) wait g();", "i has ended at the wait");
  check_refused_in_body("¤for (auto x : list) wait g(x);", "needs --hoist");
  check_refused_in_body("for (auto x : ¤list()) wait g(x);", "over something with a name", hoist);
  check_refused_in_body("int ¤x[3] = {};\n  wait g();\n  return x[0];", "an array; use std::array",
                        hoist);
  check_refused_in_body("auto [¤x, y] = g();\n  wait g();\n  return x;", "a structured binding",
                        hoist);
  check_refused_in_body("auto ¤x = [] { return 1; };\n  wait g();\n  return x();", "a lambda",
                        hoist);
  check_refused_in_body("static int ¤x = 1;\n  wait g();\n  return x;", "it is static", hoist);
  check_refused_in_body(
      "int x = 1;\n  {\n    int ¤x = 2;\n    wait g(x);\n    use(x);\n  }\n  return x;",
      "hides the x of line 2", hoist);
  check_refused_in_body("int ¤p = 2;\n  wait g(p);\n  return p;", "hides the p of line 1", hoist);
  check_refused_in_body("const auto& ¤x = h();\n  wait g();\n  return x;",
                        "a reference to something without a name", hoist);
  check_refused_in_body("const auto& ¤x = h();\n  wait g();\n  return x;", "; keep a value", hoist);
  check_refused_in_body("auto& ¤x = *h();\n  wait g();\n  return x;", "; keep a pointer", hoist);
  CHECK_NOTHROW(made("coroutine int f() { auto* x = &*h(); wait g(); return *x; }", hoist));
  check_refused_in_body("auto&& ¤x = h();\n  wait g();\n  return x;", "a reference", hoist);
  check_refused_in_body("const auto& ¤x = wait h();\n  wait g();\n  return x;", "a reference",
                        hoist);
}

// ---- The program

TEST_CASE("the program says file, line, column and reason, as compilers do") {
  Program program;
  write(program.path("a.cpp"), "int x;\ncoroutine void f() {}\n");
  process::Result result = program.run({program.path("a.cpp")});
  CHECK(result.exit.code == 1);
  CHECK(result.out.empty());
  CHECK(result.err == program.path("a.cpp") +
                          ":2:11: error: a coroutine without a result returns Unit\n"
                          "  coroutine void f() {}\n"
                          "            ^\n");
  CHECK(files(program.folder.path()) == std::vector<std::string>{"a.cpp"});

  result = program.run({"--explain", program.path("a.cpp")});
  CHECK(result.exit.code == 1);
  CHECK(result.out.empty());
  CHECK(has(result.err, ":2:11: error: "));
}

TEST_CASE("what was there before stays if a file is refused") {
  Program program;
  write(program.path("a.cpp"), "coroutine int f() {\n  int x = 1;\n  wait g();\n  return x;\n}\n");
  write(program.path("b.cpp"), "what was there before");
  process::Result result = program.run({program.path("a.cpp"), program.path("b.cpp")});
  CHECK(result.exit.code == 1);
  CHECK(has(result.err, "a.cpp:4:10: error: x has ended"));
  CHECK(read(program.path("b.cpp")) == "what was there before");
  CHECK(files(program.folder.path()) == std::vector<std::string>{"a.cpp", "b.cpp"});
}

TEST_CASE("a file that is written is complete, or as it was before") {
  Program program;
  const std::string source = "coroutine int f(int x) {\n  while (wait g());\n  return x;\n}\n";
  write(program.path("a.cpp"), source);
  REQUIRE(program.run({program.path("a.cpp")}).exit.ok());
  CHECK(read(program.path("a_corofied.cpp")) == corofy(source, "a.cpp", {}));
  CHECK(read(program.path("a.cpp")) == source);
  REQUIRE(
      program.run({"--name", "b/c.cpp", program.path("a.cpp"), program.path("a.hpp")}).exit.ok());
  CHECK(read(program.path("a.hpp")) == corofy(source, "b/c.cpp", {}));

  // What need not change keeps its time.
  struct stat before{}, after{};
  const std::string out = program.path("a_corofied.cpp");
  REQUIRE(::stat(out.c_str(), &before) == 0);
  REQUIRE(program.run({program.path("a.cpp")}).exit.ok());
  REQUIRE(::stat(out.c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
  CHECK(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);

  fs::create_symlink("target.cpp", program.path("link.cpp"));
  write(program.path("target.cpp"), "old");
  REQUIRE(program.run({program.path("a.cpp"), program.path("link.cpp")}).exit.ok());
  CHECK(fs::is_symlink(program.path("link.cpp")));
  CHECK(read(program.path("target.cpp")) == corofy(source, "a.cpp", {}));
  CHECK(files(program.folder.path()) ==
        std::vector<std::string>{"a.cpp", "a.hpp", "a_corofied.cpp", "link.cpp", "target.cpp"});
}

TEST_CASE("a file that can't be read or written is an error in one line") {
  Program program;
  const std::string source = "coroutine int f() { return 1; }\n";
  write(program.path("a.cpp"), source);
  auto check = [&](const std::vector<std::string>& arguments, const std::string& words) {
    CAPTURE(words);
    process::Result result = program.run(arguments);
    CHECK(result.exit.code == 1);
    CHECK(result.out.empty());
    CHECK_MESSAGE(has(result.err, words), result.err);
    CHECK(count(result.err, "\n") == 1);
    CHECK(files(program.folder.path()) == std::vector<std::string>{"a.cpp"});
  };
  check({program.path("b.cpp")}, "cannot read " + program.path("b.cpp") + ": No such file");
  check({program.folder.path()},
        "cannot read " + program.folder.path().string() + ": Is a directory");
  check({program.path("a.cpp"), program.path("no/b.cpp")},
        "cannot write " + program.path("no/b.cpp") + ": No such file");
  check({program.path("a.cpp"), program.folder.path()}, ": Is a directory");
  check({program.path("a.cpp"), "/dev/full"}, "cannot write /dev/full: No space left");
  check({"--check", program.path("a.cpp")}, "cannot read " + program.path("a_corofied.cpp"));
}

TEST_CASE("what the command line can't mean is an error, and changes nothing") {
  Program program;
  const std::string source = "coroutine int f() { return 1; }\n";
  write(program.path("a.cpp"), source);
  fs::create_symlink(program.path("a.cpp"), program.path("b.cpp"));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--no-such-option", program.path("a.cpp")},
        {program.path("a.cpp"), program.path("c.cpp"), program.path("d.cpp")},
        {program.path("a.cpp"), program.path("a.cpp")},
        {program.path("a.cpp"), program.path("b.cpp")},
        {"--explain=nonsense", program.path("a.cpp")}}) {
    process::Result result = program.run(arguments);
    CHECK(result.exit.code > 1);
    CHECK(result.out.empty());
    CHECK_FALSE(result.err.empty());
    CHECK(read(program.path("a.cpp")) == source);
    CHECK(files(program.folder.path()) == std::vector<std::string>{"a.cpp", "b.cpp"});
  }
  CHECK(has(program.run({program.path("a.cpp"), program.path("a.cpp")}).err, "OUT is IN"));
}

TEST_CASE("--check says whether OUT is what it should be") {
  Program program;
  const std::string in = program.path("a.cpp"), out = program.path("a_corofied.cpp");
  write(in, "coroutine int f() {\n  while (wait g()) h();\n  return 1;\n}\n");
  REQUIRE(program.run({in}).exit.ok());
  CHECK(program.run({"--check", in}).exit.ok());
  CHECK(program.run({"--check", "--waker", in}).exit.code == 1);
  write(out, read(out) + "\n");
  process::Result result = program.run({"--check", in, out});
  CHECK(result.exit.code == 1);
  CHECK(has(result.err, out + " is not what " + in + " becomes"));
}

// ---- What is left alone

TEST_CASE("a file without coroutines comes out byte for byte") {
  for (const std::string source :
       {"",
        "\n",
        "\r\n",
        "int x;",
        "\xef\xbb\xbfint x;\r\n",
        "// coroutine int f() { wait x; }\n",
        "/* coroutine int f() { */ int x;\n",
        "auto s = \"coroutine int f() { wait x; }\";\n",
        "auto s = R\"(\ncoroutine int f() { wait x; }\n)\";\n",
        "auto s = u8R\"x(\")\ncoroutine int f() {)x\";\n",
        "int c = 'coroutine';\n",
        "#define coroutine int f() { \\\ncoroutine int f() {\n",
        "#define WAIT \\\n  coroutine int f() {}\n",
        "int coroutine = 1, wait = 2;\nint coroutine_wait = coroutine(wait) + wait(coroutine);\n",
        "void f() { x.wait(); x->wait; ns::wait(1); wait(&status); wait x; }\n",
        "struct coroutine { coroutine(int); void wait(); };\ncoroutine x(1);\ncoroutine *y;\n",
        "coroutine f() { return {}; }\ncoroutine g(int wait) { return wait; }\n",
        "coroutine f() { wait w; w.reset(); co_await w; }\ncoroutine f(int) {",
        "coroutine f() { wait w(1); co_return; }\ncoroutine f() { pid = wait(&status); }\n",
        "coroutine f(\n",
        "std::coroutine int_f();\ncoroutines int f();\nmycoroutine int f() {\n",
        "#if 0\nan apostrophe: it's\n#endif\n#error it's here\n",
        "int x = 1'000'000; // it's\n",
        "x = y \\\n + z;\n// continued \\\ncoroutine int f() { wait x; }\nint last",
        "} ) ] (\n"}) {
    CAPTURE(source);
    for (Options options : {Options{}, hoist, waker, pin}) CHECK(made(source, options) == source);
    CHECK(explain(source, Explanation::table, {}).empty());
  }
}

TEST_CASE("words in a coroutine that only look like wait are left alone") {
  const std::string body =
      "  x.wait(\"wait g()\");  // wait for it\n"
      "  y->wait = ns::wait(1) + waiting + R\"(wait)\" + 'w';  /* wait */\n";
  std::string text = made("coroutine Unit f(X x, Y y) {\n" + body + "}\n");
  CHECK(has(text, "x_.wait(\"wait g()\");"));
  CHECK(has(text, "y_->wait = ns::wait(1) + waiting + R\"(wait)\" + 'w';"));
  CHECK(has(text, "enum : std::size_t { start, resolved };"));
}

TEST_CASE("all but the coroutines stays as it is, with its line ends") {
  const std::string before =
      "#pragma once\n"
      "#include \"future.hpp\"\n"
      "\tint  odd ( ) ;   // trailing blanks   \n"
      "namespace a { inline namespace b { namespace {\n"
      "/* one */ ";
  const std::string coroutine =
      "static inline coroutine int f(int x = 1, std::map<int, int> m = {}) {\n"
      "  while (wait g(R\"(a\nb)\")) {\n"
      "    // why\n"
      "    h();\n"
      "  }\n"
      "  return x;\n"
      "}";
  const std::string after = " /* two */\n\n}}}\nauto raw = R\"(a\nb)\";\nint last";
  auto lines_of = [](std::string text, bool carriage_returns) {
    for (std::size_t at = 0; carriage_returns && (at = text.find('\n', at)) != std::string::npos;
         at += 2)
      text.insert(at, "\r");
    return text;
  };
  for (bool carriage_returns : {false, true}) {
    for (const std::string mark : {"", "\xef\xbb\xbf"}) {
      CAPTURE(carriage_returns);
      std::string text =
          made(mark + lines_of(before + coroutine + after, carriage_returns), Options{});
      CHECK(text.starts_with(mark + "// Made by corofy of main.cpp: "));
      CHECK(
          text.ends_with("F f("
                         "int x = 1, std::map<int, int> m = {}) { return F(x, std::move(m)); }" +
                         lines_of(after, carriage_returns)));
      CHECK(
          has(text, lines_of("#include \"future.hpp\"\n\tint  odd ( ) ;   // trailing blanks   \n"
                             "namespace a { inline namespace b { namespace {\n/* one */ // static",
                             carriage_returns)));
      CHECK(has(text, lines_of("//   while (wait g(R\"(a\n// b)\")) {\n", carriage_returns)));
      CHECK(count(text, "\r\n") == (carriage_returns ? count(text, "\n") : 0));
      CHECK(count(text, "\r") == count(text, "\r\n"));
      CHECK(has(text, "static inline F f("));
    }
  }
  // Both kinds of line ends in one file stay where they are.
  std::string text = made("int a;\nint b;\r\n" + coroutine + "\nint c;\r\n");
  CHECK(has(text, "int a;\nint b;\r\n//"));
  CHECK(text.ends_with("}\nint c;\r\n"));
}

TEST_CASE("headers are included once, in their order, where they are always seen") {
  const std::string coroutine = "\ncoroutine int f() {\n  while (wait g());\n  return 1;\n}\n";
  CHECK(has(made("#include <unistd.h>\n\n#include <algorithm>\n#include <string>  // why\n"
                 "#include <utility>\n\n#include \"future.hpp\"\n" +
                 coroutine),
            "#include <unistd.h>\n\n#include <algorithm>\n#include <cstddef>\n#include <optional>\n"
            "#include <stdexcept>\n#include <string>  // why\n#include <type_traits>\n"
            "#include <utility>\n#include <variant>\n\n#include \"future.hpp\"\n"));
  CHECK(has(made("#pragma once\n// A header.\n\n#include \"future.hpp\"\n" + coroutine),
            "#pragma once\n// A header.\n\n#include <cstddef>\n#include <optional>\n#include "
            "<stdexcept>\n"
            "#include <type_traits>\n#include <utility>\n#include <variant>\n\n#include "
            "\"future.hpp\"\n"));
  // What is in an #if may not be seen; but for the one around a whole header.
  CHECK(has(made("#ifndef A_HPP\n#define A_HPP\n#ifdef OLD\n#include <optional>\n#endif\n"
                 "#include <vector>\n" +
                 coroutine + "#endif\n"),
            "#ifdef OLD\n#include <optional>\n#endif\n#include <cstddef>\n#include <optional>\n"
            "#include <stdexcept>\n#include <type_traits>\n#include <utility>\n#include <variant>\n"
            "#include <vector>\n"));
  std::string each = made(
      "#include <vector>\ncoroutine int f(std::vector<int> all) {\n"
      "  for (int one : all) wait g(one);\n  return 1;\n}\n",
      hoist);
  CHECK(count(each, "#include <iterator>\n") == 1);
  for (const std::string& text :
       {each, made("#include <variant>\n#include <cstddef>\n" + coroutine)})
    for (const char* header : {"<cstddef>", "<optional>", "<utility>", "<variant>"})
      CHECK(count(text, "#include " + std::string(header)) == 1);
}

TEST_CASE("names that the class has for itself make way for the user's") {
  std::string text = made(
      "int HelloWorld;\n"
      "coroutine int hello_world(int State, int ready) {\n"
      "  while (wait resume(State, ready)) finish(resolve, test);\n"
      "  return Start + Resolved;\n"
      "}\n"
      "coroutine int f(int x) { return x; }\n"
      "namespace a { coroutine int f(int x_) { int x = 1; return x + x_; } }\n");
  CHECK(has(text, "class HelloWorldCoroutine final : public Future<int> {"));
  CHECK(has(text, "class F final"));
  CHECK(has(text, "class FCoroutine final"));
  CHECK(has(text, "struct State2 {"));
  CHECK(has(text, "case State2::wait_1: {"));
  CHECK(has(text, "auto ready2 = std::get"));
  CHECK(has(text, "finish(resolve, test);"));
  CHECK(has(text, "resolve2("));
  CHECK(has(text, "bool test2 = false;"));
  CHECK(has(text, "struct Start2 {};"));
  CHECK(has(text, "resolve(x + x_2_)"));
}

// ---- What comes out

namespace {

const char* const example =
    "#include <optional>\n"
    "\n"
    "#include \"future.hpp\"\n"
    "\n"
    "coroutine int sum(Source& source, std::string name) {\n"
    "  int sum = 0;\n"
    "  while (sum < 10) {\n"
    "    std::string line = wait source.next(name);\n"
    "    if (line.empty()) break;\n"
    "    sum += std::stoi(line);\n"
    "  }\n"
    "  return sum;\n"
    "}\n";

}  // namespace

TEST_CASE("a small coroutine becomes the class that a person would write") {
  CHECK(made(example, hoist) ==
        R"(// Made by corofy of main.cpp: change that file, and run corofy again.

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include "future.hpp"

// coroutine int sum(Source& source, std::string name) {
//   int sum = 0;
//   while (sum < 10) {
//     std::string line = wait source.next(name);
//     if (line.empty()) break;
//     sum += std::stoi(line);
//   }
//   return sum;
// }
class Sum final : public Future<int> {
 public:
  Sum(Source& source, std::string name) : source_(source), name_(std::move(name)) {}

  PollState<int> poll() override try {
    switch (state_.index()) {
      case State::start: {
        sum_ = 0;
      }
        while (sum_ < 10) {
          state_.emplace<State::wait_1>(source_.next(name_));
          [[fallthrough]];
          case State::wait_1: {
            auto ready = std::get<State::wait_1>(state_).poll();
            if (!ready) return std::nullopt;
            std::string line = std::move(*ready);
            state_.emplace<State::resolved>();
            if (line.empty()) break;
            sum_ += std::stoi(line);
          }
        }
        return resolve(sum_);
    }
    throw std::logic_error("sum(): polled after it was ready");
  } catch (...) {
    state_.emplace<State::resolved>();
    throw;
  }

 private:
  struct State {
    enum : std::size_t { start, wait_1, resolved };
  };

  PollState<int> resolve(int value) {
    state_.emplace<State::resolved>();
    return value;
  }

  Source& source_;
  std::string name_;
  int sum_{};
  using Wait1 = std::decay_t<decltype(source_.next(name_))>;
  struct Start {};
  struct Resolved {};
  std::variant<Start, Wait1, Resolved> state_;
};

Sum sum(Source& source, std::string name) { return Sum(source, std::move(name)); }
)");
}

TEST_CASE("the formatter has nothing to change") {
  Program program;
  bool first = true;
  for (Options options : {hoist, Options{true, true, false}, Options{true, true, true}}) {
    const std::string file = program.path("a.cpp");
    std::string text = made(std::string(example) + "\n" +
                                "coroutine Unit skip(Source& source) {\n"
                                "  for (int i = 0; wait source.more(i); ++i) {\n"
                                "    std::string line = wait source.next(\"a name\");\n"
                                "    while (wait source.find(line)) wait source.remove(line);\n"
                                "  }\n"
                                "}\n",
                            options);
    write(file, text);
    try {
      process::Result result = process::run({{"clang-format-19", "--dry-run", "-Werror",
                                              "--style={BasedOnStyle: Google, ColumnLimit: 100, "
                                              "DerivePointerAlignment: false}",
                                              file}},
                                            testing::patience);
      CHECK_MESSAGE(result.exit.ok(), result.err);
    } catch (const std::system_error&) {
      if (first) MESSAGE("clang-format-19 is not installed, so this is not checked");
    }
    first = false;
  }
}

// ---- Any size

namespace {

double processor_seconds() {
  struct rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

std::string many_coroutines(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i)
    text += "coroutine int f_" + std::to_string(i) +
            "(Source& source) {\n  int sum = 0;\n  while (wait source.more()) {\n"
            "    auto next = wait source.next(sum, \"a string\");\n    sum += next;\n  }\n"
            "  return sum;\n}\n\n";
  return text;
}
std::string huge_coroutine(std::size_t bytes) {
  std::string text = "coroutine int f(Source& source) {\n  int sum = 0;\n";
  for (int i = 0; text.size() < bytes; ++i) {
    std::string number = std::to_string(i);
    text += "  std::string s" + number + " = wait source.next(sum);\n  while (wait source.more(s" +
            number + ")) {\n    sum += " + number + ";\n    wait source.skip();\n  }\n";
  }
  return text + "  return sum;\n}\n";
}
std::string same_names(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "coroutine Unit f() { while (wait g()) h(); }\n";
  return text;
}
std::string many_blocks(std::size_t bytes) {
  std::string text = "coroutine Unit f(Source& source) {\n";
  while (text.size() < bytes)
    text += "  if (p) {\n    std::string s = g();\n    if (p) {\n      wait h(s);\n    }\n  }\n";
  return text + "}\n";
}
std::string operators(std::size_t bytes) {
  std::string text = "coroutine Unit f() {\n  while (wait g()) a = a";
  while (text.size() < bytes) text += " < a + [a]";
  return text + ";\n}\n";
}
std::string long_expression(std::size_t bytes) {
  std::string text = "coroutine int f(int a, int b) {\n  while (wait g()) a = 1";
  while (text.size() < bytes) text += " + [a] { return a < 1; }() * a < b";
  return text + ";\n  return a;\n}\n";
}

}  // namespace

TEST_CASE("four times as much takes about four times as long") {
  using Input = std::string (*)(std::size_t);
  for (Input input : {Input(many_coroutines), Input(huge_coroutine), Input(long_expression),
                      Input(same_names), Input(many_blocks), Input(operators)}) {
    constexpr std::size_t bytes = 10'000;
    double seconds[2] = {};
    for (std::size_t i = 0; i < 2; ++i) {
      std::string source = input(bytes * (i == 0 ? 1 : 4));
      double begin = processor_seconds();
      std::string text = made(source, input == Input(many_blocks) ? Options{} : hoist);
      seconds[i] = processor_seconds() - begin;
      CHECK(text.size() > source.size());
    }
    // In proportion it would be 4, and 16 if each part looked at all others.
    CHECK_MESSAGE(seconds[1] < 10 * seconds[0] + 0.05,
                  seconds[0] << " s, then " << seconds[1] << " s");
  }
}

TEST_CASE("what is nested too deeply is refused, and nothing breaks") {
  auto nested = [](const std::string& open, const std::string& close, int depth) {
    std::string text = "coroutine int f(int p) { ";
    for (int i = 0; i < depth; ++i) text += open;
    text += "wait g();";
    for (int i = 0; i < depth; ++i) text += close;
    return text + " return p; }";
  };
  for (auto [open, close] : {std::pair("{", "}"),
                             {"if (p) ", ""},
                             {"while (wait h()) {", "}"},
                             {"do { ", "} while (wait h());"},
                             {"if (p) {} else ", ""}}) {
    CAPTURE(open);
    CHECK_NOTHROW(made(nested(open, close, 50), hoist));
    CHECK_THROWS_AS(made(nested(open, close, 20'000), hoist), Refusal);
  }
  std::string lambdas = "coroutine int f() { g(";
  for (int i = 0; i < 20'000; ++i) lambdas += "[] { g(";
  for (int i = 0; i < 20'000; ++i) lambdas += "); }";
  CHECK_THROWS_AS(made(lambdas + "); return 1; }"), Refusal);
  std::string brackets(20'000, '(');
  CHECK_NOTHROW(
      made("coroutine int f() { wait g" + brackets + std::string(20'000, ')') + "; return 1; }"));
}
