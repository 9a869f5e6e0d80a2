#include <algorithm>

#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/progress.hpp"
#include "course/terminal.hpp"

namespace course {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

// At most 80 columns: the titles are ASCII.
std::string row(const Stage& stage, Progress::State state, const Style& style) {
  bool marked = !stage.written || state != Progress::State::untouched;
  std::string line = "  " + padded(stage.chapter + "/" + stage.name + " ", 26);
  std::size_t room = (!stage.written ? 73 : marked ? 71 : 80) - line.size();
  std::string title = stage.title;
  if (title.size() > room) title = title.substr(0, room - 3) + "...";
  if (stage.written && !marked) return line + title + "\n";
  if (stage.written)
    return line + padded(title, room) + "  " +
           (state == Progress::State::passed ? style.paint("32", "passed")
                                             : style.paint("33", "started")) +
           "\n";
  return style.paint("2", line + padded(title, room) + "  later") + "\n";
}

// What the reader does next with their own code, as commands with a word on each: they go on with
// what they have started, or start what comes after the last one that passed, or what they have
// skipped. Empty if nothing is left.
std::vector<std::pair<std::string, std::string>> next_steps(const Map& map,
                                                            const Progress& progress) {
  const Stage *started = nullptr, *skipped = nullptr, *following = nullptr;
  for (const Chapter& chapter : map.chapters()) {
    for (const Stage& stage : chapter.stages) {
      if (!has_exercise(map, stage)) continue;
      Progress::State state = progress.state(stage);
      if (state == Progress::State::passed) following = nullptr;
      if (state == Progress::State::started && !started) started = &stage;
      if (state == Progress::State::untouched && !skipped) skipped = &stage;
      if (state == Progress::State::untouched && !following) following = &stage;
    }
  }
  if (started) {
    std::string name = started->short_name(), failing = progress.failing(*started);
    std::vector<std::pair<std::string, std::string>> steps{
        {"./course check " + name, "go on with " + own_folder(*started)}};
    if (failing.size() > 50) failing = failing.substr(0, 47) + "...";
    if (!failing.empty()) steps.push_back({"./course hint " + name, failing});
    return steps;
  }
  const Stage* next = following ? following : skipped;
  if (!next) return {};
  return {{"./course start " + next->short_name(), "write it yourself"}};
}

}  // namespace

int overview(const Workshop& workshop) {
  Style look = style();
  std::string stages;
  std::size_t written = 0, planned = 0;
  std::size_t longest_title = 0;
  for (const Chapter& chapter : workshop.map.chapters())
    if (chapter.last_written()) longest_title = std::max(longest_title, chapter.title.size());
  const Stage* first = nullptr;
  const Stage* last = nullptr;
  for (const Chapter& chapter : workshop.map.chapters()) {
    for (const Stage& stage : chapter.stages) {
      ++(stage.written ? written : planned);
      if (!stage.written) continue;
      if (!first) first = &stage;
      if (!stage.excursion()) last = &stage;
    }
    if (const Stage* end = chapter.last_written())
      stages += "  " + padded(chapter.name, 6) + padded(chapter.title, longest_title + 2) +
                "up to " + end->short_name() + (chapter.text.empty() ? "" : "  " + chapter.text) +
                "\n";
  }
  if (!first || !last) {
    print("There are no stages yet. ./course list shows what is planned.\n");
    return 0;
  }
  auto command = [&](const std::string& words, const std::string& what) {
    return "  " + look.paint("1", words) + padded("", words.size() < 26 ? 26 - words.size() : 2) +
           what + "\n";
  };
  Progress progress = Progress::to_show(workshop.map);
  std::string yours;
  for (const Chapter& chapter : workshop.map.chapters())
    for (const Stage& stage : chapter.stages)
      if (auto state = progress.state(stage); state != Progress::State::untouched)
        yours += "  " + padded(stage.chapter + "/" + stage.name + " ", 26) +
                 (state == Progress::State::passed ? "passed" : "started") + "\n";
  std::string text =
      look.paint("1", "Asynchronous programming in C++20, one small stage at a time") + "\n\n" +
      std::to_string(written) + " stages can be run, " + std::to_string(planned) +
      " are still to come:\n" + stages;
  if (!yours.empty()) text += "\nYours, in mine/:\n" + yours;
  auto steps = next_steps(workshop.map, progress);
  if (!yours.empty() && !steps.empty()) {
    text += "\nNext\n";
    for (const auto& [words, what] : steps) text += command(words, what);
    print(text + "\nand\n" + command("./course list", "every stage") +
          command("./course --help", "all commands"));
    return 0;
  }
  text += "\nStart with\n" + command("./course run " + first->short_name(), first->title);
  if (last != first)
    text += command("./course run " + last->short_name(), last->title) +
            command("./course diff " + last->short_name(), "what is new in it");
  for (const auto& [words, what] : steps) text += command(words, what);
  print(text + "\nand then\n" + command("./course list", "every stage") +
        command("./course test", "our suites") + command("./course --help", "all commands"));
  return 0;
}

int list(const Workshop& workshop) {
  Style look = style();
  std::string text;
  Progress progress = Progress::to_show(workshop.map);
  for (const Chapter& chapter : workshop.map.chapters()) {
    text += look.paint("1", padded(chapter.name, 6) + chapter.title) +
            (chapter.text.empty() ? "" : "   " + chapter.text) + "\n";
    for (const Stage& stage : chapter.stages) text += row(stage, progress.state(stage), look);
  }
  print(text);
  return 0;
}

}  // namespace course
