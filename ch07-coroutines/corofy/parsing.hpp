#pragma once
// The parser itself, by recursive descent: a function for each kind of thing that may stand in a
// coroutine. They all move at_ on. parser.cpp finds the coroutines, and declarations.cpp,
// expressions.cpp and statements.cpp read what is in them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reader.hpp"
#include "syntax.hpp"

class Parser {
 public:
  explicit Parser(const Reader& reader) : reader_(reader) {}

  // All coroutines of the file.
  std::vector<Coroutine> run();

 private:
  [[noreturn]] void refuse(std::size_t at, const std::string& reason) const {
    throw Refusal(reader_.token(at).at, reason);
  }
  [[nodiscard]] std::string text(std::size_t at) const {
    return std::string(reader_.token(at).text);
  }
  [[nodiscard]] bool at_end() const { return reader_.token(at_).kind == Token::Kind::end; }
  [[nodiscard]] bool is(std::string_view word) const { return reader_.is(at_, word); }
  bool take(std::string_view word) {
    if (!is(word)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) refuse(at_, "there should be a " + std::string(word) + " here");
  }
  // So that no input can use up the stack.
  struct Nested {
    static constexpr int most = 200;  // blocks and lambdas in each other
    Nested(Parser& owner, std::size_t at) : parser(owner) {
      if (parser.depth_ >= most) parser.refuse(at, "this is nested too deeply");
      ++parser.depth_;
    }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
    ~Nested() { --parser.depth_; }
    Parser& parser;
  };

  // parser.cpp: where a coroutine begins, and what stands in front of its body
  [[nodiscard]] bool opens_namespace(std::size_t brace) const;
  [[nodiscard]] bool begins_coroutine(std::size_t at) const;
  [[nodiscard]] bool lacks_type(std::size_t at) const;
  void check_place(std::size_t at, bool in_namespace) const;
  Coroutine coroutine();
  void result_type();
  void parameters();
  void check_words(Range range) const;
  std::size_t add(Variable variable);

  // declarations.cpp
  bool specifiers(std::size_t& at, Variable& variable) const;
  void pointers(std::size_t& at, Variable& variable) const;
  bool begins_declaration(std::size_t& at, Variable& variable) const;
  std::vector<Statement> declarations(const Variable& first, Range range);
  Statement declaration(Variable variable, std::size_t first, std::size_t end);
  void initializer(Variable& variable, Statement& statement, std::size_t end);
  Statement special(std::size_t first);
  void check_type_alone() const;
  void check_declarator() const;

  // expressions.cpp
  Expression expression(Range range, bool whole);
  Expression wait(Range range);
  Expression until_semicolon();
  [[nodiscard]] std::size_t right_side(Range range) const;
  [[nodiscard]] bool is_wait(std::size_t at) const {
    if (!reader_.is(at, "wait")) return false;
    // wait ::f() is one, but wait::f() is not.
    bool global =
        reader_.is(at + 1, "::") && reader_.token(at + 1).offset > reader_.token(at).end_offset();
    return global ? !reader_.qualifies(at - 1) : reader_.stands_alone(at);
  }
  [[noreturn]] void refuse_wait(std::size_t at) const;
  void check_operand(Range operand) const;
  [[nodiscard]] bool begins_arguments(std::size_t at) const;
  [[nodiscard]] std::size_t lambda_body(std::size_t at, Range range) const;
  Lambda lambda(std::size_t at, std::size_t body);
  void lambda_captures(Lambda& result, Range inside);
  void lambda_parameters(Lambda& result, Range inside);
  std::size_t name_in_lambda(std::size_t at);

  // statements.cpp
  Statement block();
  Statement body();
  std::vector<Statement> statements();
  Statement one_statement();
  Statement branch();
  Statement loop();
  void counting(Statement& loop, std::size_t close);
  void each(Statement& loop, std::size_t close);
  Statement do_loop();
  Statement switch_statement();
  Statement case_label();
  Statement try_statement();
  Statement handler();
  void condition(Statement& statement, Range range);
  void note_wait(Statement& statement, std::size_t waits_before) const;
  static void add_part(Statement& statement, Statement part);
  static void declare_inside(Statement& loop);

  const Reader& reader_;
  std::size_t at_ = 0;
  std::size_t block_end_ = 0;  // the brace that closes the block; no statement goes beyond it
  int depth_ = 0;
  Coroutine* coroutine_ = nullptr;      // the one that is being read
  std::vector<std::string> forbidden_;  // why no wait may stand here, the innermost last
};
