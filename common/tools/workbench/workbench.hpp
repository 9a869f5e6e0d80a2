#pragma once
// Builds and judges variants of a stage: the reader's own code, our stubs, our code with a known
// mistake in it. Each variant is a folder with the stage's files; the suite is always ours.
//
// All of it has a build tree of its own, so that code which does not compile never stops the
// course.

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "course/map.hpp"

namespace workbench {

// The files of a stage: their contents by their names.
using Files = std::map<std::string, std::string>;
[[nodiscard]] Files read_files(const std::filesystem::path& folder);

// A folder of variants: "mine" is the reader's (ROOT/mine), every other name is scratch space below
// the build folder. Inside it stages stand as in the repository: ch04-epoll-queue/a-epoll/.
//
// What is compiled of "mine" is a copy in scratch space, made when a build begins. So a file that
// is saved during the build belongs to the next one, and nothing depends on the times of the
// reader's files, which may be old: that of a copied file, or of a folder that was moved away and
// back. All that is said about the copy, and its debug information, names the reader's own files.
struct Variant {
  std::string slot;            // "mine", "stubs", "break", "mistake-lost-edge", …
  const course::Stage* stage;  // of the map
};

// How the judging of one case ended.
struct Outcome {
  enum class Kind {
    passed,
    failed,     // an assertion of the suite
    signalled,  // it crashed
    hung,       // it did not end within its time
    flooded,    // it wrote more than anybody reads
    vanished,   // the process ended before the case did, by exit() for example
  };
  std::string name;  // the case
  Kind kind = Kind::passed;
  int signal = 0;      // for `signalled`
  std::string output;  // what the suite said about it, without doctest's frame
  std::string report;  // what sanitizers found, in the suite or in a program that it ran
  // For `hung`: what it and its children had used when it was ended; nothing if the suite itself
  // has ended it.
  struct Usage {
    std::chrono::milliseconds processor{0}, of{0};
    std::size_t memory = 0;  // bytes
  } usage = {};
  // "passed", "assert", "signal SEGV", "hang", "flood", "exit"
  [[nodiscard]] std::string verdict() const;
};

// A case to be judged.
struct Trial {
  Variant variant;
  std::string name;
};

// Building and judging end their children and throw course::Interrupted if the reader interrupts
// them. Two processes may use the same tree: one of them builds, the other one waits.
class Workbench {
 public:
  // `build` is the build folder of the course, whose compiler and sanitizers are used here too; the
  // tree is BUILD/workbench.
  Workbench(std::filesystem::path root, std::filesystem::path build);
  // The same with these sanitizers, in a tree of its own. Of "mine" it compiles what the plain tree
  // has compiled last. Once `outdated` says so, it ends its children and throws course::Outdated.
  Workbench(std::filesystem::path root, std::filesystem::path build, std::string sanitizers,
            std::function<bool()> outdated);

  // Where the files of this variant stand. Created (empty) if it is not there; scratch slots only.
  [[nodiscard]] std::filesystem::path folder(const Variant& variant) const;
  void clear(const Variant& variant) const;  // scratch slots only
  // Makes these the variant's files. What is the same already is not touched, so that nothing is
  // built in vain. Scratch slots only. A suite includes headers: where those are what the slot
  // "reference" has, `reference`, the suite that was compiled there is linked.
  void lay_out(const Variant& variant, const Files& files, const Files& reference = {}) const;

  // Builds parts of variants: "shape" (the static assertions that say in words what is missing),
  // "suite" (with the programs that it runs), "check" (both at once), "program", "bench". What does
  // not compile does not stop the others. Returns what the compiler said (in English), or an empty
  // string if all was built; of a "check" with errors in a shape only those, since others come from
  // them. Warnings are not reported. Throws course::Failure for a variant without any .cpp file and
  // a stage without a suite; a stage without shape.cpp has nothing to build there.
  [[nodiscard]] std::string build(const std::vector<Variant>& variants, const std::string& part);
  [[nodiscard]] std::filesystem::path program(const Variant& variant) const;

  // The suite's cases, in their order in the file. The suite must have been built. Throws
  // course::Failure if it cannot list them: then the variant's code has run before main().
  [[nodiscard]] std::vector<std::string> cases(const Variant& variant) const;
  // Runs these cases, one process each, several at a time, with a watchdog. In the order of
  // `names`; with `until_failure` it may stop after the first one that does not pass (and returns
  // up to it). Throws course::Failure unless every name is that of exactly one case.
  [[nodiscard]] std::vector<Outcome> judge(const Variant& variant,
                                           const std::vector<std::string>& names,
                                           bool until_failure) const;
  // The same for cases of several variants at once. Each case may take `patience` times as long as
  // usual before it counts as hung.
  [[nodiscard]] std::vector<Outcome> judge(const std::vector<Trial>& trials,
                                           bool until_failure = false, int patience = 1) const;

  // What everything is built with: "address,undefined", or empty.
  [[nodiscard]] const std::string& sanitizers() const { return sanitizers_; }
  // Whether an emulator runs what was built.
  [[nodiscard]] bool emulated() const;
  [[nodiscard]] const std::filesystem::path& tree() const { return tree_; }

 private:
  [[nodiscard]] std::filesystem::path compiled(const Variant& variant) const;
  [[nodiscard]] std::filesystem::path suite(const Variant& variant) const;
  [[nodiscard]] std::vector<std::string> command_line(
      const std::vector<std::string>& program) const;
  void set_up(bool look_again) const;

  std::filesystem::path root_, build_, tree_;
  std::string sanitizers_;
  std::function<bool()> outdated_;
};

}  // namespace workbench
