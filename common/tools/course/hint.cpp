#include <algorithm>

#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/explain.hpp"
#include "course/failure.hpp"
#include "course/progress.hpp"
#include "course/terminal.hpp"

namespace course {

int hint(const Workshop& workshop, const std::string& name) {
  const Map& map = workshop.map;
  const Stage& stage = map.stage(name);
  require_exercise(map, stage);
  require_own(map, stage);
  Progress progress(map);
  std::string failing = progress.failing(stage), short_name = stage.short_name();
  if (failing.empty() && progress.state(stage) == Progress::State::passed)
    throw Failure(short_name + " has passed its check: there is nothing to hint at", 2);
  if (failing.empty())
    throw Failure(
        "there is no case of " + short_name + " that fails; first: ./course check " + short_name,
        2);

  Advice help = advice(map, stage, failing);
  std::size_t before = std::min(progress.hints_shown(stage, failing), help.hints.size());
  std::size_t shown = std::min(before + 1, help.hints.size());
  Style look = style();
  std::string text = look.paint("1", wrap(failing, "", look));
  for (std::size_t i = 0; i < shown; ++i)
    text += "\n" +
            look.paint(i < before ? "2" : "36", "Hint " + std::to_string(i + 1) + " of " +
                                                    std::to_string(help.hints.size())) +
            "\n" + wrap(help.hints[i], "  ", look);
  if (shown > before && shown < help.hints.size()) {
    text += "\nOne more: ./course hint " + short_name + "\n";
  } else {
    std::string where = help.text.empty() ? section(map, stage) : help.text;
    text += std::string("\n") +
            (help.hints.empty() ? "There are no hints for this case.\n"
             : shown == before  ? "There are no more hints.\n"
                                : "That was the last hint.\n") +
            (where.empty() ? "" : entry("the text", where, look)) +
            entry("./course diff " + short_name + " --mine", "your code and ours", look) +
            entry("./course break " + short_name, "what such mistakes look like", look);
  }
  progress.show_hints(stage, failing, shown);
  print(text);
  return 0;
}

}  // namespace course
