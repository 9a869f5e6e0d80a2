#include "plan.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace {

using Kind = Statement::Kind;
using Place = Variable::Place;

class Planner {
 public:
  Planner(Coroutine& coroutine, const Reader& reader, const Meanings& meanings,
          const OwnNames& names, Renderer& code)
      : coroutine_(coroutine), reader_(reader), meanings_(meanings), names_(names), code_(code) {}

  Plan run() {
    prepare(coroutine_.body);
    return std::move(plan_);
  }

 private:
  [[noreturn]] void refuse(std::size_t at, const std::string& reason) const {
    throw Refusal(reader_.token(at).at, reason);
  }

  void prepare(const Statement& statement) {
    for (const Statement& one : statement.before) prepare(one);
    prepare(statement.expression);
    prepare(statement.last);
    std::size_t first = statement.range.first;
    switch (statement.kind) {
      case Kind::return_statement:
        if (!statement.wait) prepare_return(statement);
        break;
      case Kind::break_statement:
        if (!loops_.empty() && loops_.back()) loops_.back()->is_left = true;
        break;
      case Kind::continue_statement:
        prepare_continue(first);
        break;
      case Kind::declaration:
        for (std::size_t one : statement.variables) note_kept(one);
        break;
      case Kind::loop:
      case Kind::each:
        prepare_loop(statement);
        return;
      case Kind::other:
        if (statement.is_switch) loops_.push_back(nullptr);
        for (const Statement& part : statement.parts) prepare(part);
        if (statement.is_switch) loops_.pop_back();
        return;
      default:
        break;
    }
    for (const Statement& part : statement.parts) prepare(part);
  }
  void note_kept(std::size_t index) {
    if (coroutine_.variables[index].place == Place::local) return;
    if (noted_.insert(index).second) plan_.kept.push_back(index);
  }
  void prepare_loop(const Statement& statement) {
    Loop& loop = plan_.loops[&statement];
    loop.waits = statement.waits;
    if (statement.kind == Kind::each && statement.parts.front().waits) {
      Iterators each{plan_.iterators.size() + 1, statement.range.first, statement.expression.range};
      for (std::size_t one : statement.variables)
        coroutine_.variables[one].iterator = "each_" + std::to_string(each.number) + "_";
      plan_.iterators.push_back(each);
    }
    for (std::size_t one : statement.variables) note_kept(one);
    std::size_t before = plan_.kept.size();
    bool counts_itself = statement.kind == Kind::each && before > 0 &&
                         !statement.variables.empty() &&
                         plan_.kept.back() == statement.variables.back();
    loops_.push_back(&loop);
    for (const Statement& part : statement.parts) prepare(part);
    loops_.pop_back();
    for (std::size_t i = counts_itself ? before - 1 : before; i < plan_.kept.size(); ++i)
      if (coroutine_.variables[plan_.kept[i]].place == Place::optional)
        loop.slots.push_back(plan_.kept[i]);
    bool late_test = statement.tests_last && statement.wait;
    loop.goes_on =
        late_test ||
        (counts_itself && coroutine_.variables[plan_.kept[before - 1]].place == Place::optional);
    auto pending = std::exchange(continues_[&loop], {});
    if (!loop.waits || pending.empty() || (loop.slots.empty() && !late_test)) return;
    loop.goes_on = true;
    loop.next = "next_" + std::to_string(++labels_);
    for (std::size_t token : pending) code_.replace(token, "goto " + loop.next);
  }
  // It belongs to the innermost loop; a switch in between does not matter.
  void prepare_continue(std::size_t token) {
    for (auto loop = loops_.rbegin(); loop != loops_.rend(); ++loop) {
      if (!*loop) continue;
      continues_[*loop].push_back(token);
      return;
    }
  }
  void prepare_return(const Statement& statement) {
    std::size_t first = statement.range.first;
    while (!reader_.is(first, "return")) ++first;  // behind an attribute
    const Expression& value = statement.expression;
    if (value.range.empty()) {
      if (result_ != "Unit") refuse(first, "this coroutine returns a value of type " + result_);
      code_.replace(first, "return " + names_.resolve + "(Unit{})");
      return;
    }
    // The name of a variable that ends here may be moved from, as in any function.
    std::optional<std::size_t> variable;
    if (value.range.first + 1 == value.range.last) variable = meanings_.of(value.range.first);
    bool moves = variable && moves_from(coroutine_.variables[*variable], reader_);
    bool has_comma = reader_.find(value.range, ",") < value.range.last;
    code_.replace(first, "return " + names_.resolve +
                             (moves       ? "(std::move("
                              : has_comma ? "(("
                                          : "("));
    code_.insert_behind(value.range.last - 1, moves || has_comma ? "))" : ")");
  }
  void prepare(const Expression& expression) {
    for (const Lambda& lambda : expression.lambdas) {
      for (std::size_t token : lambda.captured) {
        std::optional<std::size_t> index = meanings_.of(token);
        if (!index || coroutine_.variables[*index].place == Place::local ||
            coroutine_.variables[*index].in_lambda)
          continue;
        const Variable& kept = coroutine_.variables[*index];
        bool points = kept.place != Place::member;
        code_.replace(token, kept.name + " = " + (points ? "*" : "") + kept.kept_name);
      }
      for (const Statement& body : lambda.body) prepare_lambda(body);
    }
  }
  // Inside, return and continue are its own.
  void prepare_lambda(const Statement& statement) {
    for (const Statement& one : statement.before) prepare_lambda(one);
    prepare(statement.expression);
    prepare(statement.last);
    for (const Statement& part : statement.parts) prepare_lambda(part);
  }

  Coroutine& coroutine_;
  const Reader& reader_;
  const Meanings& meanings_;
  const OwnNames& names_;
  Renderer& code_;
  Plan plan_;
  std::set<std::size_t> noted_;  // what is in plan_.kept
  std::string result_ = code_.written(coroutine_.result);
  std::vector<Loop*> loops_;  // around what is prepared; nullptr: a switch
  std::map<const Loop*, std::vector<std::size_t>> continues_;  // their tokens
  int labels_ = 0;
};

}  // namespace

Plan make_plan(Coroutine& coroutine, const Reader& reader, const Meanings& meanings,
               const OwnNames& names, Renderer& code) {
  return Planner(coroutine, reader, meanings, names, code).run();
}
