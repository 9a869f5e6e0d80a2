#include <algorithm>

#include "course/commands.hpp"
#include "course/terminal.hpp"

namespace course {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

// At most 80 columns: the titles are ASCII.
std::string row(const Stage& stage, const Style& style) {
  std::size_t room = stage.written ? 52 : 45;
  std::string title = stage.title;
  if (title.size() > room) title = title.substr(0, room - 3) + "...";
  std::string line = "  " + padded(stage.chapter + "/" + stage.name, 26);
  if (stage.written) return line + title + "\n";
  return style.paint("2", line + padded(title, room) + "  later") + "\n";
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
    return "  " + look.paint("1", words) +
           std::string(26 - std::min<std::size_t>(26, words.size()), ' ') + what + "\n";
  };
  std::string text =
      look.paint("1", "Asynchronous programming in C++20, one small stage at a time") + "\n\n" +
      std::to_string(written) + " stages can be run, " + std::to_string(planned) +
      " are still to come:\n" + stages + "\nStart with\n" +
      command("./course run " + first->short_name(), first->title);
  if (last != first)
    text += command("./course run " + last->short_name(), last->title) +
            command("./course diff " + last->short_name(), "what is new in it");
  print(text + "\nand then\n" + command("./course list", "every stage") +
        command("./course test", "our suites") + command("./course --help", "all commands"));
  return 0;
}

int list(const Workshop& workshop) {
  Style look = style();
  std::string text;
  for (const Chapter& chapter : workshop.map.chapters()) {
    text += look.paint("1", padded(chapter.name, 6) + chapter.title) +
            (chapter.text.empty() ? "" : "   " + chapter.text) + "\n";
    for (const Stage& stage : chapter.stages) text += row(stage, look);
  }
  print(text);
  return 0;
}

}  // namespace course
