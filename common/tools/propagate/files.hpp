#pragma once
// Files as whole texts.

#include <filesystem>
#include <optional>
#include <string>

namespace propagate {

// What a file holds, or no value if there is none.
using Content = std::optional<std::string>;

// Both throw course::Failure with the name: if it cannot be read or written, or if it is no regular
// file. (Behind a link there would be a file that is none of ours.)
[[nodiscard]] Content read(const std::filesystem::path& file);
// Makes the folders that are missing; no value removes the file.
void write(const std::filesystem::path& file, const Content& content);

}  // namespace propagate
