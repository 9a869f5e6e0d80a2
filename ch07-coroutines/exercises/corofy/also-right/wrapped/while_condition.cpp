#include "while_condition.hpp"

#include <iterator>
#include <utility>

namespace {

Statement made(Statement::Kind kind, Range range, std::vector<Statement> parts = {}) {
  Statement statement;
  statement.kind = kind;
  statement.range = range;
  statement.parts = std::move(parts);
  for (const Statement& part : statement.parts) statement.waits |= part.waits;
  return statement;
}

}  // namespace

// The test comes in front of what the body has, in one block.
Statement while_condition(Statement loop) {
  using Kind = Statement::Kind;
  Statement leave = made(Kind::break_statement, loop.range);
  Statement test = made(Kind::branch, loop.range, {made(Kind::block, loop.range, {leave})});
  test.expression = std::move(loop.expression);
  test.wait = std::exchange(loop.wait, std::nullopt);
  test.waits = test.negated = true;
  loop.expression = {};

  Statement body = std::move(loop.parts.front());
  std::vector<Statement> parts{std::move(test)};
  if (body.kind == Kind::block)
    parts.insert(parts.end(), std::make_move_iterator(body.parts.begin()),
                 std::make_move_iterator(body.parts.end()));
  else
    parts.push_back(std::move(body));
  loop.parts = {made(Kind::block, loop.range, std::move(parts))};
  return loop;
}
