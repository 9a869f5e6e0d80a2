#pragma once
// From a file with the words coroutine and wait to one that a compiler takes.

#include <string>
#include <string_view>

#include "options.hpp"

// The file with a state machine in the place of each coroutine; the same file if it has none.
// `name` is what the first line says that it was made of. Lines end as they do in the source. Takes
// time and memory in proportion to the size of the source. Throws Refusal for what is not
// supported, with the reason.
[[nodiscard]] std::string corofy(std::string_view source, const std::string& name,
                                 const Options& options);

// The states of each coroutine, and from which to which it may go: a table, or a graph in Mermaid's
// language. Throws Refusal like corofy().
enum class Explanation { table, mermaid };
[[nodiscard]] std::string explain(std::string_view source, Explanation form,
                                  const Options& options);
