#pragma once
// Builds targets in the reader's build folder.

#include <filesystem>
#include <string>
#include <vector>

namespace course {

// Says nothing if there is nothing to do, "Building NAME ..." if it takes longer than a moment, and
// everything that the compiler had to say. Waits while another ./course builds in the same folder.
// Throws Failure if something does not build, and Interrupted.
void build(const std::filesystem::path& folder, const std::vector<std::string>& targets,
           const std::string& name);

}  // namespace course
