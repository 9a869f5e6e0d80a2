#pragma once
// Tells when somebody saves a file in a folder.

#include <chrono>
#include <filesystem>

#include "net/fd.hpp"

namespace course {

// From its construction on no change is missed. Files below subfolders, and what editors write for
// themselves, do not count. One thread at a time.
class FolderWatch {
 public:
  explicit FolderWatch(const std::filesystem::path& folder);  // throws std::system_error

  enum class News {
    none,
    changed,  // files were written, renamed or deleted; a burst of that is over
    gone,     // the folder was deleted or moved: there will be no more news
  };
  // Waits for news at most this long (and a little longer for the end of a burst).
  [[nodiscard]] News wait(std::chrono::milliseconds time);

 private:
  [[nodiscard]] News read() const;
  net::Fd queue_;
};

}  // namespace course
