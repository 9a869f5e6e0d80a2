#include <algorithm>

#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/explain.hpp"
#include "course/progress.hpp"
#include "course/terminal.hpp"

namespace course {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

// "ch04/x-nonblocking-connect": the room that the names need.
std::size_t longest_name(const Map& map) {
  std::size_t longest = 0;
  for (const Chapter& chapter : map.chapters())
    for (const Stage& stage : chapter.stages)
      longest = std::max(longest, stage.chapter.size() + 1 + stage.name.size());
  return longest;
}

// The name, the title in as many lines as it needs, and how far the reader is, in columns; on a
// narrow terminal the title stands below the name.
std::string row(const Stage& stage, Progress::State state, std::size_t longest,
                const Style& style) {
  const char *mark = "later", *code = "2";
  if (stage.written && state == Progress::State::untouched) mark = code = "";
  if (stage.written && state == Progress::State::started) mark = "started", code = "33";
  if (stage.written && state == Progress::State::passed) mark = "passed", code = "32";
  std::string name = "  " + padded(stage.chapter + "/" + stage.name, longest + 2);
  auto line = [&](const std::string& words) {
    std::string text = stage.written ? words : style.paint("2", words);
    if (*mark == '\0') text.erase(text.find_last_not_of(' ') + 1);
    return *mark == '\0' ? text + "\n" : text + "  " + style.paint(code, mark) + "\n";
  };
  constexpr std::size_t narrow = 72, mark_width = 9;
  if (style.width < narrow) return line(name) + wrap(stage.title, "      ", style);
  Style column = style;
  column.width =
      std::min<std::size_t>(style.width, 100) - name.size() - (*mark == '\0' ? 0 : mark_width);
  std::string title = wrap(stage.title, "", column), first = title.substr(0, title.find('\n'));
  std::string text = line(name + (*mark == '\0' ? first : padded(first, column.width)));
  if (first.size() + 1 < title.size()) {
    column.width = style.width;
    text += wrap(title.substr(first.size() + 1), std::string(name.size(), ' '), column);
  }
  return text;
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
      stages += "  " + padded(chapter.name, 6) + padded(chapter.title, longest_title + 2) + "to " +
                end->short_name() + (chapter.text.empty() ? "" : "  " + chapter.text) + "\n";
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
        yours += "  " + padded(stage.chapter + "/" + stage.name, longest_name(workshop.map) + 2) +
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
    std::size_t width = 6 + chapter.title.size() + 3 + chapter.text.size();
    text += look.paint("1", padded(chapter.name, 6) + chapter.title) +
            (chapter.text.empty() ? "" : (width > look.width ? "\n      " : "   ") + chapter.text) +
            "\n";
    for (const Stage& stage : chapter.stages)
      text += row(stage, progress.state(stage), longest_name(workshop.map), look);
  }
  print(text);
  return 0;
}

}  // namespace course
