#include "workbench/workbench.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <list>
#include <optional>
#include <sstream>
#include <thread>

#include "course/build.hpp"
#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "course/foreground.hpp"
#include "course/temporary_folder.hpp"
#include "process/child.hpp"

namespace workbench {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;

void write_file(const fs::path& file, const std::string& content) {
  fs::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::trunc);
  stream << content << std::flush;
  if (!stream) throw net::last_error(("cannot write " + file.string()).c_str());
}

// What is the same already is not touched: its time would be news to ninja.
void write_files(const fs::path& folder, const Files& files) {
  Files before = read_files(folder);
  for (const auto& [name, content] : before)
    if (!files.contains(name)) fs::remove(folder / name);
  for (const auto& [name, content] : files)
    if (auto old = before.find(name); old == before.end() || old->second != content)
      write_file(folder / name, content);
}

// What a suite can see of a stage: all files but those that are compiled by themselves.
Files included(Files files) {
  std::erase_if(files, [](const auto& file) {
    return file.first.ends_with(".cpp") || file.first.ends_with(".S");
  });
  return files;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// doctest splits a filter at commas, and takes * and ? for wildcards; a backslash escapes. A ? in
// their place matches any character. (A filter that matches nothing is a success to doctest.)
std::string filter(std::string name) {
  for (char& byte : name)
    if (std::string_view(",*?\\\"").find(byte) != std::string_view::npos) byte = '?';
  return "--test-case=" + name;
}

// How many cases the suite says it has run; nothing if it did not live to say so.
std::optional<std::size_t> cases_run(const std::string& output) {
  constexpr std::string_view label = "[doctest] test cases:";
  std::size_t at = output.rfind(label);
  if (at == std::string::npos) return std::nullopt;
  std::size_t count = 0;
  std::istringstream(output.substr(at + label.size())) >> count;
  return count;
}

constexpr std::string_view watchdog_line = "  HANGS: it did not end within its time";

// What stands between doctest's lines about itself and the heading with the case's name.
std::string unframed(const std::string& output) {
  std::istringstream lines(output);
  std::string kept, held;  // `held`: the line in front of "TEST CASE:" is its place
  auto keep = [&](const std::string& line) {
    if (!kept.empty() || !line.empty()) kept += line + "\n";
  };
  bool holding = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("TEST CASE:")) {
      holding = false;
      continue;
    }
    if (holding) keep(held);
    holding = false;
    if (line.starts_with("[doctest]") || line.starts_with("=====") || line == watchdog_line)
      continue;
    held = line;
    holding = true;
  }
  if (holding) keep(held);
  while (kept.ends_with("\n\n")) kept.pop_back();
  return kept;
}

// How a child has ended, with the rest of what it said. Nothing of it is left running: what it has
// started would hold its output open.
process::Exit end_of(process::Child& child) {
  child.signal(SIGKILL);
  return child.wait();
}

// What a case has started ends with its group, but for what made a session of its own. That becomes
// our child when its parent has ended, and is the only child of ours that is of another session.
class Orphans {
 public:
  Orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  Orphans(const Orphans&) = delete;
  ~Orphans() {
    while (end_some()) {
    }
  }

 private:
  // Their children are ours when they have ended.
  static bool end_some() {
    bool any = false;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc", gone)) {
      pid_t pid = std::atoi(entry.path().filename().c_str()), parent = 0, group = 0, session = 0;
      std::string status = pid > 0 ? course::content_of(entry.path() / "stat") : "";
      std::istringstream fields(status.substr(status.rfind(')') + 1));
      char state = ' ';
      if (!(fields >> state >> parent >> group >> session)) continue;
      if (parent != ::getpid() || session == ::getsid(0)) continue;
      ::kill(pid, SIGKILL);
      any = ::waitpid(pid, nullptr, 0) == pid || any;
    }
    return any;
  }
};

constexpr std::size_t most_output = 4 << 20;

// What a process group has used so far.
Outcome::Usage usage_of(pid_t group) {
  Outcome::Usage usage;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::string stat = course::content_of(entry.path() / "stat");  // proc_pid_stat(5)
    std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
    std::string state;
    pid_t parent, process_group;
    if (!(fields >> state >> parent >> process_group) || process_group != group) continue;
    std::array<long, 19> numbers{};  // from field 6 on
    for (long& number : numbers) fields >> number;
    long ticks = 0;  // utime, stime, cutime, cstime
    for (std::size_t field = 14; field <= 17; ++field) ticks += numbers[field - 6];
    usage.processor += milliseconds(ticks * 1000 / ::sysconf(_SC_CLK_TCK));
    usage.memory += static_cast<std::size_t>(numbers[24 - 6] * ::sysconf(_SC_PAGESIZE));
  }
  return usage;
}

// While it lives, a program that we start may have a gigabyte of its own memory: then what grows
// without end has an end, and the machine stays usable.
class MemoryLimit {
 public:
  MemoryLimit() {
    ::getrlimit(RLIMIT_DATA, &before_);
    rlimit limit{std::min<rlim_t>(before_.rlim_cur, 1 << 30), before_.rlim_max};
    ::setrlimit(RLIMIT_DATA, &limit);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  ~MemoryLimit() { ::setrlimit(RLIMIT_DATA, &before_); }

 private:
  rlimit before_{};
};

// A report of a sanitizer is a file a process.
std::string take_reports(const fs::path& folder, const std::string& prefix) {
  std::string report;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(prefix))
      report += course::content_of(entry.path());
  return report;
}

bool floods(const process::Child& child) {
  return child.out().size() + child.err().size() > most_output;
}

// The part of ninja's output that is about shapes. Each edge that failed has a line of its own in
// front.
std::string of_shapes(const std::string& said) {
  std::istringstream lines(said);
  std::string kept;
  bool keep = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("FAILED: ")) keep = line.find("-shape.dir/") != std::string::npos;
    if (keep) kept += line + "\n";
  }
  return kept;
}

Outcome outcome(const std::string& name, const process::Child& child, const process::Exit& exit,
                bool killed) {
  Outcome result;
  result.name = name;
  result.output = unframed(child.out()) + unframed(child.err());
  std::optional<std::size_t> count = cases_run(child.out());
  using Kind = Outcome::Kind;
  if (floods(child)) {
    result.kind = Kind::flooded;
  } else if (killed || child.err().find(watchdog_line) != std::string::npos) {
    result.kind = Kind::hung;
  } else if (exit.signal != 0) {
    result.kind = Kind::signalled;
    result.signal = exit.signal;
  } else if (!count) {
    result.kind = Kind::vanished;
  } else if (*count != 1) {
    throw course::Failure("\"" + name + "\" is the name of " + std::to_string(*count) +
                          " cases; it has to be that of exactly one");
  } else if (!exit.ok()) {
    result.kind = Kind::failed;
  }
  return result;
}

}  // namespace

Files read_files(const fs::path& folder) {
  Files files;
  for (const std::string& name : course::source_files(folder)) {
    if (!std::ifstream(folder / name))  // it shall not pass for an empty one
      throw course::Failure("cannot read " + (folder / name).string());
    files[name] = course::content_of(folder / name);
  }
  return files;
}

std::string Outcome::verdict() const {
  switch (kind) {
    case Kind::passed:
      return "passed";
    case Kind::failed:
      return "assert";
    case Kind::hung:
      return "hang";
    case Kind::flooded:
      return "flood";
    case Kind::vanished:
      return "exit";
    case Kind::signalled:
      break;
  }
  const char* known = ::sigabbrev_np(signal);
  return "signal " + (known ? std::string(known) : std::to_string(signal));
}

Workbench::Workbench(fs::path root, fs::path build)
    : root_(fs::absolute(root)),
      build_(fs::absolute(build)),
      tree_(build_ / "workbench"),
      sanitizers_(course::cached(build_, "COURSE_SANITIZE")) {}

Workbench::Workbench(fs::path root, fs::path build, std::string sanitizers,
                     std::function<bool()> outdated)
    : Workbench(std::move(root), std::move(build)) {
  sanitizers_ = std::move(sanitizers);
  tree_ += "-" + sanitizers_.substr(0, sanitizers_.find(','));
  outdated_ = std::move(outdated);
}

fs::path Workbench::folder(const Variant& variant) const {
  if (variant.slot == "mine") return root_ / "mine" / variant.stage->folder;
  return compiled(variant);
}

// Where the files stand that are compiled.
fs::path Workbench::compiled(const Variant& variant) const {
  fs::path folder = tree() / "slots" / variant.slot / variant.stage->folder;
  fs::create_directories(folder);
  return folder;
}

void Workbench::clear(const Variant& variant) const {
  for (const auto& entry : fs::directory_iterator(folder(variant))) fs::remove_all(entry.path());
}

void Workbench::lay_out(const Variant& variant, const Files& files, const Files& reference) const {
  write_files(compiled(variant), files);
  // What sees our headers, and which of its files are not ours.
  fs::path mark = compiled(variant) / ".headers-of-reference";
  if (included(files) != included(reference)) {
    fs::remove(mark);
    return;
  }
  std::string own;
  for (const auto& [name, content] : files)
    if (auto found = reference.find(name); found == reference.end() || found->second != content)
      own += name + "\n";
  if (!fs::exists(mark) || course::content_of(mark) != own) write_file(mark, own);
}

fs::path Workbench::program(const Variant& variant) const {
  return tree() / "bin" / (variant.slot + "-" + variant.stage->target());
}

fs::path Workbench::suite(const Variant& variant) const {
  return program(variant).string() + "-tests";
}

bool Workbench::emulated() const { return !course::cached(build_, "COURSE_EMULATOR").empty(); }

// With which a program is started that we built: by itself, or by an emulator.
std::vector<std::string> Workbench::command_line(const std::vector<std::string>& program) const {
  Words words;
  std::istringstream emulator(course::cached(build_, "COURSE_EMULATOR"));
  for (std::string word; emulator >> word;) words.push_back(word);
  words.insert(words.end(), program.begin(), program.end());
  return words;
}

void Workbench::set_up(bool look_again) const {
  Words arguments = course::like(build_, root_ / "common/tools/workbench/tree", tree());
  arguments.push_back("-DCOURSE_ROOT=" + root_.string());
  arguments.push_back("-DCOURSE_SANITIZE=" + sanitizers_);
  if (outdated_) arguments.push_back("-DCMAKE_BUILD_TYPE=Debug");  // a report names lines
  course::set_up(tree(), arguments, "the workbench", look_again);
}

std::string Workbench::build(const std::vector<Variant>& variants, const std::string& part) {
  Words targets;
  for (const Variant& variant : variants) {
    fs::path chapter = (root_ / variant.stage->folder).parent_path();
    const std::string& name = variant.stage->name;
    bool shape = part == "shape" || part == "check", suite = part == "suite" || part == "check";
    if (!fs::exists(chapter / "exercises" / name / "shape.cpp")) shape = false;
    if (part == "shape" && !shape) continue;
    if (suite && !fs::exists(chapter / "tests" / (name + ".cpp")))
      throw course::Failure("there is no suite for " + variant.stage->short_name() + " yet");
    fs::path files = folder(variant);
    std::error_code missing;
    fs::directory_iterator entries(files, missing);
    if (std::none_of(begin(entries), end(entries),
                     [](const auto& entry) { return entry.path().extension() == ".cpp"; }))
      throw course::Failure("there is no .cpp file in " +
                            files.lexically_proximate(root_).string());
    std::string target = variant.slot + "-" + variant.stage->target();
    if (part == "program") targets.push_back(target);
    if (part == "bench") targets.push_back(target + "-bench");
    if (shape) targets.push_back(target + "-shape");
    // Beside the suite, not as a dependency of it, for which its compilation would wait.
    if (suite) targets.insert(targets.end(), {target + "-tests", target + "-with-faults"});
  }
  if (targets.empty()) return "";

  fs::create_directories(tree());
  net::Fd locked = course::lock(tree());
  for (const Variant& variant : variants)  // no other build is reading the copies now
    if (variant.slot == "mine")
      write_files(
          compiled(variant),
          read_files(outdated_ ? Workbench(root_, build_).compiled(variant) : folder(variant)));
  set_up(part == "bench");
  Words arguments{"--build", tree(), "--target"};
  arguments.insert(arguments.end(), targets.begin(), targets.end());
  if (targets.size() > 1) arguments.insert(arguments.end(), {"--", "-k", "0"});
  std::string what = variants.size() > 1 ? std::to_string(variants.size()) + " variants"
                     : variants.front().slot == "mine"
                         ? "your " + variants.front().stage->short_name()
                         : variants.front().stage->short_name();
  if (outdated_) what += " for a second look";
  // What they stand on is built for them, too.
  bool first = !fs::exists(tree() / "bin") || fs::is_empty(tree() / "bin");
  course::Built built =
      course::cmake(arguments, "Building " + what + (first ? " (this takes long only once)" : ""),
                    {{"LC_ALL", "C"}}, outdated_);
  if (built.ok) return "";
  if (std::string shapes = of_shapes(built.said); part == "check" && !shapes.empty())
    built.said = shapes;
  for (const Variant& variant : variants)
    built.said =
        replaced(std::move(built.said), compiled(variant).string(), folder(variant).string());
  return built.said.empty() ? what + " does not build, and nothing says why\n" : built.said;
}

std::vector<std::string> Workbench::cases(const Variant& variant) const {
  course::Signals signals;
  process::Command command{command_line({suite(variant), "--list-test-cases", "--no-colors"})};
  command.own_group = true;
  process::Child child(command);
  Clock::time_point deadline = Clock::now() + std::chrono::seconds(20);
  std::string ended;
  while (ended.empty() && !child.ended_within(milliseconds(5))) {
    if (int number = signals.arrived(); number == SIGTSTP)
      course::stop_together(child);
    else if (number != 0)
      throw course::Interrupted{number};
    if (Clock::now() > deadline) ended = "it did not end";
    if (floods(child)) ended = "it wrote and wrote";
  }
  process::Exit exit = end_of(child);
  if (ended.empty() && !exit.ok()) ended = exit.describe();

  // Whatever else was said before and after the list, it is none of doctest's.
  const std::string& out = child.out();
  std::size_t begin = out.find("[doctest] listing"), end = out.rfind("\n=====");
  if (ended.empty() && (begin == std::string::npos || end == std::string::npos || end < begin))
    ended = "it ended early, with " + exit.describe();
  std::string name = variant.stage->short_name();
  if (!ended.empty() && variant.slot == "mine")
    throw course::Failure("your code in " + name + " ran before main() did, and then: " + ended +
                          " (a global variable that does something?)");
  if (!ended.empty())
    throw course::Failure("the suite of " + name + " cannot list its cases: " + ended);

  Words names;
  std::istringstream lines(out.substr(begin, end - begin));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && !line.starts_with("[doctest]") && !line.starts_with("====="))
      names.push_back(line);
  return names;
}

std::vector<Outcome> Workbench::judge(const Variant& variant, const std::vector<std::string>& names,
                                      bool until_failure) const {
  std::vector<Trial> trials;
  for (const std::string& name : names) trials.push_back({variant, name});
  return judge(trials, until_failure);
}

std::vector<Outcome> Workbench::judge(const std::vector<Trial>& trials, bool until_failure,
                                      int patience) const {
  // The suite's own patience with a program is shorter than ours with the suite, since it can say
  // more; and its watchdog, which is twice that, comes a moment after ours, which cannot be
  // blocked, and looks what the case was doing.
  milliseconds limit = std::chrono::seconds(6) * patience;
  constexpr milliseconds moment{500};
  if (emulated()) limit *= 4;
  if (!sanitizers_.empty()) limit *= 3;
  std::optional<MemoryLimit> memory_limit;
  if (sanitizers_.empty() && !emulated()) memory_limit.emplace();
  course::TemporaryFolder temporary;
  process::Command command;
  command.own_group = true;  // the programs that the suite runs end with it

  struct Running {
    std::size_t index;
    process::Child child;
    Clock::time_point deadline;
    bool killed = false;
    Outcome::Usage usage = {};
  };
  course::Signals signals;
  Orphans orphans;  // goes after all that is running
  std::list<Running> running;
  std::vector<Outcome> outcomes(trials.size());
  std::size_t next = 0, end = trials.size();
  // clang's runtime looks for a program of its own version, which is a package of its own.
  std::string symbolizer;
  if (fs::exists("/usr/bin/addr2line")) symbolizer = ":external_symbolizer_path=/usr/bin/addr2line";
  // Most of them wait for most of their time.
  std::size_t jobs = 4 * std::max(1U, std::thread::hardware_concurrency());
  while (next < end || !running.empty()) {
    while (next < end && running.size() < jobs) {
      command.arguments =
          command_line({suite(trials[next].variant), filter(trials[next].name), "--no-colors"});
      // A finding is SIGABRT, and its report does not depend on who reads the program's output.
      std::string options = "abort_on_error=1" + symbolizer + ":log_path='" + temporary.path() +
                            "/report-" + std::to_string(next) + "'";
      command.environment = {
          {"TMPDIR", temporary.path()},
          {"COURSE_PATIENCE_MS", std::to_string((limit / 2).count())},
          {"ASAN_OPTIONS", options + ":detect_stack_use_after_return=1:hard_rss_limit_mb=2048"},
          {"UBSAN_OPTIONS", options + ":print_stacktrace=1"},
          {"TSAN_OPTIONS", options}};
      running.emplace_back(next++, process::Child(command), Clock::now() + limit - moment);
    }
    for (auto one = running.begin(); one != running.end();) {
      bool over = one->child.ended_within(milliseconds(1));
      if (!over && !one->killed && (Clock::now() > one->deadline || floods(one->child))) {
        one->usage = usage_of(one->child.pid());
        one->usage.of = limit;
        one->child.signal(SIGKILL);
        one->killed = true;
      }
      if (over) {
        Outcome& result = outcomes[one->index];
        result = outcome(trials[one->index].name, one->child, end_of(one->child), one->killed);
        result.usage = one->usage;
        result.report =
            take_reports(temporary.path(), "report-" + std::to_string(one->index) + ".");
        result.output += result.report;
        if (until_failure && result.kind != Outcome::Kind::passed)
          end = std::min(end, one->index + 1);
      }
      // Once one has failed, what comes after it does not matter any more.
      one = over || one->index >= end ? running.erase(one) : std::next(one);
    }
    // Children in groups of their own do not hear of the terminal's Ctrl-C.
    if (int number = signals.arrived(); number == SIGTSTP) {
      for (const Running& one : running) one.child.signal(SIGSTOP);
      std::raise(SIGSTOP);
      for (Running& one : running) {
        one.child.signal(SIGCONT);
        one.deadline = Clock::now() + limit - moment;
      }
    } else if (number != 0) {
      throw course::Interrupted{number};
    } else if (outdated_ && outdated_()) {
      throw course::Outdated();
    }
  }
  outcomes.resize(end);
  return outcomes;
}

}  // namespace workbench
