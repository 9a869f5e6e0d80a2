#include "lower.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "lines.hpp"
#include "own_names.hpp"
#include "plan.hpp"
#include "render.hpp"
#include "steps.hpp"

namespace {

using Kind = Statement::Kind;
using Place = Variable::Place;
using Form = Variable::Form;

class Lowering {
 public:
  Lowering(std::string_view source, const Reader& reader, Coroutine& coroutine,
           std::string class_name, const Options& options)
      : source_(source),
        reader_(reader),
        coroutine_(coroutine),
        class_(std::move(class_name)),
        options_(options),
        meanings_(resolve(coroutine, reader, options)),
        names_(coroutine, reader, options),
        code_(source, reader, coroutine, meanings_, options) {}

  std::string run() {
    result_ = code_.written(coroutine_.result);
    std::string prefix = code_.written(coroutine_.prefix);
    if (!prefix.empty()) prefix += ' ';
    if (coroutine_.only_declared) {
      if (!options_.pin)
        refuse(coroutine_.name_at,
               "a coroutine can be declared before it is defined only with --pin: without, its "
               "class has to be known where it is waited for");
      out_.add(
          0, prefix + "Pinned<" + result_ + "> " + coroutine_.name + "(" + parameters(true) + ");");
      return out_.text();
    }
    plan_ = make_plan(coroutine_, reader_, meanings_, names_, code_);

    original();
    std::string factory =
        prefix + (options_.pin ? "Pinned<" + result_ + "> " : class_ + " ") + coroutine_.name;
    bool prototype = names_itself();
    if (prototype && !options_.pin)
      refuse(coroutine_.name_at, coroutine_.name +
                                     " waits for itself, so it would have to contain itself; with "
                                     "--pin it does not");
    if (prototype) out_.add(0, factory + "(" + parameters(true) + ");");
    class_definition();
    out_.add(0, "");
    std::string arguments = constructor_arguments();
    out_.add_function(0, factory + "(" + parameters(!prototype) + ")",
                      "return " +
                          (options_.pin ? "pin<" + class_ + ">(" + arguments + ")"
                                        : class_ + "(" + arguments + ")") +
                          ";");
    return out_.text();
  }

 private:
  [[noreturn]] void refuse(std::size_t at, const std::string& reason) const {
    throw Refusal(reader_.token(at).at, reason);
  }

  [[nodiscard]] bool names_itself() const {
    for (std::size_t i = coroutine_.body.range.first; i < coroutine_.body.range.last; ++i)
      if (reader_.is(i, coroutine_.name) && reader_.is(i + 1, "(") && reader_.stands_alone(i))
        return true;
    return false;
  }

  void original() {
    std::size_t from = reader_.token(coroutine_.range.first).offset;
    std::size_t to = reader_.token(coroutine_.range.last - 1).end_offset();
    std::string_view text = source_.substr(from, to - from);
    Position at = reader_.token(coroutine_.range.first).at;
    while (!text.empty()) {
      std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
      if (line.ends_with('\\'))
        throw Refusal({at.line, at.column + static_cast<int>(line.size()) - 1},
                      "a line that ends in a backslash can't stand in a coroutine");
      out_.add_comment(std::string(line));
      at = {at.line + 1, 1};
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  [[nodiscard]] std::string parameters(bool with_defaults) const {
    std::string list;
    for (std::size_t index : coroutine_.parameters) {
      const Variable& one = coroutine_.variables[index];
      if (!list.empty()) list += ", ";
      list += code_.written({one.type.first, one.at});
      list += ' ' + one.name;
      if (with_defaults && one.form == Form::assigned)
        list += " = " + code_.written(one.initializer);
    }
    return list;
  }
  [[nodiscard]] std::string passed_on(const Variable& one) const {
    return moves_from(one, reader_) ? "std::move(" + one.name + ")" : one.name;
  }
  [[nodiscard]] std::string constructor_arguments() const {
    std::string list;
    for (std::size_t index : coroutine_.parameters)
      list += (list.empty() ? "" : ", ") + passed_on(coroutine_.variables[index]);
    return list;
  }

  void class_definition() {
    out_.add(0, "class " + class_ + " final : public Future<" + result_ + "> {");
    out_.add(0, " public:");
    constructor();
    if (options_.pin) out_.add(2, class_ + "(" + class_ + "&&) = delete;");
    out_.add(0, "");
    std::vector<std::size_t> slots;
    for (std::size_t index : plan_.kept)
      if (coroutine_.variables[index].place == Place::optional) slots.push_back(index);
    bool uses_made = slots.empty() ? poll_in_one() : poll_in_two(slots);
    if (uses_made) made();
    out_.add(0, "");
    members();
    out_.add(0, "};");
  }

  // Where an exception comes from, nothing is left to be done but to forget the future.
  bool poll_in_one() {
    out_.add(2, answer() + " poll(" + used_waker() + ") override try {");
    bool uses_made = statements();
    out_.add(2, "} catch (...) {");
    out_.add(4, names_.nothing_is_waited_for());
    out_.add(4, "throw;");
    out_.add(2, "}");
    out_.add(0, "");
    out_.add(0, " private:");
    states();
    out_.add(0, "");
    out_.add(2, answer() + " " + names_.resolve + "(" + result_ + " value) {");
    out_.add(4, names_.nothing_is_waited_for());
    out_.add(4, "return value;");
    out_.add(2, "}");
    return uses_made;
  }

  // What is kept ends after the variables of the last step, which are younger. So that step has a
  // function of its own, which has returned by then.
  bool poll_in_two(const std::vector<std::size_t>& slots) {
    out_.add(2,
             answer() + " poll(" + (options_.waker ? "const Waker& waker" : "") + ") override {");
    out_.add(4, "try {");
    out_.add(
        6, answer() + " result = " + names_.resume + "(" + (options_.waker ? "waker" : "") + ");");
    out_.add(6, "if (result) " + names_.finish + "();");
    out_.add(6, "return result;");
    out_.add(4, "} catch (...) {");
    out_.add(6, names_.finish + "();");
    out_.add(6, "throw;");
    out_.add(4, "}");
    out_.add(2, "}");
    out_.add(0, "");
    out_.add(0, " private:");
    states();
    out_.add(0, "");
    out_.add(2, answer() + " " + names_.resume + "(" + used_waker() + ") {");
    bool uses_made = statements();
    out_.add(2, "}");
    out_.add(0, "");
    out_.add(2, "static " + answer() + " " + names_.resolve + "(" + result_ +
                    " value) { return value; }");
    // In the opposite order; a member that is a number or a pointer needs no end.
    out_.add(2, "void " + names_.finish + "() {");
    out_.add(4, names_.nothing_is_waited_for());
    print_ends(coroutine_, slots, 4, out_);
    out_.add(2, "}");
    return uses_made;
  }

  [[nodiscard]] std::string answer() const { return "PollState<" + result_ + ">"; }
  bool statements() {
    return print_statements(coroutine_, reader_, meanings_, names_, plan_, options_, code_, out_);
  }
  [[nodiscard]] std::string used_waker() const {
    if (!options_.waker) return "";
    return coroutine_.waits.empty() ? "const Waker&" : "const Waker& waker";
  }

  void constructor() {
    std::vector<std::string> initializers;
    for (std::size_t index : coroutine_.parameters) {
      const Variable& one = coroutine_.variables[index];
      initializers.push_back(one.kept_name + "(" + passed_on(one) + ")");
    }
    std::string head =
        (initializers.size() == 1 ? "explicit " : "") + class_ + "(" + parameters(false) + ")";
    if (initializers.empty())
      out_.add(2, class_ + "() = default;");
    else
      out_.add_constructor(2, head, initializers);
  }

  void states() {
    std::string list = "start, ";
    for (std::size_t i = 0; i < coroutine_.waits.size(); ++i)
      list += "wait_" + std::to_string(i + 1) + ", ";
    out_.add(2, "struct " + names_.states + " {");
    out_.add_enumeration(4, "enum : std::size_t", list + "resolved");
    out_.add(2, "};");
  }

  // Lets std::optional make in place what can be neither copied nor moved.
  void made() {
    out_.add(0, "");
    out_.add(2, "// An initializer as an argument of emplace(): what it returns is made in place.");
    out_.add(2, "template <class Make>");
    out_.add(2, "struct " + names_.made + " {");
    out_.add(4, "Make make;");
    out_.add(4, "explicit " + names_.made + "(Make how) : make(how) {}");
    out_.add(4, "operator std::invoke_result_t<Make&>() { return make(); }");
    out_.add(2, "};");
  }

  void members() {
    // In the order of the text: the type of one may need those before it.
    std::multimap<std::size_t, std::string> lines;
    std::set<std::size_t> used;
    for (std::size_t i = coroutine_.body.range.first; i < coroutine_.body.range.last; ++i)
      if (std::optional<std::size_t> index = meanings_.of(i)) used.insert(*index);
    for (std::size_t index : coroutine_.parameters) {
      const Variable& one = coroutine_.variables[index];
      std::string type =
          one.reference.empty() ? code_.type_of(one) : code_.written({one.type.first, one.at});
      bool is_used = used.contains(index);
      out_.add(2, (is_used ? "" : "[[maybe_unused]] ") + type + " " + one.kept_name + ";");
    }
    for (std::size_t index : plan_.kept) {
      const Variable& one = coroutine_.variables[index];
      std::string line;
      if (one.is_constexpr)
        line = "static constexpr " + (one.is_auto ? "auto" : code_.value_type_of(one)) + " " +
               one.kept_name + (one.form == Form::braces ? "{" : " = ") +
               code_.unevaluated(one.initializer) + (one.form == Form::braces ? "};" : ";");
      else if (one.place == Place::optional)
        line = "std::optional<" + code_.value_type_of(one) + "> " + one.kept_name + ";";
      else
        line =
            code_.type_of(one) + (one.place == Place::pointer ? "* " : " ") + one.kept_name + "{};";
      lines.emplace(one.declarator.last, line);
    }
    for (std::size_t i = 0; i < coroutine_.waits.size(); ++i)
      lines.emplace(coroutine_.waits[i].at, "using Wait" + std::to_string(i + 1) +
                                                " = std::decay_t<decltype(" + operand(i) + ")>;");
    for (const Iterators& each : plan_.iterators) {
      std::string all = code_.unevaluated(each.all);
      std::string number = std::to_string(each.number);
      lines.emplace(each.at, "decltype(std::begin(" + all + ")) each_" + number + "_{};");
      lines.emplace(each.at, "decltype(std::end(" + all + ")) end_" + number + "_{};");
    }
    for (const auto& [at, line] : lines) out_.add(2, line);

    out_.add(2, "struct " + names_.start + " {};");
    out_.add(2, "struct " + names_.resolved + " {};");
    std::string list = names_.start + ", ";
    for (std::size_t i = 0; i < coroutine_.waits.size(); ++i)
      list += "Wait" + std::to_string(i + 1) + ", ";
    out_.add_list(2, "std::variant<", list + names_.resolved, ">", " state_;");
  }

  // What is waited for, where only its type is asked for.
  [[nodiscard]] std::string operand(std::size_t wait) const {
    const Expression& operand = coroutine_.waits[wait].operand;
    if (!operand.lambdas.empty())
      refuse(operand.range.first,
             "a lambda in what is waited for; give what it is passed to a name first");
    check_operand(operand.range);
    return code_.unevaluated(operand.range);
  }
  // Its type is asked for outside of the function: of what stands there only for itself, there is
  // none.
  void check_operand(Range range) const {
    for (std::size_t i = range.first; i < range.last; ++i) {
      std::optional<std::size_t> index = meanings_.of(i);
      if (!index) continue;
      const Variable& one = coroutine_.variables[*index];
      if (one.place == Place::local && one.is_binding)
        refuse(i, one.name + " is a structured binding, whose type can't be named here");
      if (one.place == Place::local && one.is_auto && one.form != Form::none &&
          reader_.is(one.initializer.first, "["))
        refuse(i, one.name + " is a lambda, whose type can't be named here; use std::function");
    }
  }

  std::string_view source_;
  const Reader& reader_;
  Coroutine& coroutine_;
  std::string class_;
  const Options& options_;
  Meanings meanings_;
  OwnNames names_;
  Renderer code_;
  Plan plan_;
  Lines out_;
  std::string result_;  // the type
};

}  // namespace

std::string lower(std::string_view source, const Reader& reader, Coroutine& coroutine,
                  const std::string& class_name, const Options& options) {
  return Lowering(source, reader, coroutine, class_name, options).run();
}
