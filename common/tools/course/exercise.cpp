#include "course/exercise.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>

#include "course/failure.hpp"

namespace course {

namespace fs = std::filesystem;

namespace {

// What these files include in quotes.
std::set<std::string> included_by(const std::vector<fs::path>& files) {
  std::set<std::string> names;
  constexpr std::string_view include = "#include \"";
  for (const fs::path& path : files) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
      if (line.starts_with(include))
        names.insert(line.substr(include.size(), line.rfind('"') - include.size()));
  }
  return names;
}

}  // namespace

fs::path exercise_folder(const Map& map, const Stage& stage) {
  return (map.root() / stage.folder).parent_path() / "exercises" / stage.name;
}

bool has_exercise(const Map& map, const Stage& stage) {
  return stage.written && fs::is_directory(exercise_folder(map, stage) / "start");
}

void require_exercise(const Map& map, const Stage& stage) {
  if (has_exercise(map, stage)) return;
  std::string others;
  for (const Chapter& chapter : map.chapters())
    for (const Stage& other : chapter.stages)
      if (has_exercise(map, other)) others += (others.empty() ? "" : ", ") + other.short_name();
  throw Failure(stage.short_name() + " is not for writing but for looking: ./course run " +
                    stage.short_name() +
                    (others.empty() ? "" : " (what can be written: " + others + ")"),
                2);
}

std::vector<std::string> given_files(const Map& map, const Stage& stage) {
  fs::path ours = map.root() / stage.folder, start = exercise_folder(map, stage) / "start";
  const Stage* before = map.predecessor(stage);
  std::vector<std::string> names;
  for (const std::string& name : source_files(ours)) {
    if (fs::exists(start / name) || is_generated(name)) continue;
    fs::path older = before ? map.root() / before->folder / name : fs::path();
    if (!before || !fs::exists(older) || content_of(older) != content_of(ours / name))
      names.push_back(name);
  }
  return names;
}

std::string own_folder(const Stage& stage) { return "mine/" + stage.folder; }

void require_own(const Map& map, const Stage& stage) {
  fs::path own = map.root() / own_folder(stage);
  if (!fs::is_directory(own))
    throw Failure("there is no " + own_folder(stage) + " yet; it is made by ./course start " +
                      stage.short_name(),
                  2);
}

void require_complete(const Map& map, const Stage& stage) {
  fs::path own = map.root() / own_folder(stage), start = exercise_folder(map, stage) / "start";
  fs::path ours = map.root() / stage.folder;
  auto require = [&](const std::string& name, const fs::path& origin, const std::string& whose) {
    if (!fs::exists(own / name))
      throw Failure(own_folder(stage) + "/" + name + " is gone; " + whose +
                    (origin / name).lexically_relative(map.root()).string());
  };
  for (const std::string& name : source_files(start))
    require(name, start, "as it was at the start: ");
  for (const std::string& name : given_files(map, stage)) require(name, ours, "ours: ");

  std::vector<fs::path> files{
      exercise_folder(map, stage) / "shape.cpp",
      (map.root() / stage.folder).parent_path() / "tests" / (stage.name + ".cpp")};
  for (const std::string& name : source_files(own)) files.push_back(own / name);
  for (const std::string& name : included_by(files))
    if (fs::exists(ours / name)) require(name, ours, "ours: ");
}

bool is_scratch(const std::string& name) {
  bool number = std::all_of(name.begin(), name.end(),
                            [](unsigned char byte) { return std::isdigit(byte) != 0; });
  return name.starts_with('.') || name.starts_with('#') || name.ends_with('~') || number;
}

bool is_generated(const fs::path& file) { return file.stem().string().ends_with("_corofied"); }

std::vector<std::string> source_files(const fs::path& folder) {
  std::vector<std::string> names;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::end(entry); ++entry) {
    bool scratch = is_scratch(entry->path().filename());
    if (scratch && entry->is_directory()) entry.disable_recursion_pending();
    if (!scratch && entry->is_regular_file())
      names.push_back(entry->path().lexically_relative(folder));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string content_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::string section(const Map& map, const Stage& stage) {
  for (const Chapter& chapter : map.chapters()) {
    if (chapter.name != stage.chapter || chapter.text.empty()) continue;
    std::ifstream page(map.root() / chapter.text);
    std::string letter = stage.short_name().substr(stage.short_name().find('/') + 1);
    for (std::string line; std::getline(page, line);)
      for (std::string heading : {"## Stage ", "### Exercise "})
        if (line.starts_with(heading + letter + ":"))
          return chapter.text + ", \"" + line.substr(line.find(' ') + 1) + "\"";
    return chapter.text;
  }
  return "";
}

}  // namespace course
