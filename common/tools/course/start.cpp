#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "course/progress.hpp"
#include "course/terminal.hpp"
#include "workbench/workbench.hpp"

namespace course {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// What the reader's new folder is made of.
struct Beginning {
  fs::path base;   // the predecessor's folder; empty without one
  std::string of;  // what that is, in words
  Names taken;     // of its files
  Names given;     // of our stage's
  Names stubs;     // from start/: for the reader to write
};

bool named_by_any(const std::string& name, const fs::path& folder, const Names& files) {
  for (const std::string& file : files)
    if (content_of(folder / file).find("\"" + name + "\"") != std::string::npos) return true;
  return false;
}

Beginning beginning_of(const Map& map, const Stage& stage, bool from_ours) {
  Beginning beginning;
  fs::path ours = map.root() / stage.folder, start = exercise_folder(map, stage) / "start";
  beginning.given = given_files(map, stage);
  beginning.stubs = source_files(start);

  // What the others include is written first: each time the first one that includes none of those
  // that are still to come.
  for (auto next = beginning.stubs.begin(); next != beginning.stubs.end(); ++next) {
    auto found = std::find_if(next, beginning.stubs.end(), [&](const std::string& name) {
      return std::none_of(next, beginning.stubs.end(), [&](const std::string& other) {
        return other != name && named_by_any(other, start, {name});
      });
    });
    if (found != beginning.stubs.end()) std::rotate(next, found, found + 1);
  }

  const Stage* before = map.predecessor(stage);
  if (!before) return beginning;
  Progress::State state = Progress::to_show(map).state(*before);
  bool own = state == Progress::State::passed && !from_ours;
  beginning.base = map.root() / (own ? own_folder(*before) : before->folder);
  beginning.of = (own ? "your " : "our ") + before->short_name();
  if (state == Progress::State::started && !from_ours)
    beginning.of += " (yours has not passed ./course check " + before->short_name() + ")";

  Names all = source_files(beginning.base), kept;
  for (const std::string& name : all)
    if (!fs::exists(start / name) && !is_generated(name) &&
        std::find(beginning.given.begin(), beginning.given.end(), name) == beginning.given.end())
      kept.push_back(name);
  for (const std::string& name : kept) {
    // What is ours, and what our stage has dropped, goes unless something that stays needs it.
    bool dropped = !own && !fs::exists(ours / name);
    if (!dropped || named_by_any(name, beginning.base, kept)) beginning.taken.push_back(name);
  }
  return beginning;
}

// Makes the folder aside first: nobody ever sees half of it.
void make(const Map& map, const Stage& stage, const Beginning& beginning) {
  fs::path own = map.root() / own_folder(stage);
  fs::path fresh = own.parent_path() / ("." + stage.name + ".new");
  try {
    fs::remove_all(fresh);
    fs::create_directories(fresh);
    auto copy = [&](const fs::path& from, const Names& names) {
      for (const std::string& name : names) {
        fs::create_directories((fresh / name).parent_path());
        fs::copy_file(from / name, fresh / name);
        fs::permissions(fresh / name, fs::perms::owner_write, fs::perm_options::add);
      }
    };
    copy(beginning.base, beginning.taken);
    copy(map.root() / stage.folder, beginning.given);
    copy(exercise_folder(map, stage) / "start", beginning.stubs);
    fs::rename(fresh, own);
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    throw Failure("cannot make " + own_folder(stage) + ": " + error.code().message());
  }
}

bool agreed(const std::string& question) {
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer.starts_with('y') || answer.starts_with('Y');
}

// What the reader has is never written over: it moves aside if they say so. False: they do not.
bool make_room(const Map& map, const Stage& stage) {
  std::string own = own_folder(stage);
  fs::path folder = map.root() / own;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder)) || fs::is_empty(folder, error)) return true;

  int number = 1;
  while (fs::exists(fs::symlink_status(map.root() / (own + "." + std::to_string(number)))))
    ++number;
  std::string aside = own + "." + std::to_string(number);
  if (!on_terminal(STDIN_FILENO) || !on_terminal(STDERR_FILENO))
    throw Failure(own + " is there, and is not written over; to begin anew: mv " + own + " " +
                  aside);
  if (!agreed(own + " is there. Begin anew, and keep it as " + aside + "?")) return false;
  fs::rename(folder, map.root() / aside);
  print(own + " is " + aside + " now.\n");
  return true;
}

std::string listed(const std::string& word, const Names& names) {
  if (names.empty()) return "";
  std::string line;
  for (const std::string& name : names) line += (line.empty() ? "" : ", ") + name;
  return "  " + pad(word, 18) + line + "\n";
}

}  // namespace

int start(const Workshop& workshop, const StartOptions& options) {
  const Map& map = workshop.map;
  const Stage& stage = map.stage(options.stage);
  require_exercise(map, stage);
  if (!make_room(map, stage)) {
    print("Nothing has changed.\n");
    return 0;
  }
  Beginning beginning = beginning_of(map, stage, options.from_ours);
  make(map, stage, beginning);
  Progress(map).begin(stage);

  bool own = beginning.of.starts_with("your ");
  print(own_folder(stage) + " is yours now" +
        (beginning.of.empty() ? "" : ", made from " + beginning.of) + ":\n" +
        listed(own ? "from you" : "from us", beginning.taken) + listed("given", beginning.given) +
        listed("for you to write", beginning.stubs));

  // The first build also builds what the suite stands on. That its cases fail is no news.
  workbench::Workbench bench(map.root(), workshop.build);
  (void)bench.build({{"mine", &stage}}, "check");

  Style look = style();
  std::string next = "\nNext\n";
  if (!beginning.stubs.empty())
    next += "  write " + own_folder(stage) + "/" + beginning.stubs.front() + "\n";
  if (std::string text = section(map, stage); !text.empty()) next += "  read  " + text + "\n";
  print(next + "  " + look.paint("1", "./course check " + stage.short_name() + " --watch") +
        "  tells after each save what is still missing\n");
  return 0;
}

}  // namespace course
