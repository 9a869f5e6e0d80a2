// Fuzzes corofy: no input crashes it, what it makes can be read again, and a file without
// coroutines comes out as it was. An input is a byte of options, and the file; '@' has none of
// them, 'A' --hoist, 'B' --waker, 'D' --pin, 'G' all.

#include "corofy.hpp"

#include "fuzzing.hpp"
#include "parser.hpp"
#include "reader.hpp"
#include "refusal.hpp"
#include "token.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Options options{(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0};
  const std::string_view source(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string text;
  try {
    text = corofy(source, "main.cpp", options);
  } catch (const Refusal& refusal) {
    fuzzing::expect(refusal.at().line >= 1 && refusal.at().column >= 1, "the place is in the file");
    return 0;
  }
  const std::vector<Token> tokens = tokenize(source);
  const std::size_t coroutines = parse(Reader(tokens)).size();
  if (coroutines == 0) fuzzing::expect(text == source, "what has no coroutine stays as it is");
  fuzzing::expect(text.size() < 1'000'000 + 1'000 * source.size(), "the output is not endless");
  fuzzing::expect(corofy(text, "", options) == text, "what has been made has no coroutine left");
  for (Explanation form : {Explanation::table, Explanation::mermaid})
    fuzzing::expect(explain(source, form, options).empty() || coroutines > 0,
                    "there are states only in coroutines");
  return 0;
}
