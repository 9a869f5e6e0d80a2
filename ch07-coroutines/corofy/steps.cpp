#include "steps.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using Kind = Statement::Kind;
using Place = Variable::Place;
using Form = Variable::Form;

class Body {
 public:
  Body(const Coroutine& coroutine, const Reader& reader, const Meanings& meanings,
       const OwnNames& names, const Plan& plan, const Options& options, Renderer& code, Lines& out)
      : coroutine_(coroutine),
        reader_(reader),
        meanings_(meanings),
        names_(names),
        plan_(plan),
        options_(options),
        code_(code),
        out_(out) {}

  void run() {
    bool tests = needs_test(coroutine_.body);
    if (tests) out_.add(4, "bool " + names_.test + " = false;");
    out_.add(4, "switch (state_.index()) {");
    out_.add(6, "case " + names_.states + "::start: {");
    Block top{6, true, 6};
    lower_parts(coroutine_.body, top, nullptr);
    if (completes(coroutine_.body, reader_)) {
      if (code_.written(coroutine_.result) == "Unit")
        out_.add(top.inside(), "return " + names_.resolve + "(Unit{});");
      else
        out_.add(top.inside(), "throw std::logic_error(\"" + coroutine_.name +
                                   "() has ended without a result\");");
    }
    close(top);
    out_.add(4, "}");
    out_.add(4,
             "throw std::logic_error(\"" + coroutine_.name + "(): polled after it was ready\");");
  }
  [[nodiscard]] bool uses_made() const { return uses_made_; }

 private:
  // A block of the output. From its first label on, what is no label stands two columns further in:
  // so the formatter wants it.
  struct Block {
    std::size_t column = 0;
    bool labelled = false;
    std::optional<std::size_t> brace = std::nullopt;  // the column of the brace that is open

    [[nodiscard]] std::size_t inside() const {
      return brace ? *brace + 2 : column + (labelled ? 2 : 0);
    }
  };

  [[nodiscard]] static bool needs_test(const Statement& statement) {
    bool tested =
        statement.wait && (statement.kind == Kind::branch || statement.kind == Kind::loop);
    return tested || std::any_of(statement.parts.begin(), statement.parts.end(), needs_test);
  }

  [[nodiscard]] std::string the_future(std::size_t wait) const {
    return "std::get<" + names_.state(wait) + ">(state_)" + (options_.pin ? "->" : ".") + "poll(" +
           (options_.waker ? "waker" : "") + ")";
  }
  // What is waited for. A variable is moved: it has no other use afterwards.
  [[nodiscard]] std::string operand(std::size_t wait, std::size_t column) const {
    Range range = coroutine_.waits[wait].operand.range;
    bool variable = range.first + 1 == range.last && meanings_.of(range.first);
    return variable ? "std::move(" + code_.code(range) + ")" : code_.code(range, column);
  }
  void end_of(const std::vector<std::size_t>& slots, std::size_t column) {
    print_ends(coroutine_, slots, column, out_);
  }

  void close(Block& block) {
    if (block.brace) out_.add(*block.brace, "}");
    block.brace.reset();
  }

  // No label may come into the scope of a local variable. Where there is none, it may be used.
  void close_before(const Statement& part, Block& block) {
    bool has_label = part.kind == Kind::loop && part.wait;
    for (const Statement& one : part.parts) has_label = has_label || one.waits;
    if (has_label) close(block);
  }

  void lower_parts(const Statement& statement, Block& block, const Loop* loop) {
    std::vector<std::size_t> slots;
    std::size_t waiting = 0;  // behind the last one nothing has a label
    for (std::size_t i = 0; i < statement.parts.size(); ++i)
      if (statement.parts[i].waits) waiting = i + 1;
    if (loop && loop->goes_on) waiting = statement.parts.size();
    for (std::size_t i = 0; i < statement.parts.size(); ++i) {
      const Statement& part = statement.parts[i];
      for (std::size_t one : part.variables)
        if (part.kind == Kind::declaration && coroutine_.variables[one].place == Place::optional)
          slots.push_back(one);
      if (part.waits) {
        lower_waiting(part, block);
        continue;
      }
      if (part.kind == Kind::empty || (part.kind == Kind::block && part.parts.empty())) continue;
      bool declares = part.kind == Kind::declaration &&
                      coroutine_.variables[part.variables.front()].place == Place::local;
      // No label may come into its scope, and it ends before what is kept.
      if (declares && !block.brace && (i < waiting || !slots.empty())) {
        out_.add(block.inside(), "{");
        block.brace = block.inside();
      }
      plain(part, block.inside());
    }
    bool ends_itself = loop && !loop->next.empty();
    if (slots.empty() || ends_itself || !completes(statement, reader_)) return;
    close(block);
    end_of(slots, block.inside());
  }

  // Returns where its last statements stand.
  std::size_t lower_block(const Statement& statement, std::size_t column,
                          const Loop* loop = nullptr) {
    Block block;
    block.column = column;
    lower_parts(statement, block, loop);
    close(block);
    if (loop && !loop->next.empty()) {
      out_.add(block.inside() - 2, loop->next + ":");
      end_of(loop->slots, block.inside());
    }
    return block.inside();
  }

  void lower_waiting(const Statement& part, Block& block) {
    switch (part.kind) {
      case Kind::declaration:
      case Kind::expression:
      case Kind::return_statement:
        begin_wait(*part.wait, block);
        use_result(part, block.inside());
        return;
      case Kind::branch:
        if (part.wait) {
          begin_wait(*part.wait, block);
          test_result(*part.wait, block.inside());
        }
        close_before(part, block);
        branch(part, block.inside());
        return;
      case Kind::loop:
      case Kind::each:
        close_before(part, block);
        loop(part, block.inside());
        return;
      default:
        if (!reader_.is(part.range.first, "{")) {  // one that a pass has made
          lower_parts(part, block, nullptr);
          close(block);  // what it declares ends with it
          return;
        }
        close(block);
        out_.add(block.inside(), "{");
        lower_block(part, block.inside() + 2);
        out_.add(block.inside(), "}");
    }
  }

  // Makes the future, and the label to which poll() returns as long as it is not ready.
  void begin_wait(std::size_t wait, Block& block) {
    std::string begin = "state_.emplace<" + names_.state(wait) + ">(";
    out_.add(block.inside(), begin + operand(wait, block.inside() + begin.size()) + ");");
    end_before(wait, block.inside());
    out_.add(block.inside(), "[[fallthrough]];");
    close(block);
    out_.add(block.column, "case " + names_.state(wait) + ": {");
    block.labelled = true;
    block.brace = block.column;
  }
  // Without --hoist, what is kept ends here.
  void end_before(std::size_t wait, std::size_t column) {
    std::size_t at = coroutine_.waits[wait].at;
    for (; begun_ < plan_.kept.size(); ++begun_) {
      const Variable& one = coroutine_.variables[plan_.kept[begun_]];
      if (one.declarator.last > at) break;
      if (one.ends_at_wait && one.place == Place::optional) ending_.push_back(plan_.kept[begun_]);
    }
    std::erase_if(ending_,
                  [&](std::size_t index) { return coroutine_.variables[index].scope_last <= at; });
    end_of(ending_, column);
  }

  void take_result(std::size_t wait, std::size_t column) {
    out_.add(column, "auto " + names_.ready + " = " + the_future(wait) + ";");
    out_.add(column, "if (!" + names_.ready + ") return std::nullopt;");
  }
  void test_result(std::size_t wait, std::size_t column) {
    take_result(wait, column);
    out_.add(column, names_.test + " = static_cast<bool>(*" + names_.ready + ");");
    out_.add(column, names_.nothing_is_waited_for());
  }
  void use_result(const Statement& part, std::size_t column) {
    const Wait& wait = coroutine_.waits[*part.wait];
    const std::string result = "std::move(*" + names_.ready + ")";
    if (part.kind == Kind::expression && part.expression.range.first == wait.at) {
      out_.add(column, "if (!" + the_future(*part.wait) + ") return std::nullopt;");
      out_.add(column, names_.nothing_is_waited_for());
      return;
    }
    take_result(*part.wait, column);
    if (part.kind == Kind::return_statement) {
      out_.add(column, "return " + names_.resolve + "(" + result + ");");
      return;
    }
    code_.replace({wait.at, wait.operand.range.last}, result);
    plain(part, column);
    out_.add(column, names_.nothing_is_waited_for());
  }

  // One that waits for nothing (any more).
  void plain(const Statement& part, std::size_t column) {
    if (part.kind == Kind::break_statement) {
      out_.add(column, "break;");
    } else if (part.kind == Kind::declaration &&
               coroutine_.variables[part.variables.front()].place != Place::local) {
      begin_variable(coroutine_.variables[part.variables.front()], column);
    } else if (part.kind == Kind::declaration && part.is_split) {
      const Variable& one = coroutine_.variables[part.variables.front()];
      std::string type = code_.written(one.type);
      out_.add(column, type + " " + code_.code(one.declarator, column + type.size() + 1) + ";");
    } else if (is_short_branch(part) && !Lines::fits_in_line(column, code_.code(part.range))) {
      const Statement& then = part.parts.front();
      out_.add(column, code_.code({part.range.first, then.range.first}, column));
      plain(then.parts.front(), column + 2);
    } else {
      bool ends = reader_.is(part.range.last - 1, ";") || part.kind != Kind::declaration;
      out_.add(column, code_.code(part.range, column) + (ends ? "" : ";"));
    }
  }

  // if (condition) statement;
  [[nodiscard]] bool is_short_branch(const Statement& part) const {
    return part.kind == Kind::branch && part.parts.size() == 1 &&
           part.parts.front().parts.size() == 1 && !reader_.is(part.parts.front().range.first, "{");
  }

  void begin_variable(const Variable& one, std::size_t column) {
    std::string value = code_.code(one.initializer);
    if (one.is_constexpr) return;  // the class has it
    if (one.place == Place::pointer) {
      out_.add(column, one.kept_name + " = &" + value + ";");
    } else if (one.place == Place::member) {
      if (one.form == Form::braces) value = "{" + value + "}";
      if (one.form != Form::none) out_.add(column, one.kept_name + " = " + value + ";");
    } else if ((one.wait && (one.is_auto || one.form != Form::braces)) || one.form == Form::none ||
               one.form == Form::parentheses || one.initializer.empty() ||
               (one.form == Form::assigned && code_.written(one.type) == "std::string" &&
                !reader_.is(one.initializer.first, "{"))) {
      out_.add(column, one.kept_name + ".emplace(" + value + ");");
    } else {
      uses_made_ = true;
      std::string type = one.is_auto ? "" : code_.value_type_of(one);
      bool names_type = type.empty() || one.form == Form::braces;
      if (one.form == Form::braces) value = type + "{" + value + "}";
      out_.add_function(
          column,
          one.kept_name + ".emplace(" + names_.made + (names_type ? "([&]" : "([&]() -> " + type),
          "return " + value + ";", "));");
    }
  }

  void branch(const Statement& statement, std::size_t column) {
    std::string condition =
        statement.wait ? names_.test : code_.code(statement.expression.range, column + 4);
    bool simple = statement.wait.has_value() ||
                  statement.expression.range.first + 1 == statement.expression.range.last;
    if (statement.negated) condition = simple ? "!" + condition : "!(" + condition + ")";
    const Statement& then = statement.parts.front();
    if (statement.parts.size() == 1 && then.parts.size() == 1 &&
        then.parts.front().kind == Kind::break_statement) {
      out_.add(column, "if (" + condition + ") break;");
      return;
    }
    out_.add(column, "if (" + condition + ") {");
    lower_block(then, column + 2);
    if (statement.parts.size() == 2) {
      const Statement* other = &statement.parts[1];
      while (other->parts.size() == 1 && other->parts.front().kind == Kind::branch &&
             !other->parts.front().wait && other->parts.front().before.empty() &&
             other->parts.front().parts.size() > 0) {
        const Statement& next = other->parts.front();
        out_.add(column, "} else if (" + code_.code(next.expression.range, column + 11) + ") {");
        lower_block(next.parts.front(), column + 2);
        other = next.parts.size() == 2 ? &next.parts[1] : nullptr;
        if (!other) break;
      }
      if (other) {
        out_.add(column, "} else {");
        lower_block(*other, column + 2);
      }
    }
    out_.add(column, "}");
  }

  void loop(const Statement& statement, std::size_t column) {
    const Loop& known = plan_.loops.at(&statement);
    if (statement.kind == Kind::each) {
      each(statement, column, known);
    } else if (statement.tests_last) {
      out_.add(column, "do {");
      do_body(statement, column + 2, known);
    } else {
      std::string condition = code_.code(statement.expression.range, column + 7);
      std::string last = code_.code(statement.last.range);
      if (!last.empty())
        out_.add(column,
                 "for (;" + (condition.empty() ? "" : " " + condition) + "; " + last + ") {");
      else
        out_.add(column, "while (" + (condition.empty() ? "true" : condition) + ") {");
      lower_block(statement.parts.front(), column + 2, &known);
      out_.add(column, "}");
    }
    if (known.is_left) end_of(known.slots, column);
  }
  void do_body(const Statement& statement, std::size_t column, const Loop& known) {
    Block block;
    block.column = column;
    lower_parts(statement.parts.front(), block, &known);
    close(block);
    if (!known.next.empty()) {
      out_.add(block.inside() - 2, known.next + ":");
      end_of(known.slots, block.inside());
    }
    std::string condition = names_.test;
    if (statement.wait) {
      begin_wait(*statement.wait, block);
      test_result(*statement.wait, block.inside());
      close(block);
    } else {
      condition = code_.code(statement.expression.range, column + 7);
    }
    out_.add(column - 2, "} while (" + condition + ");");
  }
  void each(const Statement& statement, std::size_t column, const Loop& known) {
    std::string all = code_.code(statement.expression.range);
    if (!statement.parts.front().waits) {  // only what stands in front of it does
      std::size_t from = coroutine_.variables[statement.variables.front()].type.first;
      out_.add(column, "for (" + code_.code({from, statement.expression.range.last}) + ") {");
      lower_block(statement.parts.front(), column + 2, &known);
      out_.add(column, "}");
      return;
    }
    std::string iterator = coroutine_.variables[statement.variables.front()].iterator;
    std::string end = "end_" + iterator.substr(5);
    out_.add(column, iterator + " = std::begin(" + all + ");");
    out_.add(column, end + " = std::end(" + all + ");");
    out_.add(column, "for (; " + iterator + " != " + end + "; ++" + iterator + ") {");
    const Variable& one = coroutine_.variables[statement.variables.front()];
    if (one.place == Place::pointer)
      out_.add(column + 2, one.kept_name + " = &*" + iterator + ";");
    else if (one.place == Place::member)
      out_.add(column + 2, one.kept_name + " = *" + iterator + ";");
    else
      out_.add(column + 2, one.kept_name + ".emplace(*" + iterator + ");");
    std::size_t end_column = lower_block(statement.parts.front(), column + 2, &known);
    if (known.next.empty() && one.place == Place::optional)
      out_.add(end_column, one.kept_name + ".reset();");
    out_.add(column, "}");
  }

  const Coroutine& coroutine_;
  const Reader& reader_;
  const Meanings& meanings_;
  const OwnNames& names_;
  const Plan& plan_;
  const Options& options_;
  Renderer& code_;
  Lines& out_;
  std::size_t begun_ = 0;            // of what is kept, how many have been declared by now
  std::vector<std::size_t> ending_;  // … and end at the next wait, if they have not ended yet
  bool uses_made_ = false;
};

}  // namespace

void print_ends(const Coroutine& coroutine, const std::vector<std::size_t>& variables,
                std::size_t column, Lines& out) {
  for (auto one = variables.rbegin(); one != variables.rend(); ++one)
    out.add(column, coroutine.variables[*one].kept_name + ".reset();");
}

bool print_statements(const Coroutine& coroutine, const Reader& reader, const Meanings& meanings,
                      const OwnNames& names, const Plan& plan, const Options& options,
                      Renderer& code, Lines& out) {
  Body body(coroutine, reader, meanings, names, plan, options, code, out);
  body.run();
  return body.uses_made();
}
