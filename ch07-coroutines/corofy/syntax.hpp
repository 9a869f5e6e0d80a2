#pragma once
// What the parser makes of a coroutine: a tree of its statements. Everything refers to the tokens
// of the file, so that it can be printed as it was written.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "token.hpp"

// Tokens from `first` to before `last`.
struct Range {
  std::size_t first = 0;
  std::size_t last = 0;

  [[nodiscard]] bool empty() const { return first >= last; }
};

// A variable of a coroutine: a parameter, a local variable, or a name in a lambda.
struct Variable {
  // Where it is in what we make of the coroutine.
  enum class Place {
    local,     // a local variable of one step
    member,    // a plain member: a parameter, a number, a pointer
    optional,  // a member that is there from its initializer to the end of its scope
    pointer    // a reference: a member that points to what it refers to
  };
  enum class Form { none, assigned, parentheses, braces };  // of its initializer

  std::string name;
  std::size_t at = 0;  // the token that names it
  Range type;          // const std::vector<int>
  Range declarator;    // *x = f()
  bool is_auto = false;
  bool is_const = false;
  bool is_constexpr = false;
  bool is_pointer = false;
  bool is_static = false;
  bool is_array = false;
  bool is_binding = false;  // auto [a, b] = …
  bool in_lambda = false;   // its parameter, or what it keeps by a name of its own
  std::string reference;    // "", "&" or "&&"
  Form form = Form::none;
  Range initializer;        // without "=" and brackets; in a declaration of `for (x : all)`: all
  bool from_range = false;  // … declared by `for (x : all)`
  std::optional<std::size_t> wait;  // its initializer is the result of this one

  Place place = Place::local;
  std::size_t scope_last = 0;  // the token behind its scope
  bool ends_at_wait = false;   // without --hoist: only kept as far as the next wait
  std::string kept_name;       // of the member
  std::string iterator;        // from_range: the member that has come so far
};

struct Statement;

// What a lambda keeps, and what it does when it is called.
struct Lambda {
  Range captures;  // with its brackets
  bool copies_all = false;
  std::vector<std::size_t> variables;  // the names that hide others in its body
  std::vector<std::size_t> captured;   // tokens: names that are kept as they are, [x] or [&x]
  std::vector<Statement> body;         // one block
};

struct Expression {
  Range range;
  std::vector<Lambda> lambdas;
};

struct Statement {
  enum class Kind {
    empty,
    expression,
    declaration,
    return_statement,
    break_statement,
    continue_statement,
    block,   // parts: its statements
    branch,  // if (expression); parts: then, and perhaps else, both blocks
    loop,    // while or for: (expression; last), do: tests_last; parts: the body, a block
    each,    // for (variable : expression); parts: the body, a block
    other    // a switch, a try: nothing in it waits; parts: the statements in it
  };

  Kind kind = Kind::empty;
  Range range;
  std::vector<Statement> before;  // what stands in the head in front of the condition
  Expression expression;          // the condition, the result, or all of it
  Expression last;                // the third part of a for loop
  std::vector<Statement> parts;
  std::vector<std::size_t> variables;  // those that it declares
  std::optional<std::size_t> wait;     // its own: whose result is tested, kept or returned
  bool waits = false;                  // a wait is in it, or in a part of it
  bool tests_last = false;             // do … while
  bool is_switch = false;              // other: a break in it leaves only it
  bool negated = false;                // if (!(…)): made by a pass, never by the parser
  bool is_split = false;               // one of several that were declared together
};

struct Wait {
  std::size_t at = 0;  // the token
  Expression operand;
};

struct Coroutine {
  Range range;   // from its first token to behind the closing brace
  Range prefix;  // "inline", "static" in front of the word coroutine
  Range result;  // the type
  std::string name;
  std::size_t name_at = 0;
  std::vector<std::size_t> parameters;
  std::vector<Variable> variables;
  std::vector<Wait> waits;     // in textual order
  Statement body;              // a block
  bool only_declared = false;  // coroutine int f(int);
};
