// What the suite of ch07/corofy needs from your headers.

#include "testing/shape.hpp"

#include "while_condition.hpp"

NEEDS(Statement, while_condition(std::move(it)), Statement,
      "while_condition.hpp needs: Statement while_condition(Statement loop)");
