#include "propagate/files.hpp"

#include <fstream>
#include <system_error>

#include "course/failure.hpp"
#include "text/lines.hpp"

namespace propagate {

namespace fs = std::filesystem;

Content read(const fs::path& file) {
  std::error_code error;
  fs::file_status status = fs::symlink_status(file, error);
  if (status.type() == fs::file_type::not_found) return std::nullopt;
  if (!fs::is_regular_file(status))
    throw course::Failure(file.string() + " is not a regular file: propagate leaves it alone");
  return text::read_file(file);
}

void write(const fs::path& file, const Content& content) {
  if (!content) {
    fs::remove(file);
    return;
  }
  fs::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream << *content;
  stream.close();
  if (!stream) throw course::Failure("cannot write " + file.string());
}

}  // namespace propagate
