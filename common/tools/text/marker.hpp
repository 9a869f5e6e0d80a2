#pragma once
// The markers: HTML comments that say what the fenced block below them shows. README.md beside this
// file describes them for authors.

#include <optional>
#include <string>
#include <string_view>

#include "text/lines.hpp"

namespace text {

struct Marker {
  enum class Kind {
    excerpt,  // file, perhaps from, perhaps to
    diff,     // stage, and either file, perhaps at, perhaps from and to; or an empty file: --stat
    run,      // command, perhaps from and to, and what may differ between two runs
  };
  Kind kind = Kind::excerpt;
  std::string text;     // as the author wrote it, in one line; messages name the block by it
  std::string file;     // of an excerpt: from the root; of a diff: inside the stage's folder
  std::string stage;    // such as "ch04/a"
  std::string command;  // for sh -c
  std::optional<std::string> from, to, at;
  Lines varies;            // regular expressions (ECMAScript) for what differs from run to run
  bool any_order = false;  // the run's lines may come in any order
  int exit = 0;            // the run's exit status
};

// Reads what stands between <!-- and -->. Nothing if it is an ordinary comment: if its first word
// is none of excerpt, diff and run. Throws Error if it is a marker with a mistake.
[[nodiscard]] std::optional<Marker> parse_marker(std::string_view comment);

}  // namespace text
