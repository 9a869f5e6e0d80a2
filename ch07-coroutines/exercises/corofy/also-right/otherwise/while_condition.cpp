#include "while_condition.hpp"

#include <utility>

// while (true) { if (wait more()) body else break; }
Statement while_condition(Statement loop) {
  Statement leave;
  leave.kind = Statement::Kind::break_statement;
  leave.range = loop.range;

  Statement otherwise;
  otherwise.kind = Statement::Kind::block;
  otherwise.range = loop.range;
  otherwise.parts = {leave};

  Statement test;
  test.kind = Statement::Kind::branch;
  test.range = loop.range;
  test.expression = loop.expression;
  test.wait = loop.wait;
  test.waits = true;
  test.parts = {loop.parts.front(), otherwise};

  Statement round;
  round.kind = Statement::Kind::block;
  round.range = loop.range;
  round.waits = true;
  round.parts = {test};

  loop.expression = {};
  loop.wait.reset();
  loop.parts = {round};
  return loop;
}
