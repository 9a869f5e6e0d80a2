// Expressions: of interest are the waits and the lambdas in them.

#include <algorithm>
#include <array>
#include <utility>

#include "parsing.hpp"

namespace {

bool any_of(const auto& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

// `whole`: a wait may be all of it. Else it is only told why not.
Expression Parser::expression(Range range, bool whole) {
  if (whole && !range.empty() && is_wait(range.first) && forbidden_.empty()) return wait(range);
  Expression result;
  result.range = range;
  for (std::size_t i = range.first; i < range.last;) {
    if (is_wait(i)) refuse_wait(i);
    if (std::size_t body = lambda_body(i, range)) {
      result.lambdas.push_back(lambda(i, body));
      i = reader_.behind_bracket(body);
    } else {
      ++i;
    }
  }
  return result;
}

Expression Parser::wait(Range range) {
  Range operand{range.first + 1, range.last};
  check_operand(operand);
  forbidden_.emplace_back("a wait inside another one is not supported");
  Expression waited_for = expression(operand, false);
  forbidden_.pop_back();
  Expression result{range, waited_for.lambdas};
  coroutine_->waits.push_back({range.first, std::move(waited_for)});
  return result;
}

// Up to the semicolon, which is taken, too. A wait may be all of it, or stand behind "=".
Expression Parser::until_semicolon() {
  std::size_t first = at_;
  std::size_t end = reader_.find({at_, block_end_}, ";");
  if (end == block_end_) refuse(first, "this statement does not end");
  Expression result;
  std::size_t right = right_side({first, end});
  if (right != first && is_wait(right)) {
    result = expression({first, right}, false);
    for (Lambda& one : expression({right, end}, true).lambdas)
      result.lambdas.push_back(std::move(one));
    result.range.last = end;
  } else {
    result = expression({first, end}, true);
  }
  at_ = end + 1;
  return result;
}

// What follows the last assignment of x = y = …; else the beginning.
std::size_t Parser::right_side(Range range) const {
  std::size_t result = range.first;
  for (std::string_view word : {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<="})
    for (std::size_t i = reader_.find(range, word); i < range.last;
         i = reader_.find({i + 1, range.last}, word))
      result = std::max(result, i + 1);
  return result;
}

// ---- Waits

// Of a call, a cast or a declaration, or those of an if or a loop: not just brackets.
bool Parser::begins_arguments(std::size_t at) const {
  const Token& before = reader_.token(at - 1);
  return (before.kind == Token::Kind::identifier && !before.is("return")) || before.is(")") ||
         before.is("]") || before.is("}") || before.is(">");
}

void Parser::refuse_wait(std::size_t at) const {
  const std::string advice = "; give the result a name first: auto x = wait …;";
  if (!forbidden_.empty()) refuse(at, forbidden_.back());
  const Token& before = reader_.token(at - 1);
  if (before.is("!") || before.is("not")) {
    bool loop = reader_.is(at - 3, "while") || reader_.is(at - 2, ";");
    refuse(at, "a wait behind " + text(at - 1) + " is not supported; give the result a name " +
                   (loop ? "in each round: auto x = wait …; if (x) break;"
                         : "first: auto x = wait …; and then !x"));
  }
  bool may_end = before.is(")") || before.is("]") || reader_.is_free_name(at - 1);
  if (may_end && before.at.line < reader_.token(at).at.line)
    refuse(at, "a wait behind something else; is a ; missing in front of it?");
  if (before.is("(") && !begins_arguments(at - 1)) {
    const Token& behind = reader_.token(reader_.behind_bracket(at - 1));
    if (behind.is(";") || behind.is(")"))
      refuse(at, "a wait in brackets of its own is not supported; leave them out");
  }
  if (before.is("&&") || before.is("||") || before.is("and") || before.is("or") || before.is("?") ||
      before.is(":"))
    refuse(at, "a wait that is not always reached (&&, ||, ?:) is not supported" + advice);
  if (before.is("(") || before.is(",") || before.is("{") || before.is("["))
    refuse(at, "a wait in brackets, as an argument is, is not supported" + advice);
  refuse(at, "a wait as a part of a larger expression is not supported" + advice);
}

// What is waited for is all that follows, so nothing may be done with the result behind it.
void Parser::check_operand(Range operand) const {
  constexpr std::array<std::string_view, 33> binary = {
      "+",  "-",  "*",  "/",   "%",   "^",  "&",   "|",      "<<",    ">",   "<",
      "<=", ">=", "==", "!=",  "<=>", "=",  "+=",  "-=",     "*=",    "/=",  "%=",
      "^=", "&=", "|=", "<<=", ",",   ".*", "->*", "bitand", "bitor", "xor", "not_eq"};
  constexpr std::array<std::string_view, 5> conditional = {"&&", "||", "?", "and", "or"};
  const std::string advice = " is not supported; give the result a name first: auto x = wait …;";
  bool begun = false;  // before it, an operator is one of a prefix
  bool ended = false;  // what follows has to be an operator
  for (std::size_t i = operand.first; i < operand.last;) {
    if (std::size_t behind = reader_.behind_arguments(i); behind != i) {
      i = behind;
      continue;
    }
    const Token& token = reader_.token(i);
    if (begun && token.kind != Token::Kind::literal) {
      if (any_of(conditional, token.text)) refuse(i, "a wait beside " + text(i) + advice);
      if (any_of(binary, token.text))
        refuse(operand.first - 1,
               "a wait as a part of a larger expression (here with " + text(i) + ")" + advice);
    }
    bool apart = token.offset > reader_.token(i - 1).end_offset();
    if (ended && apart && token.kind == Token::Kind::identifier)
      refuse(i, "what is waited for has ended in front of this; is a ; missing?");
    ended = reader_.is_free_name(i) || (ended && reader_.opens(i));
    begun = begun || token.kind != Token::Kind::punctuation || reader_.opens(i);
    i = reader_.opens(i) ? reader_.behind_bracket(i) : i + 1;
  }
  if (!begun) refuse(operand.first - 1, "what shall it wait for?");
}

// ---- Lambdas

// The "{" of the lambda that begins at `at`, or 0.
std::size_t Parser::lambda_body(std::size_t at, Range range) const {
  if (!reader_.is(at, "[") || reader_.is(at + 1, "[")) return 0;
  if (at > range.first) {
    const Token& before = reader_.token(at - 1);
    bool operand =
        before.kind == Token::Kind::number || before.kind == Token::Kind::literal ||
        before.is(")") || before.is("]") || before.is("}") || before.is("[") ||
        (before.kind == Token::Kind::identifier && !before.is("return") && !before.is("and") &&
         !before.is("or") && !before.is("not") && !before.is("throw") && !before.is("wait"));
    if (operand) return 0;  // an index
  }
  std::size_t i = reader_.behind_bracket(at);
  if (reader_.is(i, "<")) i = reader_.behind_angles(i);
  if (reader_.is(i, "(")) i = reader_.behind_bracket(i);
  while (i < range.last && !reader_.is(i, "{")) {  // mutable noexcept -> std::vector<int>
    bool index = reader_.is(i, "[") && !reader_.is(i + 1, "[");
    if (reader_.is(i, ";") || reader_.is(i, ",") || index || reader_.closes(i)) return 0;
    i = reader_.opens(i) ? reader_.behind_bracket(i) : i + 1;
  }
  return i < range.last ? i : 0;
}

Lambda Parser::lambda(std::size_t at, std::size_t body) {
  Nested nested(*this, at);
  Lambda result;
  std::size_t behind = reader_.behind_bracket(at);
  result.captures = {at, behind};
  lambda_captures(result, {at + 1, behind - 1});
  if (reader_.is(behind, "<")) behind = reader_.behind_angles(behind);
  if (reader_.is(behind, "("))
    lambda_parameters(result, {behind + 1, reader_.behind_bracket(behind) - 1});
  std::size_t resume = at_;
  at_ = body;
  forbidden_.emplace_back(std::string("a wait in a lambda is not supported; ") +
                          (reader_.is(reader_.behind_bracket(body), "(")
                               ? "write what it does without the lambda"
                               : "make it a coroutine"));
  result.body.push_back(block());
  forbidden_.pop_back();
  at_ = resume;
  return result;
}

// What it keeps: [=], [&], [x], [&x], [x = …], [this]
void Parser::lambda_captures(Lambda& result, Range inside) {
  for (std::size_t i = inside.first; i < inside.last;) {
    std::size_t end = reader_.find({i, inside.last}, ",");
    std::size_t name = reader_.is(i, "&") ? i + 1 : i;
    if (reader_.is(i, "=")) result.copies_all = true;
    if (name < end && reader_.is_free_name(name)) {
      if (name + 1 == end) {
        result.captured.push_back(name);
      } else {  // its initializer belongs to the code around it
        std::size_t from = reader_.is(name + 1, "=") ? name + 2 : name + 1;
        for (Lambda& inner : expression({from, end}, false).lambdas)
          result.body.push_back(std::move(inner.body.front()));
      }
      result.variables.push_back(name_in_lambda(name));
    }
    i = end + 1;
  }
}

void Parser::lambda_parameters(Lambda& result, Range inside) {
  for (std::size_t i = inside.first; i < inside.last; ++i) {
    bool last = i + 1 == inside.last || reader_.is(i + 1, ",") || reader_.is(i + 1, "=");
    bool typed = i > inside.first && !reader_.is(i - 1, ",") && !reader_.is(i - 1, "=") &&
                 !reader_.is(i - 1, "::");
    if (last && typed && reader_.is_free_name(i)) result.variables.push_back(name_in_lambda(i));
  }
}

std::size_t Parser::name_in_lambda(std::size_t at) {
  Variable variable;
  variable.name = text(at);
  variable.at = at;
  variable.in_lambda = true;
  return add(std::move(variable));
}
