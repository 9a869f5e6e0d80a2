#pragma once
// What a reader writes themselves: where a stage's exercise and the reader's own folder stand.

#include <filesystem>
#include <string>
#include <vector>

#include "course/map.hpp"

namespace course {

// Whether the reader can write this stage. The others are there to be run and looked at.
[[nodiscard]] bool has_exercise(const Map& map, const Stage& stage);
// Throws Failure (wrong use) if there is none.
void require_exercise(const Map& map, const Stage& stage);

// CHAPTER/exercises/STAGE, and in it start/, shape.cpp, mistakes/ and hints.json.
[[nodiscard]] std::filesystem::path exercise_folder(const Map& map, const Stage& stage);
// The files that a reader gets from our stage as they are: those that are new or not its
// predecessor's any more, and not in start/, where what is theirs to write stands.
[[nodiscard]] std::vector<std::string> given_files(const Map& map, const Stage& stage);
// "mine/ch04-epoll-queue/a-epoll", seen from the root; it need not be there.
[[nodiscard]] std::string own_folder(const Stage& stage);
// Throws Failure (wrong use) if the reader has not started this stage.
void require_own(const Map& map, const Stage& stage);
// Throws Failure if a file is gone that every reader gets, or that something includes.
void require_complete(const Map& map, const Stage& stage);

// The files below a folder, by their names in it, in order; without those of editors and systems.
[[nodiscard]] std::vector<std::string> source_files(const std::filesystem::path& folder);
// Whether an editor or a system made this file for itself: .poll.hpp.swp, poll.hpp~, 4913.
[[nodiscard]] bool is_scratch(const std::string& name);
// What corofy has made of another file, "main_corofied.cpp". A reader gets none: theirs is made
// whenever it is built.
[[nodiscard]] bool is_generated(const std::filesystem::path& file);
[[nodiscard]] std::string content_of(const std::filesystem::path& file);

// Where the text is about this stage: the page and the title of the section; or empty.
[[nodiscard]] std::string section(const Map& map, const Stage& stage);

}  // namespace course
