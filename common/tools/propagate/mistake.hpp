#pragma once
// A known mistake of a stage: a header for people and tools, then a patch of the stage's files.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "propagate/files.hpp"

namespace propagate {

// Files of a stage by their names in its folder. No value: the stage has no such file.
using Files = std::map<std::string, Content>;

class Mistake {
 public:
  // `text` is the whole of the .patch file.
  explicit Mistake(const std::string& text);

  // The files that it changes.
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

  struct Applied {
    Files files;
    bool exact;  // false: not at the lines that the patch names
  };
  // No value: it does not apply to these files.
  [[nodiscard]] std::optional<Applied> apply_to(const Files& files) const;

  // The .patch file that makes `after` of `before`, with the header of this one.
  [[nodiscard]] std::string rewritten(const Files& before, const Files& after) const;

 private:
  std::string header_, patch_;
  std::vector<std::string> files_;
};

}  // namespace propagate
