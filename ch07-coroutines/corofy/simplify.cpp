#include "simplify.hpp"

#include <iterator>
#include <utility>

#include "while_condition.hpp"

void simplify(Statement& statement) {
  if (!statement.waits) return;
  for (Statement& part : statement.parts) simplify(part);
  if (statement.kind == Statement::Kind::loop && !statement.tests_last && statement.wait)
    statement = while_condition(std::move(statement));
  if (statement.before.empty()) return;

  Statement block;
  block.kind = Statement::Kind::block;
  block.range = statement.range;
  block.waits = true;
  block.parts = std::exchange(statement.before, {});
  block.parts.push_back(std::move(statement));
  statement = std::move(block);
}
