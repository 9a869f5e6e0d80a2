#pragma once
// A folder that goes with the scope that made it.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "net/fd.hpp"

namespace course {

// What programs make in it goes with it, also when they are killed. Throws std::system_error.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::temp_directory_path() / "course-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw net::last_error(path_.c_str());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace course
