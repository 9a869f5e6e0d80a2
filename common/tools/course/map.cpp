#include "course/map.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <numeric>

#include "course/failure.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json read(const fs::path& file) {
  std::ifstream stream(file);
  if (!stream) throw Failure("cannot read " + file.string());
  return json::parse(stream);
}

// "a" of "a-epoll"; an excursion, or a tool such as "corofy", is named in full.
bool on_trunk(const std::string& name) {
  return name.size() > 1 && name[1] == '-' && name[0] != 'x';
}
std::string short_stage(const std::string& name) {
  return on_trunk(name) ? name.substr(0, 1) : name;
}

// The trunk by its letters, then the excursions as they are written down.
bool comes_before(const Stage& a, const Stage& b) {
  if (a.excursion() || b.excursion()) return !a.excursion() && b.excursion();
  return a.name < b.name;
}

// How many characters must be inserted or removed to get from one to the other, whatever their
// case.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      bool same = std::tolower(static_cast<unsigned char>(from[i])) ==
                  std::tolower(static_cast<unsigned char>(to[j]));
      std::size_t replaced = diagonal + (same ? 0 : 2);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// Those that can be run, unless none can.
std::string names_of(const std::vector<Stage>& stages) {
  bool any =
      std::any_of(stages.begin(), stages.end(), [](const Stage& one) { return one.written; });
  std::string list;
  for (const Stage& stage : stages)
    if (stage.written || !any) list += (list.empty() ? "" : ", ") + stage.name;
  return list;
}

}  // namespace

std::string in_quotes(std::string_view typed) {
  constexpr std::size_t most = 60;
  return "\"" + std::string(typed.substr(0, most)) + (typed.size() > most ? "...\"" : "\"");
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::size_t best = std::max<std::size_t>(2, word.size() / 3);
  std::string found;
  for (const std::string& candidate : candidates) {
    std::size_t distance = edit_distance(word, candidate);
    bool nearer = distance < best || (distance == best && candidate.size() > found.size());
    if (!nearer || distance >= candidate.size()) continue;
    best = distance;
    found = candidate;
  }
  return found;
}

bool Stage::excursion() const { return !on_trunk(name); }
std::string Stage::short_name() const { return chapter + "/" + short_stage(name); }

const Stage* Chapter::last_written() const {
  const Stage* last = nullptr;
  for (const Stage& stage : stages)
    if (stage.written && !stage.excursion()) last = &stage;
  return last;
}

Map::Map(fs::path root) : root_(std::move(root)) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_, error))
    if (fs::exists(entry.path() / "chapter.json")) files.push_back(entry.path() / "chapter.json");
  if (error) throw Failure("cannot read " + root_.string() + ": " + error.message());
  std::sort(files.begin(), files.end());
  // Last, so that a stage stops being planned as soon as its chapter has it.
  if (fs::path later = root_ / "common/tools/course/later.json"; fs::exists(later))
    files.push_back(later);

  for (const fs::path& file : files) {
    try {
      add(file);
    } catch (const json::exception& problem) {
      throw Failure("cannot use " + file.string() + ": " + problem.what());
    }
  }
  std::sort(chapters_.begin(), chapters_.end(),
            [](const Chapter& a, const Chapter& b) { return a.name < b.name; });
}

// A file holds one chapter, or a list of planned ones, which name their folders.
void Map::add(const fs::path& file) {
  json content = read(file);
  bool written = content.is_object();
  for (const json& entry : written ? json::array({content}) : content) {
    std::string name = entry.at("chapter");
    auto chapter = std::find_if(chapters_.begin(), chapters_.end(),
                                [&](const Chapter& known) { return known.name == name; });
    if (chapter == chapters_.end()) {
      std::string folder =
          written ? file.parent_path().filename().string() : entry.at("folder").get<std::string>();
      chapters_.push_back({name, folder, entry.at("title"), entry.value("text", ""), {}});
      chapter = std::prev(chapters_.end());
    }
    for (const json& one : entry.at("stages")) {
      Stage stage{name,
                  one.at("name"),
                  "",
                  one.at("title"),
                  one.value("predecessor", ""),
                  one.value("server", false),
                  written,
                  one.value("kind", "") == "mechanism",
                  one.value("kernel", ""),
                  one.value("threads", false)};
      stage.folder = chapter->folder + "/" + stage.name;
      bool known =
          std::any_of(chapter->stages.begin(), chapter->stages.end(),
                      [&](const Stage& other) { return other.short_name() == stage.short_name(); });
      if (known) continue;
      auto& stages = chapter->stages;
      stages.insert(std::upper_bound(stages.begin(), stages.end(), stage, comes_before),
                    std::move(stage));
    }
  }
}

Place Map::find(std::string_view given) const {
  std::string name(given);
  // A folder that is there, seen from where the reader is: what a shell's completion writes.
  std::error_code error;
  bool is_path = name.find('/') != std::string::npos || name == "." || name == "..";
  if (fs::path folder = fs::canonical(name, error); !error && is_path) {
    fs::path inside = folder.lexically_relative(fs::canonical(root_, error));
    if (!inside.empty() && *inside.begin() != "..") name = inside.string();
  }
  while (name.ends_with('/')) name.pop_back();
  bool mine = name.starts_with("mine/");  // the reader's own folders have the same names
  if (mine) name.erase(0, 5);

  std::size_t slash = name.find('/');
  std::string wanted = name.substr(0, slash);
  for (const Chapter& chapter : chapters_) {
    if (wanted != chapter.name && wanted != chapter.folder) continue;
    if (slash == std::string::npos) return {&chapter, nullptr, mine};
    wanted = name.substr(slash + 1);
    for (const Stage& stage : chapter.stages)
      if (wanted == stage.name || wanted == short_stage(stage.name))
        return {&chapter, &stage, mine};

    std::vector<std::string> names;
    for (const Stage& stage : chapter.stages) names.push_back(stage.name);
    std::string near = wanted.size() > 2 ? nearest(wanted, names) : "";
    throw Failure(chapter.name + " has no stage " + in_quotes(wanted) + "; " +
                      (near.empty() ? "it has " + names_of(chapter.stages)
                                    : "did you mean " + chapter.name + "/" + near + "?"),
                  2);
  }
  throw Failure("there is no stage or chapter " + in_quotes(given) + "; " + suggestion(name), 2);
}

std::string Map::suggestion(std::string_view name) const {
  std::vector<std::string> spellings;
  std::map<std::string, std::string> meaning;  // of a spelling
  auto spelled = [&](const std::string& spelling, const std::string& meant) {
    spellings.push_back(spelling);
    meaning.emplace(spelling, meant);
  };
  for (const Chapter& chapter : chapters_) {
    spelled(chapter.name, chapter.name);
    spelled(chapter.folder, chapter.name);
    for (const Stage& stage : chapter.stages) {
      std::string full = chapter.name + "/" + stage.name;
      spelled(stage.short_name(), stage.short_name());
      spelled(full, full);
      spelled(stage.folder, full);
      spelled(stage.name, full);
      spelled(stage.name.substr(stage.name.find('-') + 1), full);
    }
  }
  std::string near = nearest(name, spellings);
  return near.empty() ? "./course list shows all" : "did you mean " + meaning[near] + "?";
}

const Stage& Map::stage(std::string_view name) const {
  Place place = find(name);
  const Stage* stage = place.stage ? place.stage : place.chapter->last_written();
  if (stage && stage->written) {
    require_sources(*stage);
    return *stage;
  }

  std::string planned = stage ? stage->chapter + "/" + stage->name : place.chapter->name;
  const Stage* last = nullptr;
  for (const Chapter& chapter : chapters_)
    if (const Stage* here = chapter.last_written()) last = here;
  throw Failure(
      planned + " is planned but not written yet; " +
          (last ? "what there is goes up to " + last->short_name() : "nothing is so far") +
          " (./course list shows all)",
      2);
}

void Map::require_sources(const Stage& stage) const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_ / stage.folder, error))
    if (entry.path().extension() == ".cpp") return;
  throw Failure(stage.short_name() + " has no .cpp file in " + stage.folder +
                " (git restore brings back what was deleted)");
}

const Stage* Map::predecessor(const Stage& stage) const {
  return stage.predecessor.empty() ? nullptr : &this->stage(stage.predecessor);
}

}  // namespace course
