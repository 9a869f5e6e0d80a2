#pragma once
// Passes over the tree: what has several forms gets one, before anything is made of it.

#include "syntax.hpp"

// Rewrites everything that waits in the statement, so that
// - only a block declares variables: `for (int i = 0; …) …` becomes `{ int i = 0; for (; …) … }`,
// - only an if and a do loop wait in their condition (see while_condition.hpp).
void simplify(Statement& statement);
