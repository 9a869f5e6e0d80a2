#pragma once
// What ./course can do. Each command returns the exit status, and throws Failure for what the
// reader should know, or Interrupted.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "course/map.hpp"

namespace course {

// Where the reader is: the sources, and the folder for what is built from them.
struct Workshop {
  Map map;
  std::filesystem::path build;
};

int overview(const Workshop& workshop);  // bare ./course
int list(const Workshop& workshop);

struct RunOptions {
  std::string stage;
  bool mine = false;                        // the reader's own code
  bool all = false;                         // the tour: every stage, with short delays
  std::optional<int> unit_ms;               // what the stage calls a second: 1000, in the tour 100
  std::string server;                       // HOST:PORT; empty: one of our own
  std::string trace;                        // a file for the stage's trace, or empty
  std::vector<std::string> arguments = {};  // for the stage
};
int run(const Workshop& workshop, const RunOptions& options);

struct DiffOptions {
  enum class Form { patch, stat, words, side_by_side };
  std::string stage;
  std::string from;        // empty: its predecessor; with `mine`: our code of the same stage
  bool mine = false;       // to the reader's own code of the stage
  bool generated = false;  // also what corofy made of a file with coroutines
  Form form = Form::patch;
  std::string colour = "auto";  // or always, never
};
int diff(const Workshop& workshop, const DiffOptions& options);

// The suites of a chapter or a stage, or all of them if `name` is empty.
int test(const Workshop& workshop, const std::string& name);

// The reader's own code, in mine/ (exercise.hpp, progress.hpp).

struct StartOptions {
  std::string stage;
  bool from_ours = false;  // also if the reader has finished its predecessor
};
// Makes the reader's folder of a stage. What is there already moves aside, if they say so.
int start(const Workshop& workshop, const StartOptions& options);

struct CheckOptions {
  std::string stage;
  bool watch = false;  // after every save, until a signal
};
// Judges the reader's folder: 0 if all cases pass, else 1. Keeps the progress.
int check(const Workshop& workshop, const CheckOptions& options);

// One more hint for the case that failed in the last check.
int hint(const Workshop& workshop, const std::string& stage);

// Shows which cases catch a known mistake in our code of a stage, and why: 0 if they are those that
// the mistake says. Without a name: lists the stage's mistakes. Nothing in the checkout changes.
int break_stage(const Workshop& workshop, const std::string& stage, const std::string& mistake);

struct BenchOptions {
  std::string chapter;  // or a stage
  bool mine = false;    // the reader's own code, of the stages that they have written
  bool json = false;    // one object on standard output, instead of a table
};
// Measures what a chapter's code costs, beside its peers.
int bench(const Workshop& workshop, const BenchOptions& options);

// Becomes the delayserver.
int serve(const Workshop& workshop, std::vector<std::string> arguments);

}  // namespace course
