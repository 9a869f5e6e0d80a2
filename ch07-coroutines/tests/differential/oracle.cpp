// Writes a file for corofy with the compiler's own words instead: Co<T>, co_await, co_return.
//   oracle programs.cpp programs_oracle.cpp

#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "parser.hpp"
#include "reader.hpp"
#include "refusal.hpp"
#include "token.hpp"

namespace {

class Translation {
 public:
  Translation(std::string source) : source_(std::move(source)) {}

  std::string run() {
    for (const Coroutine& one : parse(reader_)) {
      replace(one.result.first - 1, "");
      replace(one.result.first, "Co<" + text(one.result.first));
      insert_behind(one.result.last - 1, ">");
      for (const Wait& wait : one.waits) replace(wait.at, "co_await");
      bool has_result = text(one.result.first) != "Unit";
      returns(one.body, has_result ? "" : " Unit{}");
      if (one.only_declared) continue;
      replace(one.range.last - 1, has_result ? "throw std::logic_error(\"" + one.name +
                                                   "() has ended without a result\");}"
                                             : "co_return Unit{};}");
    }
    std::string result = "#include \"co.hpp\"\n";
    std::size_t from = 0;
    for (const auto& [token, text] : replaced_) {
      result += source_.substr(from, tokens_[token].offset - from) + text;
      from = tokens_[token].end_offset();
    }
    return result + source_.substr(from);
  }

 private:
  [[nodiscard]] std::string text(std::size_t token) const {
    return std::string(tokens_[token].text);
  }
  void replace(std::size_t token, std::string text) { replaced_[token] = std::move(text); }
  void insert_behind(std::size_t token, const std::string& more) {
    if (!replaced_.contains(token)) replaced_[token] = text(token);
    replaced_[token] += more;
  }

  // Those of the coroutine, which are statements of its tree; those of lambdas are not.
  void returns(const Statement& statement, const std::string& value) {
    if (statement.kind == Statement::Kind::return_statement) {
      std::size_t at = statement.range.first;
      while (!tokens_[at].is("return")) ++at;
      replace(at, statement.expression.range.empty() ? "co_return" + value : "co_return");
    }
    for (const Statement& part : statement.parts) returns(part, value);
  }

  std::string source_;
  std::vector<::Token> tokens_ = tokenize(source_);
  Reader reader_{tokens_};
  std::map<std::size_t, std::string> replaced_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream in(argv[1]);
  std::string source{std::istreambuf_iterator<char>(in), {}};
  try {
    std::ofstream(argv[2]) << Translation(source).run() << std::flush;
  } catch (const Refusal& refusal) {
    std::cerr << argv[1] << ':' << refusal.at().line << ": " << refusal.what() << '\n';
    return 1;
  }
  return 0;
}
