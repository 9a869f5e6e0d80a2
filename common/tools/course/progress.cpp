#include "course/progress.hpp"

#include <nlohmann/json.hpp>

#include <ctime>
#include <fstream>

#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "course/terminal.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string key(const Stage& stage) { return stage.chapter + "/" + stage.name; }

std::string now() {
  std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

}  // namespace

Progress::Progress(const Map& map) : root_(map.root()) { load(); }

Progress Progress::to_show(const Map& map) {
  try {
    return Progress(map);
  } catch (const Failure& failure) {
    complain(std::string("course: ") + failure.what());
    return Progress(map, Nothing());
  }
}

void Progress::load() {
  std::ifstream file(root_ / "mine/progress.json");
  if (!file) return;
  try {
    json content = json::parse(file);
    for (const auto& [name, entry] : content.items())
      stages_[name] = {entry.value("passed", ""), entry.value("failing", ""),
                       entry.value("hints", std::map<std::string, std::size_t>())};
  } catch (const std::exception&) {  // no JSON; or no file but a folder
    throw Failure("cannot read mine/progress.json: mend it, or remove it to begin anew");
  }
}

void Progress::save() const {
  json content = json::object();
  for (const auto& [name, entry] : stages_) {
    json& one = content[name] = json::object();
    if (!entry.passed.empty()) one["passed"] = entry.passed;
    if (!entry.failing.empty()) one["failing"] = entry.failing;
    if (!entry.hints.empty()) one["hints"] = entry.hints;
  }
  fs::path file = root_ / "mine/progress.json", fresh = root_ / "mine/.progress.json";
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  std::ofstream stream(fresh);
  stream << content.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
  stream.close();
  if (stream) fs::rename(fresh, file, error);
  if (!stream || error) throw Failure("cannot write " + file.string());
}

Progress::State Progress::state(const Stage& stage) const {
  if (!fs::is_directory(root_ / own_folder(stage))) return State::untouched;
  auto entry = stages_.find(key(stage));
  if (entry == stages_.end()) return State::started;
  bool passes = !entry->second.passed.empty() && entry->second.failing.empty();
  return passes ? State::passed : State::started;
}

std::string Progress::failing(const Stage& stage) const {
  auto entry = stages_.find(key(stage));
  return entry == stages_.end() ? "" : entry->second.failing;
}

std::size_t Progress::hints_shown(const Stage& stage, const std::string& case_name) const {
  auto entry = stages_.find(key(stage));
  if (entry == stages_.end()) return 0;
  auto shown = entry->second.hints.find(case_name);
  return shown == entry->second.hints.end() ? 0 : shown->second;
}

void Progress::begin(const Stage& stage) {
  stages_[key(stage)] = {};
  save();
}

void Progress::fail(const Stage& stage, const std::string& case_name) {
  stages_[key(stage)].failing = case_name;
  save();
}

void Progress::not_judged(const Stage& stage) {
  stages_[key(stage)].passed.clear();
  save();
}

void Progress::pass(const Stage& stage) {
  Entry& entry = stages_[key(stage)];
  entry.failing.clear();
  if (entry.passed.empty()) entry.passed = now();
  save();
}

void Progress::show_hints(const Stage& stage, const std::string& case_name, std::size_t count) {
  stages_[key(stage)].hints[case_name] = count;
  save();
}

std::map<std::string, Advice> hints(const Map& map, const Stage& stage) {
  fs::path path = exercise_folder(map, stage) / "hints.json";
  std::ifstream file(path);
  std::map<std::string, Advice> all;
  if (!file) return all;
  try {
    json content = json::parse(file);
    auto place = [&](const std::string& text) {  // with the chapter's page in front of a section
      for (const Chapter& chapter : map.chapters())
        if (chapter.name == stage.chapter && text.starts_with('#')) return chapter.text + text;
      return text;
    };
    for (const auto& [name, texts] : content.at("cases").items()) {
      Advice& one = all[name];
      one.text = place(content.value("text", ""));
      for (const std::string text : texts) {
        if (text.starts_with('#') || text.starts_with("docs/"))
          one.text = place(text);
        else if (one.means.empty())
          one.means = text;
        else
          one.hints.push_back(text);
      }
    }
  } catch (const json::exception& problem) {
    throw Failure("cannot use " + path.string() + ": " + problem.what());
  }
  return all;
}

Advice advice(const Map& map, const Stage& stage, const std::string& case_name) {
  for (const Stage* one = &stage; one; one = map.predecessor(*one)) {
    std::map<std::string, Advice> all = hints(map, *one);
    if (auto found = all.find(case_name); found != all.end()) return found->second;
  }
  return {};
}

}  // namespace course
