// Writes random programs in corofy's language: what statements there are, in any nesting.
//   random 50 1 random_programs.cpp        fifty of them, from the seed 1

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr int most_nested = 4;

// One coroutine. Every loop ends, every number stays small, every name means something.
class Program {
 public:
  Program(std::mt19937& random, int number, const std::vector<int>& children)
      : random_(random),
        name_("random_" + std::to_string(number)),
        // What others wait for has to be movable, and is made of movable things only.
        movable_(number % 4 == 0),
        text_result_(!movable_ && number % 4 == 1),
        children_(children) {}

  [[nodiscard]] bool is_child() const { return movable_; }

  std::string run() {
    std::string result = text_result_ ? "std::string" : "int";
    text_ = "coroutine " + result + " " + name_ + "(int n, std::string text) {\n";
    visible_ = {{"n", Kind::fixed}, {"text", Kind::text}};
    line(1, "(void)n;");
    line(1, "(void)text;");
    left_ = 12 + below(24);
    statements(1);
    while (left_ > 0) statements(1);
    line(1, "return " + value() + ";");
    return text_ + "}\nPROGRAM(" + name_ + "(n, \"text\"));\n\n";
  }

 private:
  enum class Kind { number, fixed, counter, text, list, nothing };
  struct Variable {
    std::string name;
    Kind kind;
  };
  enum class Wait { no, may };

  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool one_in(int count) { return below(count) == 0; }
  std::string any(std::vector<std::string> all) {
    return all[static_cast<std::size_t>(below(static_cast<int>(all.size())))];
  }
  void line(int depth, const std::string& text) {
    text_.append(static_cast<std::size_t>(2 * depth), ' ') += text + "\n";
  }

  // ---- Names. Those that are not visible are taken again.

  std::string fresh(std::string_view base) {
    for (int i = 1;; ++i) {
      std::string name = std::string(base) + (i == 1 ? "" : std::to_string(i));
      if (std::none_of(visible_.begin(), visible_.end(),
                       [&](const Variable& one) { return one.name == name; }))
        return name;
    }
  }
  std::string declare(std::string_view base, Kind kind) {
    std::string name = fresh(base);
    visible_.push_back({name, kind});
    return name;
  }
  std::string variable(std::initializer_list<Kind> kinds) {
    std::vector<std::string> names;
    for (const Variable& one : visible_)
      if (std::find(kinds.begin(), kinds.end(), one.kind) != kinds.end()) names.push_back(one.name);
    return names.empty() ? "" : any(names);
  }

  // ---- Expressions

  std::string number() {
    std::string a = variable({Kind::number, Kind::fixed, Kind::counter});
    std::string b = variable({Kind::number, Kind::fixed});
    switch (below(6)) {
      case 0:
        return std::to_string(below(5));
      case 1:
        return "mix(" + a + ", " + b + ")";
      case 2:
        return "mix(" + a + " + " + std::to_string(below(9)) + ")";
      case 3:
        if (std::string list = variable({Kind::list}); !list.empty())
          return "mix(static_cast<int>(" + list + ".size()), " + a + ")";
        return "mix(" + a + ")";
      case 4:
        return "mix([&] { return " + a + "; }())";
      default:
        return "mix(" + a + ", -" + b + ")";
    }
  }
  // Lambdas can't stand in what is waited for.
  std::string simple() {
    std::string a = variable({Kind::number, Kind::fixed, Kind::counter});
    return one_in(4) ? std::to_string(below(4))
                     : "mix(" + a + ", " + std::to_string(below(9)) + ")";
  }
  std::string condition() { return number() + any({" > 5", " < 4", " != 3", " % 2 == 0"}); }
  std::string text() {
    return any({"\"t\"", variable({Kind::text}), "show(" + simple() + ")",
                variable({Kind::text}) + ".substr(0, 2)"});
  }
  std::string value() {
    if (!text_result_) return number();
    return any({variable({Kind::text}), "show(" + number() + ")"});
  }
  std::string future() {
    if (!children_.empty() && one_in(6) && !movable_)
      return "random_" +
             std::to_string(
                 children_[static_cast<std::size_t>(below(static_cast<int>(children_.size())))]) +
             "(" + simple() + ", " + text() + ")";
    return "later(" + simple() + ")";
  }
  std::string guard() {
    std::string label = std::to_string(++guards_);
    if (movable_) return "Token " + declare("g", Kind::nothing) + "(" + label + ");";
    return any({"Counted " + declare("g", Kind::nothing) + "(\"g" + label + "\");",
                "Counted " + visible_.back().name + "{\"g" + label + "\"};"});
  }

  // ---- Statements

  void statements(int depth) {
    std::size_t outside = visible_.size();
    for (int i = 1 + below(4); i > 0; --i) statement(depth);
    if (depth > 1) {
      if (one_in(6)) leave(depth);
      visible_.resize(outside);
    }
  }
  void block(int depth, const std::string& head) {
    line(depth, head + "{");
    statements(depth + 1);
    line(depth, "}");
  }
  void loop(int depth, const std::string& head, const std::string& first = "") {
    ++loops_;
    line(depth, head + "{");
    if (!first.empty()) line(depth + 1, first);
    statements(depth + 1);
    --loops_;
    line(depth, "}");
  }

  void statement(int depth) {
    --left_;
    bool nests = depth < most_nested && left_ > 0;
    switch (below(nests ? 20 : 9)) {
      case 0:
        return wait_statement(depth);
      case 1:
      case 2:
        return wait_declaration(depth);
      case 3:
        return line(depth, guard());
      case 4:
        return declaration(depth);
      case 5:
      case 6:
        return plain(depth);
      case 7:
        line(depth, "if (" + condition() + ")");
        return leave(depth + 1);
      case 8:
        return line(depth, "say(" + text() + ");");
      case 9:
      case 10:
      case 11:
        return branch(depth);
      case 12:
      case 13:
        return while_loop(depth);
      case 14:
        return do_loop(depth);
      case 15:
      case 16:
        return for_loop(depth);
      case 17:
        return each(depth);
      case 18:
        return switch_statement(depth);
      default:
        return block(depth, "");
    }
  }

  void wait_statement(int depth) {
    std::string number = variable({Kind::number});
    std::string text = variable({Kind::text});
    switch (below(4)) {
      case 0:
        if (!number.empty())
          return line(depth, number + any({" = ", " += "}) + "wait " + future() + ";");
        [[fallthrough]];
      case 1:
        return line(depth, text + any({" = ", " += "}) + "wait later(" + this->text() + ");");
      case 2:
        return line(depth, "wait later();");
      default:
        return line(depth, "wait " + future() + ";");
    }
  }
  void used(int depth, const std::string& name) {
    line(depth, one_in(2) ? "say(show(" + name + "));" : "(void)" + name + ";");
  }
  void wait_declaration(int depth) {
    std::string future = this->future();
    std::string text = "later(" + this->text() + ")";
    std::string name;
    switch (below(8)) {
      case 0:
        name = declare("t", Kind::text);
        line(depth, "std::string " + name + " = wait " + text + ";");
        break;
      case 1:
        name = declare("t", Kind::text);
        line(depth, "auto " + name + "{wait " + text + "};");
        break;
      case 2:
        name = declare("c", Kind::fixed);
        line(depth, any({"const int ", "const auto "}) + name + " = wait " + future + ";");
        break;
      case 3:
        name = declare("x", Kind::number);
        line(depth, "int " + name + any({"(wait " + future + ");", "{wait " + future + "};"}));
        break;
      default:
        name = declare("x", Kind::number);
        line(depth, any({"int ", "auto "}) + name + " = wait " + future + ";");
    }
    used(depth, name);
  }
  void declaration(int depth) {
    std::string value = number();
    std::string text = this->text();
    std::string number = variable({Kind::number});
    std::string name;
    switch (below(8)) {
      case 0:
        name = declare("t", Kind::text);
        line(depth,
             any({"std::string ", "auto "}) + name + " = " + text + " + std::string(\"!\");");
        break;
      case 1:
        name = declare("list", Kind::list);
        line(depth, "std::vector<int> " + name + any({" = ", ""}) + "{1, " + simple() + "};");
        break;
      case 2:
        if (number.empty()) return plain(depth);
        name = declare("r", Kind::number);
        line(depth, any({"int& ", "auto& "}) + name + " = " + number + ";");
        break;
      case 3:
        if (number.empty()) return plain(depth);
        name = declare("p", Kind::nothing);
        line(depth, any({"int* ", "auto* ", "auto "}) + name + " = &" + number + ";");
        name = "*" + name;
        break;
      case 4:
        name = declare("x", Kind::number);
        line(depth, "int " + name + " = " + value + ", " + fresh("y") + "{2};");
        line(depth, "(void)" + declare("y", Kind::number) + ";");
        break;
      case 5:
        value = one_in(2) ? "auto " + fresh("c") + " = " + simple()
                          : "int " + fresh("c") + " = " + value;
        line(depth, "const " + value + ";");
        name = declare("c", Kind::fixed);
        break;
      default:
        value = one_in(2) ? "auto " + fresh("x") + " = " + simple()
                          : "int " + fresh("x") + " = " + value;
        line(depth, value + ";");
        name = declare("x", Kind::number);
    }
    used(depth, name);
  }

  void plain(int depth) {
    std::string number = variable({Kind::number});
    std::string list = variable({Kind::list});
    std::string text = variable({Kind::text});
    switch (below(6)) {
      case 0:
        if (!number.empty())
          return line(depth, any({number + "++", "--" + number, number + " += " + this->number(),
                                  number + " = " + this->number()}) +
                                 ";");
        [[fallthrough]];
      case 1:
        if (!list.empty()) return line(depth, list + ".push_back(" + this->number() + ");");
        [[fallthrough]];
      case 2:
        return line(depth, text + " += " + any({"'+'", "\"more\""}) + ";");
      case 3:
        return line(depth, text + " = [" + any({text, "&" + text, text + " = " + text}) + "](int " +
                               fresh("y") + ") { return " + text + " + show(" + fresh("y") +
                               "); }(" + this->number() + ");");
      case 4:
        if (depth >= most_nested) return line(depth, "say(" + text + ");");
        line(depth,
             "for (int " + fresh("k") + " = 0; " + fresh("k") + " < 3; ++" + fresh("k") + ") {");
        visible_.push_back({fresh("k"), Kind::fixed});
        line(depth + 1, "if (" + condition() + ") " + any({"break;", "continue;"}));
        line(depth + 1, "say(show(" + this->number() + "));");
        visible_.pop_back();
        return line(depth, "}");
      default:
        return line(depth, "say(show(" + this->number() + "));");
    }
  }
  // Out of the loop, the round or the coroutine.
  void leave(int depth) {
    int way = below(loops_ > 0 ? 9 : 5);
    if (way == 0)
      return line(depth, "throw std::runtime_error(\"" + std::to_string(left_) + "\");");
    if (way == 1 && in_switch_ == 0)
      return line(depth, "return wait later(" + (text_result_ ? text() : simple()) + ");");
    if (way < 3) return line(depth, "return " + value() + ";");
    if (way < 5) return line(depth, loops_ > 0 ? "continue;" : "say(\"stay\");");
    line(depth, way < 7 ? "break;" : "continue;");
  }

  void branch(int depth) {
    std::size_t outside = visible_.size();
    std::string test;
    switch (below(8)) {
      case 0:
        test = "wait later(" + simple() + " > 3)";
        break;
      case 1: {
        std::string future = this->future();
        std::string name = declare("x", Kind::number);
        test = any({"int ", "auto "}) + name + " = wait " + future;
        break;
      }
      case 2: {
        std::string future = this->future();
        std::string name = declare("x", Kind::number);
        test = "int " + name + " = wait " + future + "; " + condition();
        break;
      }
      case 3:
        test = guard() + " " + any({condition(), "wait later(" + simple() + ")"});
        break;
      case 4:
        test = "int " + fresh("x") + " = n; " + fresh("x") + " > 2";
        declare("x", Kind::counter);
        break;
      default:
        test = condition();
    }
    line(depth, "if (" + test + ") {");
    if (visible_.size() > outside && visible_.back().kind != Kind::nothing)
      line(depth + 1, "(void)" + visible_.back().name + ";");
    statements(depth + 1);
    if (one_in(3)) {
      line(depth, "} else if (" + any({condition(), "wait later(" + simple() + " > 2)"}) + ") {");
      statements(depth + 1);
    }
    if (one_in(2)) {
      line(depth, "} else {");
      statements(depth + 1);
    }
    line(depth, "}");
    visible_.resize(outside);
  }

  // A counter that nothing else changes.
  std::string counter(int depth) {
    std::string name = declare("k", Kind::counter);
    line(depth, "int " + name + " = " + any({"1", "2", "3", "n % 3"}) + ";");
    return name;
  }
  void while_loop(int depth) {
    std::string k = counter(depth);
    std::size_t outside = visible_.size();
    std::string x = fresh("x");  // where the condition declares it
    switch (below(5)) {
      case 0:
        loop(depth, "while (wait later(" + k + "-- > 0)) ");
        break;
      case 1:
        declare("x", Kind::number);
        loop(depth, "while (int " + x + " = wait later(" + k + "--)) ", "(void)" + x + ";");
        break;
      case 2:
        loop(depth, "while (true) ", "if (" + k + "-- <= 0) break;");
        break;
      case 3:
        declare("x", Kind::fixed);
        loop(depth, "while (auto " + x + " = " + k + "--) ", "(void)" + x + ";");
        break;
      default:
        loop(depth, "while (" + k + "-- > 0) ");
    }
    visible_.resize(outside);
  }
  void do_loop(int depth) {
    std::string k = counter(depth);
    loop(depth, "do ");
    text_.pop_back();
    text_ += any({" while (--" + k + " > 0);", " while (wait later(--" + k + " > 0));"}) + "\n";
  }
  void for_loop(int depth) {
    std::size_t outside = visible_.size();
    std::string first;
    switch (below(6)) {
      case 0: {
        std::string k = counter(depth);
        outside = visible_.size();
        loop(depth, "for (" + guard() + " wait later(" + k + " > 0); --" + k + ") ");
        break;
      }
      case 1: {
        std::string i = declare("i", Kind::fixed);
        loop(depth, "for (int " + i + " = 0; wait later(" + i + " < 2); ++" + i + ") ");
        break;
      }
      case 2: {
        std::string i = declare("i", Kind::fixed);
        loop(depth, "for (int " + i + " = wait later(2); " + i + " > 0; --" + i + ") ");
        break;
      }
      case 3: {
        std::string i = declare("i", Kind::fixed);
        loop(depth, "for (auto " + i + " = 0;; ++" + i + ") ", "if (" + i + " > 1) break;");
        break;
      }
      case 4: {
        std::string k = counter(depth);
        outside = visible_.size();
        loop(depth, "for (; " + k + " > 0;) ", k + "--;");
        break;
      }
      default: {
        std::string i = declare("i", Kind::fixed);
        loop(depth, "for (int " + i + " = 0; " + i + " < 3; ++" + i + ") ");
      }
    }
    visible_.resize(outside);
  }
  void each(int depth) {
    std::string list = variable({Kind::list});
    if (list.empty()) {
      list = declare("list", Kind::list);
      line(depth, "std::vector<int> " + list + "{" + simple() + ", 2};");
    }
    // It does not grow meanwhile.
    auto known = std::find_if(visible_.begin(), visible_.end(),
                              [&](const Variable& one) { return one.name == list; });
    std::size_t at = static_cast<std::size_t>(known - visible_.begin());
    visible_[at].kind = Kind::nothing;
    std::string type =
        any({"int ", "int& ", "const int& ", "auto ", "auto& ", "const auto& ", "const int "});
    bool fixed = type.starts_with("const");
    std::string x = declare("x", fixed ? Kind::fixed : Kind::number);
    loop(depth, "for (" + type + x + " : " + list + ") ", "say(show(" + x + "));");
    visible_.pop_back();
    visible_[at].kind = Kind::list;
  }
  void switch_statement(int depth) {
    ++in_switch_;
    line(depth, "switch (" + number() + " % 3) {");
    line(depth + 1, "case 0:");
    plain(depth + 2);
    line(depth + 2, "break;");
    line(depth + 1, "case 1: {");
    std::size_t outside = visible_.size();
    line(depth + 2, guard());
    line(depth + 2, "if (" + condition() + ")");
    leave(depth + 3);
    visible_.resize(outside);
    line(depth + 2, "break;");
    line(depth + 1, "}");
    line(depth + 1, "default:");
    leave(depth + 2);
    line(depth, "}");
    --in_switch_;
  }

  std::mt19937& random_;
  std::string name_;
  bool movable_;
  bool text_result_;
  const std::vector<int>& children_;
  std::string text_;
  std::vector<Variable> visible_;
  int left_ = 0;  // statements
  int loops_ = 0;
  int in_switch_ = 0;
  int guards_ = 0;
};

constexpr std::string_view head = R"(#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

namespace {

inline int mix(int a, int b = 1) { return (a * 3 + b * 5 + 100000) % 11; }

)";

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::mt19937 random(static_cast<unsigned>(std::atoi(argv[2])));
  std::string text(head);
  std::vector<int> children;
  for (int i = 0; i < std::atoi(argv[1]); ++i) {
    Program program(random, i, children);
    text += program.run();
    if (program.is_child()) children.push_back(i);
  }
  std::ofstream(argv[3]) << text << "}  // namespace\n" << std::flush;
}
