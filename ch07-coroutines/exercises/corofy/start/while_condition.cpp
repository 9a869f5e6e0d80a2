#include "while_condition.hpp"

#include <stdexcept>

// The contract is in while_condition.hpp, and what a Statement is made of in syntax.hpp. The file
// can't be asked for new words: a break has no text of its own, and gets the loop's range. What
// holds a wait says so (Statement::waits), up to the loop.
Statement while_condition(Statement loop) {
  (void)loop;
  throw std::logic_error("while_condition() is yours to write");
}
