// Declarations, which C++ tells from expressions by what names mean. We go by how they look.

#include <algorithm>
#include <array>
#include <utility>

#include "parsing.hpp"

namespace {

constexpr std::array<std::string_view, 16> builtin_types = {
    "void", "bool", "char",  "char8_t", "char16_t", "char32_t", "wchar_t",  "short",
    "int",  "long", "float", "double",  "signed",   "unsigned", "__int128", "auto"};
constexpr std::array<std::string_view, 9> qualifiers = {"const",    "volatile",     "constexpr",
                                                        "static",   "thread_local", "inline",
                                                        "register", "typename",     "constinit"};

bool any_of(const auto& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

// The type without its * and &. False: this is none.
bool Parser::specifiers(std::size_t& at, Variable& variable) const {
  std::size_t i = at;
  bool named = false;
  bool builtin = false;
  while (true) {
    if (reader_.is_name(i) && any_of(qualifiers, reader_.token(i).text)) {
      variable.is_const |= reader_.is(i, "const") || reader_.is(i, "constexpr");
      variable.is_constexpr |= reader_.is(i, "constexpr");
      variable.is_static |= reader_.is(i, "static") || reader_.is(i, "thread_local");
      ++i;
    } else if (reader_.is_name(i) && any_of(builtin_types, reader_.token(i).text)) {
      if (named) return false;
      builtin = true;
      variable.is_auto |= reader_.is(i, "auto");
      ++i;
    } else if (named || builtin) {
      break;
    } else if (reader_.is(i, "decltype") && reader_.is(i + 1, "(")) {
      i = reader_.behind_bracket(i + 1);
      named = true;
    } else if (reader_.is(i, "::") || reader_.is_free_name(i)) {
      if (reader_.is(i, "::")) ++i;
      while (true) {
        if (!reader_.is_free_name(i)) return false;
        ++i;
        i = reader_.behind_angles(i);
        if (!reader_.is(i, "::")) break;
        ++i;
        if (reader_.is(i, "template")) ++i;
      }
      named = true;
    } else {
      return false;
    }
  }
  at = i;
  return true;
}

// The * and & behind it.
void Parser::pointers(std::size_t& at, Variable& variable) const {
  while (true) {
    if (reader_.is(at, "*")) {
      variable.is_pointer = true;
    } else if (reader_.is(at, "&") || reader_.is(at, "&&")) {
      variable.reference = std::string(reader_.token(at).text);
    } else if (!reader_.is(at, "const") && !reader_.is(at, "volatile")) {
      return;
    }
    ++at;
  }
}

// Does a declaration begin here? Then the type and what stands before the name are read.
bool Parser::begins_declaration(std::size_t& at, Variable& variable) const {
  std::size_t i = at;
  if (reader_.is(i, "wait")) return false;
  variable.type.first = i;
  if (!specifiers(i, variable)) return false;
  variable.type.last = i;
  variable.declarator.first = i;
  pointers(i, variable);
  if (variable.is_auto && reader_.is(i, "[") && !reader_.is(i + 1, "[")) {
    variable.is_binding = true;
  } else {
    if (!reader_.is_free_name(i)) return false;
    const Token& next = reader_.token(i + 1);
    bool fits = next.is("=") || next.is("(") || next.is("{") || next.is(";") || next.is(",") ||
                next.is("[") || next.is(":") || next.is(")");
    if (!fits) return false;
  }
  at = i;
  return true;
}

// One after the other: `int a = 1, *b = &a`. The range is all of it, with its attributes, and
// without its end; the type of the first one has been read.
std::vector<Statement> Parser::declarations(const Variable& first, Range range) {
  std::vector<Statement> result;
  result.push_back(declaration(first, range.first, range.last));
  while (at_ < range.last) {
    ++at_;  // the comma
    Variable next;
    next.type = first.type;
    next.is_auto = first.is_auto;
    next.is_const = first.is_const;
    next.is_constexpr = first.is_constexpr;
    next.is_static = first.is_static;
    next.declarator.first = at_;
    pointers(at_, next);
    if (!reader_.is_free_name(at_)) refuse(at_, "there should be the name of a variable here");
    result.push_back(declaration(std::move(next), next.declarator.first, range.last));
  }
  if (result.size() > 1)
    for (Statement& statement : result) statement.is_split = true;
  return result;
}

// From the name on.
Statement Parser::declaration(Variable variable, std::size_t first, std::size_t end) {
  Statement statement;
  statement.kind = Statement::Kind::declaration;
  variable.at = at_;
  std::vector<std::size_t> more;  // the other names of a structured binding
  if (variable.is_binding) {
    std::size_t behind = reader_.behind_bracket(at_);
    variable.at = at_ + 1;
    for (std::size_t i = at_ + 2; i + 1 < behind; ++i)
      if (reader_.is_free_name(i)) more.push_back(i);
    at_ = behind;
  } else {
    ++at_;
  }
  variable.name = text(variable.at);
  while (is("[")) {
    variable.is_array = true;
    at_ = reader_.behind_bracket(at_);
  }
  initializer(variable, statement, end);
  if (at_ < end && !is(","))
    refuse(at_, "this does not look like a declaration that can be taken apart");
  variable.declarator.last = at_;
  statement.range = {first, at_};
  statement.variables.push_back(add(variable));
  for (std::size_t i : more) {
    Variable other = variable;
    other.name = text(i);
    other.at = i;
    statement.variables.push_back(add(std::move(other)));
  }
  return statement;
}

void Parser::initializer(Variable& variable, Statement& statement, std::size_t end) {
  std::size_t waits = coroutine_->waits.size();
  if (take("=")) {
    variable.form = Variable::Form::assigned;
    variable.initializer = {at_, reader_.find({at_, end}, ",")};
    statement.expression = expression(variable.initializer, true);
    at_ = variable.initializer.last;
  } else if (is("(") || is("{")) {
    variable.form = is("(") ? Variable::Form::parentheses : Variable::Form::braces;
    std::size_t behind = reader_.behind_bracket(at_);
    variable.initializer = {at_ + 1, behind - 1};
    statement.expression = expression(variable.initializer, true);
    at_ = behind;
  }
  note_wait(statement, waits);
  variable.wait = statement.wait;
  if (!variable.wait) return;
  if (variable.is_static) refuse(variable.at, "what is static can't wait for its value");
  if (variable.reference == "&" && !variable.is_const)
    refuse(variable.at, "a reference to a result, which has no other name; keep a value");
}

// A type, a using: for the compiler, and only between two waits.
Statement Parser::special(std::size_t first) {
  check_type_alone();
  Statement result;
  result.kind = Statement::Kind::other;
  while (!is(";")) {
    if (at_end() || reader_.closes(at_)) refuse(first, "this does not end");
    std::size_t behind = reader_.opens(at_) ? reader_.behind_bracket(at_) : at_ + 1;
    for (; at_ < behind; ++at_)
      if (is_wait(at_)) refuse(at_, "a wait in a class is not supported");
  }
  expect(";");
  result.range = {first, at_};
  return result;
}

// struct stat status;  class Lock lock(mutex);  struct { int a; } both;
void Parser::check_type_alone() const {
  if (!is("struct") && !is("class") && !is("union") && !is("enum")) return;
  std::size_t i = at_ + 1;
  if (reader_.is(i, "struct") || reader_.is(i, "class")) ++i;  // enum class
  Variable variable;
  if (specifiers(i, variable)) pointers(i, variable);
  if (reader_.is_free_name(i) && !reader_.is(i, "final"))
    refuse(at_, "a variable is declared without the word " + text(at_));
  while (!reader_.is(i, "{") && !reader_.is(i, ";")) {
    if (i >= block_end_ || reader_.closes(i)) return;
    i = reader_.opens(i) ? reader_.behind_bracket(i) : i + 1;
  }
  if (reader_.is(i, ";")) return;
  i = reader_.behind_bracket(i);
  if (!reader_.is(i, ";")) refuse(i, "a variable is declared apart from its type");
}

// int (*function)(int);  It looks like an expression, and is none if the type is one of C++'s own.
void Parser::check_declarator() const {
  std::size_t i = at_;
  Variable variable;
  if (!specifiers(i, variable) || !reader_.is(i, "(")) return;
  if (any_of(builtin_types, reader_.token(i - 1).text) &&
      (reader_.is(i + 1, "*") || reader_.is(i + 1, "&")))
    refuse(i, "a declaration with brackets around its name is not supported; give its type a name");
}
