// Statements, with their parts.

#include <algorithm>
#include <iterator>
#include <utility>

#include "parsing.hpp"

Statement Parser::block() {
  Nested nested(*this, at_);
  Statement result;
  result.kind = Statement::Kind::block;
  result.range.first = at_;
  std::size_t outer_end = std::exchange(block_end_, reader_.behind_bracket(at_) - 1);
  ++at_;
  while (at_ < block_end_)
    for (Statement& one : statements()) add_part(result, std::move(one));
  at_ = std::exchange(block_end_, outer_end) + 1;
  result.range.last = at_;
  return result;
}

// The part of an if or a loop, as a block: what it declares ends with it.
Statement Parser::body() {
  if (is("{")) return block();
  Nested nested(*this, at_);
  Statement result;
  result.kind = Statement::Kind::block;
  result.range.first = at_;
  for (Statement& one : statements()) add_part(result, std::move(one));
  result.range.last = at_;
  return result;
}

void Parser::add_part(Statement& statement, Statement part) {
  statement.waits |= part.waits;
  statement.parts.push_back(std::move(part));
}

// One, or several that are declared together.
std::vector<Statement> Parser::statements() {
  std::size_t first = at_;
  while (is("[") && reader_.is(at_ + 1, "[")) at_ = reader_.behind_bracket(at_);  // an attribute
  if (at_end() || reader_.closes(at_)) refuse(at_, "this closes nothing");
  if (is("goto") || (reader_.is_free_name(at_) && reader_.is(at_ + 1, ":")))
    refuse(at_, "goto and its labels are not supported");
  if (is("alignas")) refuse(at_, "alignas is not supported in a coroutine");
  for (std::string_view word : {"struct", "class", "union", "enum", "using", "typedef", "asm",
                                "static_assert", "namespace", "extern", "template"})
    if (is(word)) return {special(first)};

  Variable variable;
  if (std::size_t name = at_; begins_declaration(name, variable)) {
    at_ = name;
    std::size_t end = reader_.find({at_, block_end_}, ";");
    std::vector<Statement> result = declarations(variable, {first, end});
    expect(";");
    if (result.size() == 1) result.front().range.last = at_;
    return result;
  }
  check_declarator();
  Statement result = one_statement();
  result.range.first = first;
  return {std::move(result)};
}

Statement Parser::one_statement() {
  Statement result;
  result.range.first = at_;
  std::size_t waits = coroutine_->waits.size();
  if (is("{")) {
    result = block();
  } else if (take(";")) {
    result.kind = Statement::Kind::empty;
  } else if (is("if")) {
    result = branch();
  } else if (is("while") || is("for")) {
    result = loop();
  } else if (is("do")) {
    result = do_loop();
  } else if (is("switch")) {
    result = switch_statement();
  } else if (is("try")) {
    result = try_statement();
  } else if (is("case") || is("default")) {
    result = case_label();
  } else if (take("break")) {
    result.kind = Statement::Kind::break_statement;
    expect(";");
  } else if (take("continue")) {
    result.kind = Statement::Kind::continue_statement;
    expect(";");
  } else {
    result.kind = take("return") ? Statement::Kind::return_statement : Statement::Kind::expression;
    result.expression = until_semicolon();
    note_wait(result, waits);
  }
  result.range.last = at_;
  return result;
}

// Has a wait been read that is the statement's own?
void Parser::note_wait(Statement& statement, std::size_t waits_before) const {
  if (coroutine_->waits.size() == waits_before) return;
  statement.wait = waits_before;
  statement.waits = true;
}

// What stands in the brackets of an if or a while: a declaration, or an expression.
void Parser::condition(Statement& statement, Range range) {
  Variable variable;
  std::size_t waits = coroutine_->waits.size();
  if (at_ = range.first; begins_declaration(at_, variable)) {
    std::vector<Statement> declared = declarations(variable, range);
    if (declared.size() != 1 || declared[0].variables.size() != 1)
      refuse(range.first, "a condition declares one variable");
    // What is tested is the variable.
    std::size_t name = coroutine_->variables[declared[0].variables[0]].at;
    statement.expression.range = {name, name + 1};
    statement.waits |= declared[0].waits;
    statement.before.push_back(std::move(declared[0]));
  } else {
    statement.expression = expression(range, true);
    note_wait(statement, waits);
  }
  at_ = range.last;
}

Statement Parser::branch() {
  Nested nested(*this, at_);
  Statement result;
  result.kind = Statement::Kind::branch;
  std::size_t first = at_++;
  bool constant = take("constexpr");
  if (is("consteval") || is("!")) refuse(at_, "if consteval is not supported");
  if (!is("(")) refuse(at_, "there should be a ( here");
  std::size_t close = reader_.behind_bracket(at_) - 1;
  ++at_;
  if (reader_.find({at_, close}, ";") < close) result.before = statements();
  for (const Statement& one : result.before) result.waits |= one.waits;
  condition(result, {at_, close});
  at_ = close + 1;
  add_part(result, body());
  if (take("else")) add_part(result, body());
  if (constant && result.waits) refuse(first, "a wait in an if constexpr is not supported");
  result.range = {first, at_};
  return result;
}

// ---- Loops

Statement Parser::loop() {
  Nested nested(*this, at_);
  Statement result;
  result.kind = Statement::Kind::loop;
  std::size_t first = at_;
  bool is_for = is("for");
  ++at_;
  if (!is("(")) refuse(at_, "there should be a ( here");
  std::size_t close = reader_.behind_bracket(at_) - 1;
  ++at_;
  if (!is_for) {
    condition(result, {at_, close});
  } else {
    std::size_t semicolon = reader_.find({at_, close}, ";");
    bool two = semicolon < close && reader_.find({semicolon + 1, close}, ";") < close;
    two ? counting(result, close) : each(result, close);
  }
  at_ = close + 1;
  add_part(result, body());
  result.range = {first, at_};
  if (!is_for && result.waits && !result.before.empty()) declare_inside(result);
  return result;
}

// for (before; condition; last)
void Parser::counting(Statement& loop, std::size_t close) {
  std::vector<Statement> before = statements();
  for (const Statement& one : before) loop.waits |= one.waits;
  std::size_t end = reader_.find({at_, close}, ";");
  if (end == close) refuse(at_, "a for loop has three parts, or a colon");
  condition(loop, {at_, end});
  if (!loop.before.empty())
    refuse(loop.before.front().range.first,
           "a declaration in the condition of a for loop is not supported");
  loop.before = std::move(before);
  forbidden_.emplace_back("a wait in the third part of a for loop is not supported");
  loop.last = expression({end + 1, close}, false);
  forbidden_.pop_back();
}

// for (variable : all)
void Parser::each(Statement& loop, std::size_t close) {
  loop.kind = Statement::Kind::each;
  std::size_t colon = reader_.find({at_, close}, ":");
  if (colon == close) refuse(at_, "a for loop has three parts, or a colon");
  if (reader_.find({at_, colon}, ";") < colon) loop.before = statements();
  for (const Statement& one : loop.before) loop.waits |= one.waits;
  std::size_t first = at_;
  while (is("[") && reader_.is(at_ + 1, "[")) at_ = reader_.behind_bracket(at_);  // an attribute
  Variable variable;
  if (!begins_declaration(at_, variable))
    refuse(at_, "there should be a declaration in front of the colon");
  colon = reader_.find({at_, close}, ":");
  loop.variables = declarations(variable, {first, colon}).front().variables;
  for (std::size_t one : loop.variables) {
    coroutine_->variables[one].from_range = true;
    coroutine_->variables[one].initializer = {colon + 1, close};
  }
  forbidden_.emplace_back("a wait in the head of a range-based for is not supported");
  loop.expression = expression({colon + 1, close}, false);
  forbidden_.pop_back();
  at_ = close;
}

Statement Parser::do_loop() {
  Nested nested(*this, at_);
  Statement result;
  result.kind = Statement::Kind::loop;
  result.tests_last = true;
  result.range.first = at_++;
  add_part(result, body());
  expect("while");
  if (!is("(")) refuse(at_, "there should be a ( here");
  std::size_t close = reader_.behind_bracket(at_) - 1;
  std::size_t waits = coroutine_->waits.size();
  result.expression = expression({at_ + 1, close}, true);
  note_wait(result, waits);
  at_ = close + 1;
  expect(";");
  result.range.last = at_;
  return result;
}

// while (auto x = …) body  is  while (true) { auto x = …; if (!x) break; body }
void Parser::declare_inside(Statement& loop) {
  Statement leave;
  leave.kind = Statement::Kind::break_statement;
  Statement then;
  then.kind = Statement::Kind::block;
  then.range = loop.range;
  then.parts.push_back(std::move(leave));
  Statement test;
  test.kind = Statement::Kind::branch;
  test.range = loop.range;
  test.waits = true;  // it is one of ours, not a piece of the source
  test.negated = true;
  test.expression = std::exchange(loop.expression, {});
  test.parts.push_back(std::move(then));
  Statement round;
  round.kind = Statement::Kind::block;
  round.range = loop.range;
  round.waits = true;
  round.parts = std::exchange(loop.before, {});
  round.parts.push_back(std::move(test));
  for (Statement& one : loop.parts.front().parts) round.parts.push_back(std::move(one));
  loop.parts.front() = std::move(round);
}

// ---- Nothing in these may wait, but what they declare and where they leave to is of interest.

Statement Parser::switch_statement() {
  Nested nested(*this, at_);
  Statement result;
  result.kind = Statement::Kind::other;
  result.is_switch = true;
  result.range.first = at_++;
  if (!is("(")) refuse(at_, "there should be a ( here");
  forbidden_.emplace_back("a wait in a switch is not supported");
  std::size_t close = reader_.behind_bracket(at_) - 1;
  ++at_;
  if (reader_.find({at_, close}, ";") < close) result.before = statements();
  condition(result, {at_, close});
  at_ = close + 1;
  result.parts.push_back(body());
  forbidden_.pop_back();
  result.range.last = at_;
  return result;
}

Statement Parser::case_label() {
  Statement result;
  result.kind = Statement::Kind::empty;
  std::size_t first = at_;
  std::size_t colon = reader_.find({at_, block_end_}, ":");
  if (colon == block_end_) refuse(first, "this label does not end");
  result.expression = expression({first + 1, colon}, false);
  at_ = colon + 1;
  return result;
}

Statement Parser::try_statement() {
  Nested nested(*this, at_);
  Statement result;
  result.kind = Statement::Kind::other;
  result.range.first = at_++;
  if (!is("{")) refuse(at_, "there should be a { here");
  forbidden_.emplace_back("a wait in a try block is not supported");
  result.parts.push_back(block());
  forbidden_.back() = "a wait in a catch block is not supported";
  while (take("catch")) result.parts.push_back(handler());
  forbidden_.pop_back();
  result.range.last = at_;
  return result;
}

Statement Parser::handler() {
  if (!is("(")) refuse(at_, "there should be a ( here");
  std::size_t close = reader_.behind_bracket(at_) - 1;
  Statement result;
  result.kind = Statement::Kind::other;
  result.range.first = at_ + 1;
  Variable variable;
  if (std::size_t name = at_ + 1; begins_declaration(name, variable)) {
    at_ = name;
    result.before = declarations(variable, {result.range.first, close});
  }
  at_ = close + 1;
  if (!is("{")) refuse(at_, "there should be a { here");
  result.parts.push_back(block());
  result.range.last = at_;
  return result;
}
