#include "while_condition.hpp"

#include <utility>

Statement while_condition(Statement loop) {
  Statement leave;
  leave.kind = Statement::Kind::break_statement;
  leave.range = loop.range;

  Statement then;
  then.kind = Statement::Kind::block;
  then.range = loop.range;
  then.parts.push_back(std::move(leave));

  Statement test;
  test.kind = Statement::Kind::branch;
  test.range = loop.range;
  test.expression = std::exchange(loop.expression, {});
  test.wait = std::exchange(loop.wait, std::nullopt);
  test.waits = true;
  test.negated = true;
  test.parts.push_back(std::move(then));

  Statement round;
  round.kind = Statement::Kind::block;
  round.range = loop.range;
  round.waits = true;
  round.parts.push_back(std::move(test));
  for (Statement& one : loop.parts.front().parts) round.parts.push_back(std::move(one));
  loop.parts.front() = std::move(round);
  return loop;
}
