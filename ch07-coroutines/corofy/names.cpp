#include "names.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "own_names.hpp"

namespace {

using Kind = Statement::Kind;
using Place = Variable::Place;

std::string line_of(const Token& token) { return std::to_string(token.at.line); }

class Resolver {
 public:
  Resolver(Coroutine& coroutine, const Reader& reader, const Options& options)
      : coroutine_(coroutine),
        reader_(reader),
        options_(options),
        meanings_(coroutine.range),
        scope_end_(coroutine.variables.size()),
        hides_(coroutine.variables.size()),
        declared_(coroutine.variables.size()),
        segment_of_(coroutine.variables.size()),
        crosses_(coroutine.variables.size()),
        expired_(coroutine.variables.size()),
        has_lambda_(coroutine.variables.size()) {}

  Meanings run() {
    for (std::size_t one : coroutine_.parameters) declare(one);
    visit(coroutine_.body);
    close_scope(0, coroutine_.range.last);
    for (std::size_t i = 0; i < coroutine_.variables.size(); ++i) {
      coroutine_.variables[i].scope_last = scope_end_[i];
      place(i);
    }
    for (auto [variable, token] : copied_with_this_)
      if (coroutine_.variables[variable].place != Place::local)
        refuse(token, "[=] would not copy " + coroutine_.variables[variable].name +
                          ", which is kept in the coroutine; name it: [" +
                          coroutine_.variables[variable].name + "]");
    name_members();
    return std::move(meanings_);
  }

 private:
  struct Use {
    std::size_t token;
    std::size_t wait;
  };

  [[noreturn]] void refuse(std::size_t at, const std::string& reason) const {
    throw Refusal(reader_.token(at).at, reason);
  }

  // ---- Scopes

  void declare(std::size_t index) {
    Variable& variable = coroutine_.variables[index];
    std::vector<std::size_t>& known = visible_[variable.name];
    if (!known.empty()) hides_[index] = known.back();
    known.push_back(index);
    order_.push_back(index);
    if (!variable.name.empty()) meanings_.set(variable.at, index);
    declared_[index] = ++clock_;
    segment_of_[index] = segment_;
  }
  void close_scope(std::size_t size, std::size_t end) {
    while (order_.size() > size) {
      std::size_t index = order_.back();
      order_.pop_back();
      scope_end_[index] = end;
      visible_[coroutine_.variables[index].name].pop_back();
    }
  }

  // ---- What a name means, and whether it is used in time. Time goes on with each declaration and
  // each wait. A variable is used too late if there is a path on which a wait came after its
  // declaration. A segment is what runs without a label in between (see lowering.cpp).

  void use(std::size_t token) {
    if (!reader_.is_free_name(token) || !reader_.stands_alone(token)) return;
    auto known = visible_.find(reader_.token(token).text);
    if (known == visible_.end() || known->second.empty()) return;
    std::size_t index = known->second.back();
    meanings_.set(token, index);
    if (coroutine_.variables[index].in_lambda) return;
    if (copying_lambdas_ > 0) copied_with_this_.emplace_back(index, token);
    if (waited_ > declared_[index] && !expired_[index]) expired_[index] = Use{token, waited_at_};
    if (segment_of_[index] != segment_) crosses_[index] = true;
  }

  void visit(const Expression& expression) {
    auto lambda = expression.lambdas.begin();
    for (std::size_t i = expression.range.first; i < expression.range.last;) {
      if (lambda == expression.lambdas.end() || i != lambda->captures.first) {
        use(i++);
        continue;
      }
      i = visit(*lambda++);
    }
  }
  std::size_t visit(const Lambda& lambda) {
    // What it keeps is looked up outside of it.
    for (std::size_t i = lambda.captures.first; i < lambda.captures.last; ++i) {
      auto place_of = [&](std::size_t one) { return coroutine_.variables[one].at; };
      bool declared = std::ranges::binary_search(lambda.variables, i, {}, place_of);
      bool captured = std::ranges::binary_search(lambda.captured, i);
      if (!declared || captured) use(i);
    }
    std::size_t outside = order_.size();
    for (std::size_t one : lambda.variables) {
      std::optional<std::size_t> kept = meanings_.of(coroutine_.variables[one].at);
      declare(one);
      if (kept) meanings_.set(coroutine_.variables[one].at, *kept);  // [x] means the x outside
    }
    copying_lambdas_ += lambda.copies_all ? 1 : 0;
    const Statement& body = lambda.body.back();
    for (std::size_t i = lambda.captures.last; i < body.range.first; ++i) use(i);
    for (const Statement& one : lambda.body) visit(one);
    copying_lambdas_ -= lambda.copies_all ? 1 : 0;
    close_scope(outside, body.range.last);
    return body.range.last;
  }

  void wait_for(std::size_t index) {
    refuse_own_type(coroutine_.waits[index].operand.range, "cannot wait for it: ");
    visit(coroutine_.waits[index].operand);
    waited_ = ++clock_;
    waited_at_ = index;
    segment_ = ++segments_;
  }
  void new_segment() { segment_ = ++segments_; }

  // An expression that may be a wait as a whole, or hold one behind its "=".
  void visit(const Statement& statement, const Expression& expression) {
    if (!statement.wait) return visit(expression);
    const Wait& wait = coroutine_.waits[*statement.wait];
    wait_for(*statement.wait);
    for (std::size_t i = expression.range.first; i < wait.at; ++i) use(i);
  }

  void visit(const Statement& statement) {
    std::size_t outside = order_.size();
    switch (statement.kind) {
      case Kind::empty:
      case Kind::expression:
      case Kind::return_statement:
        visit(statement, statement.expression);
        break;
      case Kind::declaration:
        for (std::size_t i = coroutine_.variables[statement.variables.front()].type.first;
             i < coroutine_.variables[statement.variables.front()].type.last; ++i)
          use(i);
        visit(statement, statement.expression);
        for (std::size_t one : statement.variables) {
          declare(one);
          has_lambda_[one] = !statement.expression.lambdas.empty() && !statement.wait;
        }
        return;  // the scope is that of the block
      case Kind::break_statement:
      case Kind::continue_statement:
        break;
      case Kind::block:
        visit_block(statement);
        break;
      case Kind::branch:
        visit_branch(statement);
        break;
      case Kind::loop:
        visit_loop(statement);
        break;
      case Kind::each:
        for (const Statement& one : statement.before) visit(one);
        if (statement.parts.front().waits) check_each(statement);
        visit(statement.expression);
        begin_loop(statement);
        for (std::size_t one : statement.variables) declare(one);
        visit(statement.parts.front());
        break;
      case Kind::other:
        for (const Statement& one : statement.before) visit(one);
        visit(statement.expression);
        for (const Statement& one : statement.parts) visit(one);
        if (statement.parts.empty()) visit_type(statement.range);
        break;
    }
    close_scope(outside, statement.range.last);
    if (statement.waits) new_segment();
  }

  // using X = …; struct X { … };
  void visit_type(Range range) {
    std::size_t name = range.first + (reader_.is(range.first + 1, "class") ? 2 : 1);
    if (reader_.is_free_name(name)) own_types_.emplace(reader_.token(name).text);
    for (std::size_t i = range.first; i < range.last;) {
      use(i);  // what stands in braces are names of its own
      i = reader_.is(i, "{") ? reader_.behind_bracket(i) : i + 1;
    }
  }
  void refuse_own_type(Range range, const std::string& what) const {
    for (std::size_t i = range.first; i < range.last; ++i)
      if (reader_.stands_alone(i) && own_types_.contains(reader_.token(i).text))
        refuse(i, what + std::string(reader_.token(i).text) +
                      " is declared in the coroutine; declare it outside");
  }

  void visit_block(const Statement& block) {
    if (block.waits) new_segment();
    for (const Statement& one : block.parts) {
      // What an if waits for is still of the same segment, unless something stands in front of it.
      bool in_step = one.kind == Kind::branch && one.wait && one.before.empty();
      if (one.waits && !one.parts.empty() && !in_step) new_segment();
      visit(one);
    }
  }

  void visit_branch(const Statement& branch) {
    for (const Statement& one : branch.before) visit(one);
    visit(branch, branch.expression);
    if (branch.waits) new_segment();
    std::size_t waited = waited_;
    std::size_t waited_at = waited_at_;
    std::size_t after = waited;
    std::size_t after_at = waited_at;
    for (const Statement& part : branch.parts) {
      waited_ = waited;
      waited_at_ = waited_at;
      visit(part);
      if (completes(part, reader_) && waited_ > after) {
        after = waited_;
        after_at = waited_at_;
      }
    }
    waited_ = after;
    waited_at_ = after_at;
  }

  void visit_loop(const Statement& loop) {
    for (const Statement& one : loop.before) visit(one);
    begin_loop(loop);
    if (loop.tests_last) visit(loop.parts.front());
    visit(loop, loop.expression);
    if (loop.waits) new_segment();
    if (loop.tests_last) return;
    visit(loop.parts.front());
    visit(loop.last);
  }
  // What it runs over has to be there in the next round, too.
  void check_each(const Statement& loop) const {
    if (!options_.hoist) refuse(loop.range.first, "a range-based for that waits needs --hoist");
    if (!is_path(loop.expression.range))
      refuse(loop.expression.range.first,
             "a range-based for that waits runs over something with a name; give it one first");
  }

  // What a loop uses, it also uses in its next round, behind the waits of this one.
  void begin_loop(const Statement& loop) {
    if (!loop.waits) return;
    new_segment();
    waited_ = ++clock_;
    waited_at_ = static_cast<std::size_t>(first_wait(loop.range.first) - coroutine_.waits.begin());
  }

  // ---- What is kept

  // The first one from this token on.
  [[nodiscard]] std::vector<Wait>::const_iterator first_wait(std::size_t from) const {
    return std::lower_bound(coroutine_.waits.begin(), coroutine_.waits.end(), from,
                            [](const Wait& wait, std::size_t at) { return wait.at < at; });
  }

  [[nodiscard]] const Wait* later_wait(std::size_t index) const {
    auto found = first_wait(coroutine_.variables[index].declarator.last);
    return found != coroutine_.waits.end() && found->at < scope_end_[index] ? &*found : nullptr;
  }

  void place(std::size_t index) {
    Variable& variable = coroutine_.variables[index];
    if (variable.in_lambda || variable.place == Place::member) return;
    const Wait* wait = later_wait(index);
    if (!wait) return;
    std::string until = " until behind the wait of line " + line_of(reader_.token(wait->at));
    if (!options_.hoist) {
      if (expired_[index])
        refuse(expired_[index]->token,
               variable.name + " has ended at the wait of line " +
                   line_of(reader_.token(coroutine_.waits[expired_[index]->wait].at)) +
                   "; with --hoist it is kept");
      if (!crosses_[index]) return;  // used up before the next wait, in one go
      variable.ends_at_wait = true;
    }
    const std::string what = "cannot keep " + variable.name + until + ": ";
    refuse_own_type(variable.type, what);
    if (variable.is_auto) refuse_own_type(variable.initializer, what);
    if (variable.is_constexpr && variable.reference.empty() && !variable.is_array) {
      variable.place = Place::member;  // of the class: every object has the same
      variable.ends_at_wait = false;
      return;
    }
    if (variable.is_array) refuse(variable.at, what + "an array; use std::array");
    if (variable.is_binding) refuse(variable.at, what + "a structured binding; name the parts");
    if (variable.is_static) refuse(variable.at, what + "it is static; declare it outside");
    if (is_lambda(variable)) refuse(variable.at, what + "a lambda; use std::function, or a class");
    if (variable.is_auto && has_lambda_[index])
      refuse(variable.at, what + "what a lambda makes; write its type instead of auto");
    if (hides_[index] && options_.hoist)
      refuse(variable.at, variable.name + " hides the " + variable.name + " of line " +
                              line_of(reader_.token(coroutine_.variables[*hides_[index]].at)) +
                              "; one of them needs another name");
    if (variable.reference == "&&")
      refuse(variable.at, what + "a reference to what may be gone; keep a value");
    if (!variable.reference.empty()) {
      if (variable.wait || (!variable.from_range && !is_path(variable.initializer)))
        refuse(variable.at, what + "a reference to something without a name; keep a " +
                                (variable.is_const || variable.wait ? "value" : "pointer"));
      variable.place = Place::pointer;
    } else {
      variable.place = is_number_or_pointer(variable, reader_) ? Place::member : Place::optional;
    }
  }
  [[nodiscard]] bool is_lambda(const Variable& variable) const {
    return variable.is_auto && variable.form != Variable::Form::none &&
           reader_.is(variable.initializer.first, "[");
  }
  // name, a.b->c, a[i].b, X::y
  [[nodiscard]] bool is_path(Range range) const {
    bool name = true;  // is what has to come
    for (std::size_t i = range.first; i < range.last;) {
      if (name) {
        if (!reader_.is_free_name(i) && !reader_.is(i, "this")) return false;
        name = false;
        ++i;
      } else if (reader_.is(i, "[")) {
        i = reader_.behind_bracket(i);
      } else {
        if (!reader_.is(i, ".") && !reader_.is(i, "->") && !reader_.is(i, "::")) return false;
        name = true;
        ++i;
      }
    }
    return !range.empty() && !name;
  }
  // ---- What the members are called

  void name_members() {
    std::set<std::string, std::less<>> taken;
    for (std::size_t i = coroutine_.range.first; i < coroutine_.range.last; ++i)
      if (reader_.is_name(i)) taken.emplace(reader_.token(i).text);
    std::unordered_map<std::string, int> numbers;  // of those with the same name
    std::set<std::string> constants;
    int unnamed = 0;
    for (Variable& variable : coroutine_.variables) {
      if (variable.place == Place::local) continue;
      if (variable.name.empty()) variable.name = "unnamed_" + std::to_string(++unnamed);
      if (variable.is_constexpr) {  // keeps its name: it may stand in a type
        variable.kept_name = variable.name;
        if (!constants.insert(variable.name).second)
          refuse(variable.at, "two constants named " + variable.name + " are kept; rename one");
        continue;
      }
      // Two underscores in a row would be a name that is reserved.
      std::string plain = variable.name.substr(0, variable.name.find_last_not_of('_') + 1);
      variable.kept_name = plain + "_";
      for (int& number = numbers.try_emplace(plain, 1).first->second;
           is_own_name(variable.kept_name) || !taken.insert(variable.kept_name).second;)
        variable.kept_name = plain + "_" + std::to_string(++number) + "_";
    }
  }

  Coroutine& coroutine_;
  const Reader& reader_;
  const Options& options_;
  Meanings meanings_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> visible_;
  std::vector<std::size_t> order_;  // of all that is visible now, as declared
  int copying_lambdas_ = 0;
  std::vector<std::pair<std::size_t, std::size_t>> copied_with_this_;  // variable and token
  std::set<std::string_view> own_types_;

  std::size_t clock_ = 0;
  std::size_t waited_ = 0;     // when the last wait was on some path to here
  std::size_t waited_at_ = 0;  // which one
  std::size_t segment_ = 0;
  std::size_t segments_ = 0;

  // Of each variable:
  std::vector<std::size_t> scope_end_;             // the token behind its scope
  std::vector<std::optional<std::size_t>> hides_;  // another one of the same name
  std::vector<std::size_t> declared_;              // when
  std::vector<std::size_t> segment_of_;            // where
  std::vector<bool> crosses_;                      // used in another segment
  std::vector<std::optional<Use>> expired_;        // its first use behind a wait
  std::vector<bool> has_lambda_;                   // in its initializer
};

}  // namespace

Meanings resolve(Coroutine& coroutine, const Reader& reader, const Options& options) {
  return Resolver(coroutine, reader, options).run();
}

bool is_number_or_pointer(const Variable& variable, const Reader& reader) {
  if (variable.is_pointer) return true;
  constexpr std::array<std::string_view, 26> numbers = {
      "bool",    "char",     "short",    "int",       "long",     "float",    "double",
      "signed",  "unsigned", "size_t",   "ptrdiff_t", "int8_t",   "int16_t",  "int32_t",
      "int64_t", "uint8_t",  "uint16_t", "uint32_t",  "uint64_t", "intptr_t", "uintptr_t",
      "char8_t", "char16_t", "char32_t", "wchar_t",   "byte"};
  for (std::size_t i = variable.type.first; i < variable.type.last; ++i) {
    std::string_view word = reader.token(i).text;
    if (word == "std" || word == "::" || word == "const" || word == "constexpr") continue;
    if (std::find(numbers.begin(), numbers.end(), word) == numbers.end()) return false;
  }
  return true;
}

bool moves_from(const Variable& variable, const Reader& reader) {
  return variable.reference.empty() && !variable.is_static &&
         !is_number_or_pointer(variable, reader);
}

bool completes(const Statement& statement, const Reader& reader) {
  auto all_complete = [&](const std::vector<Statement>& list) {
    return std::all_of(list.begin(), list.end(),
                       [&](const Statement& one) { return completes(one, reader); });
  };
  switch (statement.kind) {
    case Kind::return_statement:
    case Kind::break_statement:
    case Kind::continue_statement:
      return false;
    case Kind::expression:
      return !reader.token(statement.range.first).is("throw");
    case Kind::block:
      return all_complete(statement.parts);
    case Kind::branch:
      return statement.parts.size() < 2 || completes(statement.parts[0], reader) ||
             completes(statement.parts[1], reader);
    default:
      return true;
  }
}
