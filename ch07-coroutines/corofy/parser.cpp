#include "parser.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "parsing.hpp"

std::vector<Coroutine> parse(const Reader& reader) { return Parser(reader).run(); }

std::vector<Coroutine> Parser::run() {
  std::vector<Coroutine> found;
  std::vector<bool> open;  // for each brace that is open: is it a namespace's?
  std::size_t others = 0;  // how many are not
  for (at_ = 0; !at_end();) {
    if (is("{")) {
      open.push_back(opens_namespace(at_));
      others += open.back() ? 0 : 1;
    } else if (is("}") && !open.empty()) {
      others -= open.back() ? 0 : 1;
      open.pop_back();
    } else if (begins_coroutine(at_)) {
      check_place(at_, others == 0);
      found.push_back(coroutine());
      continue;
    } else if (lacks_type(at_)) {
      refuse(at_, "a coroutine needs the type of its result: coroutine Unit " + text(at_ + 1) +
                      "(…), if it has none");
    }
    ++at_;
  }
  return found;
}

// namespace a::b {, namespace [[deprecated]] c {, extern "C" {
bool Parser::opens_namespace(std::size_t brace) const {
  if (brace > 1 && reader_.token(brace - 1).kind == Token::Kind::literal)
    return reader_.is(brace - 2, "extern");
  for (std::size_t i = brace; i > 0; --i) {
    const Token& before = reader_.token(i - 1);
    if (before.is("namespace")) return true;
    if (before.is(";") || before.is("{") || before.is("}")) return false;
    if (before.kind == Token::Kind::directive) return false;
  }
  return false;
}

// coroutine TYPE NAME (: no other code has two names in a row behind one that is called coroutine.
// The word alone may well be a name in ordinary code.
bool Parser::begins_coroutine(std::size_t at) const {
  if (!reader_.is(at, "coroutine") || !reader_.stands_alone(at)) return false;
  std::size_t behind = at + 1;
  while (reader_.is(behind, "[") && reader_.is(behind + 1, "["))
    behind = reader_.behind_bracket(behind);
  Variable probe;
  if (!specifiers(behind, probe)) return false;
  pointers(behind, probe);
  while (reader_.is_free_name(behind) && reader_.is(behind + 1, "::")) behind += 2;
  return reader_.is_free_name(behind) && reader_.is(behind + 1, "(");
}

// coroutine NAME (…) { … wait NAME: a function may well return a type called coroutine, but that
// one does not wait.
bool Parser::lacks_type(std::size_t at) const {
  if (!reader_.is(at, "coroutine") || !reader_.stands_alone(at)) return false;
  if (!reader_.is_free_name(at + 1) || !reader_.is(at + 2, "(") || !reader_.is_closed(at + 2))
    return false;
  std::size_t body = reader_.behind_bracket(at + 2);
  if (!reader_.is(body, "{") || !reader_.is_closed(body)) return false;
  bool waits = false;
  for (std::size_t i = body; i < reader_.behind_bracket(body); ++i) {
    const Token& behind = reader_.token(i + 2);
    waits |= is_wait(i) && reader_.is_free_name(i + 1) && !behind.is(";") && !behind.is("=");
    if (reader_.token(i).text.starts_with("co_")) return false;
  }
  return waits;
}

void Parser::check_place(std::size_t at, bool in_namespace) const {
  if (!in_namespace) refuse(at, "a coroutine stands in a namespace, not in a class or a function");
  std::size_t first = at;
  while (first > 0 && (reader_.is(first - 1, "inline") || reader_.is(first - 1, "static"))) --first;
  if (reader_.is(at + 1, "[")) refuse(at, "a coroutine can't have attributes");
  if (first == 0) return;
  const Token& before = reader_.token(first - 1);
  if (before.is(">")) refuse(at, "a coroutine can't be a template");
  if (before.is("]")) refuse(at, "a coroutine can't have attributes");
  bool fits =
      before.is(";") || before.is("}") || before.is("{") || before.kind == Token::Kind::directive;
  if (!fits)
    refuse(at, "in front of a coroutine there can be inline and static, not " +
                   std::string(before.text));
}

Coroutine Parser::coroutine() {
  Coroutine result;
  coroutine_ = &result;
  result.range.first = at_;
  while (result.range.first > 0 && (reader_.is(result.range.first - 1, "inline") ||
                                    reader_.is(result.range.first - 1, "static")))
    --result.range.first;
  result.prefix = {result.range.first, at_};
  ++at_;
  result_type();
  result.name_at = at_;
  result.name = text(at_++);
  if (is("::")) refuse(at_, "a coroutine stands in a namespace, not in a class or a function");
  std::size_t behind = reader_.behind_bracket(at_);
  check_words({at_, reader_.is(behind, "{") ? reader_.behind_bracket(behind) : behind});
  parameters();
  if (take(";")) {
    result.only_declared = true;
  } else {
    if (is("noexcept"))
      refuse(at_, "a coroutine can't be noexcept: what it throws is thrown where it is polled");
    if (is("->")) refuse(at_, "the type of the result stands in front of the coroutine's name");
    if (!is("{")) refuse(at_, "behind the parameters comes the body of the coroutine");
    result.body = block();
  }
  result.range.last = at_;
  return result;
}

void Parser::result_type() {
  Range& range = coroutine_->result;
  Variable type;
  range.first = at_;
  specifiers(at_, type);
  pointers(at_, type);
  range.last = at_;
  for (std::size_t i = range.first; i < range.last; ++i)
    for (std::string_view word : {"static", "inline", "constexpr", "thread_local", "register"})
      if (reader_.is(i, word)) refuse(i, text(i) + " does not stand behind the word coroutine");
  if (!type.reference.empty())
    refuse(range.first, "a coroutine can't return a reference; return a pointer");
  if (!type.is_pointer && reader_.is(range.last - 1, "void"))
    refuse(range.first, "a coroutine without a result returns Unit");
  if (type.is_auto)
    refuse(range.first, "a coroutine needs the type of its result here, in place of auto");
}

void Parser::parameters() {
  std::size_t close = reader_.behind_bracket(at_) - 1;
  ++at_;
  if (reader_.is(at_, "void") && at_ + 1 == close) ++at_;
  while (at_ < close) {
    Variable parameter;
    parameter.type.first = at_;
    if (is("...")) refuse(at_, "a coroutine can't have a variable number of parameters");
    if (is("[")) refuse(at_, "the parameter of a coroutine can't have attributes");
    if (!specifiers(at_, parameter)) refuse(at_, "there should be the type of a parameter here");
    if (parameter.is_auto) refuse(parameter.type.first, "a coroutine can't be a template");
    parameter.type.last = at_;
    parameter.declarator.first = at_;
    pointers(at_, parameter);
    if (is("...")) refuse(at_, "a coroutine can't have a variable number of parameters");
    parameter.at = at_;
    if (reader_.is_free_name(at_)) parameter.name = text(at_++);
    if (parameter.reference == "&&")
      refuse(parameter.type.first, "a coroutine takes by value what it is to keep");
    parameter.declarator.last = at_;
    if (take("=")) {
      parameter.form = Variable::Form::assigned;
      parameter.initializer = {at_, reader_.find({at_, close}, ",")};
      at_ = parameter.initializer.last;
    }
    if (at_ < close && !is(","))
      refuse(at_, "a parameter of a coroutine is a type and a name; " + text(at_) +
                      " is more than that");
    take(",");
    parameter.place = Variable::Place::member;
    coroutine_->parameters.push_back(add(std::move(parameter)));
  }
  at_ = close + 1;
}

// What can't stand anywhere in a coroutine.
void Parser::check_words(Range range) const {
  for (std::size_t i = range.first; i < range.last; ++i) {
    const Token& token = reader_.token(i);
    if (token.kind == Token::Kind::directive)
      refuse(i, "a preprocessor line can't stand in a coroutine");
    if (begins_coroutine(i))
      refuse(i, "a coroutine stands in a namespace, not in a class or a function");
    if (token.is("coroutine") && reader_.stands_alone(i))
      refuse(i, "in a coroutine the word coroutine can't be a name");
    if (token.is("co_await") || token.is("co_return") || token.is("co_yield"))
      refuse(i, text(i) + " is for the compiler's coroutines; here it is wait and return");
  }
}

std::size_t Parser::add(Variable variable) {
  coroutine_->variables.push_back(std::move(variable));
  return coroutine_->variables.size() - 1;
}
