#include "bench/bench.hpp"

#include <nlohmann/json.hpp>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "bench/delayserver.hpp"
#include "narrate/narrate.hpp"
#include "process/child.hpp"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

// A line on standard error, rewritten in place on a terminal. Written between two samples only.
class Progress {
 public:
  Progress() {
    const char* kind = std::getenv("TERM");
    terminal_ = ::isatty(STDERR_FILENO) == 1 && kind && *kind && std::string(kind) != "dumb";
  }
  Progress(const Progress&) = delete;
  ~Progress() {
    if (terminal_) std::fputs("\r\x1b[K", stderr);
  }
  void show(const std::string& row, int round, int rounds) {
    auto now = std::chrono::steady_clock::now();
    if (!terminal_ && now < next_) return;
    next_ = now + std::chrono::seconds(20);  // in a log, between two lines
    std::fprintf(stderr,
                 terminal_ ? "\rMeasuring, round %d of %d: %.40s\x1b[K"
                           : "Measuring, round %d of %d: %.40s ...\n",
                 round, rounds, row.c_str());
  }

 private:
  bool terminal_;
  std::chrono::steady_clock::time_point next_{};
};

std::string machine() {
  std::string model;
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; model.empty() && std::getline(cpus, line);)
    if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
  utsname system{};
  if (model.empty() && ::uname(&system) == 0) model = system.machine;  // Arm has no names
  unsigned cores = std::thread::hardware_concurrency();
  return model + ", " + std::to_string(cores) + (cores == 1 ? " core" : " cores");
}

// To four digits: more is noise.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  double shift = 3 - std::floor(std::log10(std::abs(value)));
  // A power of ten below 1 is not exact; dividing by its inverse gives the nearest number.
  if (shift >= 0) return std::round(value * std::pow(10, shift)) / std::pow(10, shift);
  return std::round(value / std::pow(10, -shift)) * std::pow(10, -shift);
}

struct Samples {
  std::vector<double> ours, theirs;
};

// ---- Counting

// In the environment of a program that is to be counted: "ROW SIDE TIMES", such as "3 peer 10000".
constexpr const char* counted_variable = "COURSE_BENCH_COUNTED";

std::string this_sample;           // "3 peer": what is being measured
std::optional<int> counted_times;  // there: callgrind or strace counts what we do

// Throws what the sample throws, as std::runtime_error that says which one it is.
double take(const std::vector<Row>& rows, std::size_t row, const std::string& side) {
  this_sample = std::to_string(row) + " " + side;
  try {
    return side == "peer" ? rows.at(row).peer.value().sample() : rows.at(row).ours();
  } catch (const std::exception& error) {
    throw std::runtime_error(rows.at(row).name + ", " + side + ": " + error.what());
  }
}

// As run() in such a program.
void be_counted(const std::vector<Row>& rows, const char* what) {
  std::istringstream words(what);
  std::size_t row = 0;
  std::string side;
  int times = 0;
  words >> row >> side >> times;
  counted_times = times;
  take(rows, row, side);
}

// All of this program under a tool, with so many calls in the sample. Returns what stands on the
// tool's standard error.
std::string run_under(std::vector<std::string> tool, int times) {
  tool.push_back(std::filesystem::read_symlink("/proc/self/exe"));
  std::string name = tool.front();
  process::Result result = process::run(
      {std::move(tool), {{counted_variable, this_sample + " " + std::to_string(times)}}});
  if (!result.exit.ok())
    throw std::runtime_error(name + " has not counted: " + result.exit.describe() + "\n" +
                             result.err);
  return result.err;
}

// ---- What is printed

Json result(const Row& row, const Samples& samples) {
  if (samples.ours.empty())
    return {{"name", row.name}, {"unit", row.unit}, {"missing", row.package}};
  Figures ours = figures(samples.ours);
  Json json{{"name", row.name},
            {"unit", row.unit},
            {"ours", rounded(ours.median)},
            {"range", {rounded(ours.least), rounded(ours.most)}}};
  if (row.peer) {
    json["peer"] = row.peer->name;
    if (samples.theirs.empty()) {
      json["missing"] = row.peer->package;
    } else {
      Figures theirs = figures(samples.theirs);
      json["theirs"] = rounded(theirs.median);
      json["peer_range"] = {rounded(theirs.least), rounded(theirs.most)};
      if (theirs.median != 0) json["ratio"] = rounded(ours.median / theirs.median);
    }
    if (row.goal) json["goal"] = *row.goal;
  }
  json["rounds"] = samples.ours.size();
  return json;
}

}  // namespace

bool quick() { return std::getenv("COURSE_BENCH_QUICK") != nullptr; }

detail::Counter detail::instructions() {
  return [](int times) {
    std::string said = run_under({"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                                  "--vgdb=no", "--fair-sched=try"},
                                 times);
    constexpr std::string_view before = "Collected : ";
    std::size_t at = said.find(before);
    if (at == std::string::npos)
      throw std::runtime_error("callgrind has not said what it counted:\n" + said);
    return std::stod(said.substr(at + before.size()));
  };
}

// strace's summary has a line for each call: "   17 futex". It says nothing where there was none.
detail::Counter detail::system_calls(const std::string& name) {
  return [name](int times) {
    std::istringstream said(run_under(
        {"strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=" + name, "-c", "-U", "calls,name"},
        times));
    for (std::string line; std::getline(said, line);) {
      std::istringstream words(line);
      double count = 0;
      std::string call;
      if (words >> count >> call && call == name) return count;
    }
    return 0.0;
  };
}

// Of two counts the difference: without what the program does before and after.
double detail::counted(const Counter& counter, int few, int many,
                       const std::function<void(int times)>& repeat) {
  if (counted_times) {
    repeat(*counted_times);
    return 0;
  }
  if (quick()) {
    repeat(1);
    return 0;
  }
  return counter(many) - counter(few);
}

double detail::counted_once(const Counter& counter, int few, int many,
                            const std::function<void(int times)>& repeat) {
  static std::map<std::string, double> known;
  auto [sample, is_new] = known.try_emplace(this_sample);
  if (is_new) sample->second = counted(counter, few, many, repeat);
  return sample->second;
}

Figures figures(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  std::size_t middle = samples.size() / 2;
  double median =
      samples.size() % 2 == 1 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2;
  return {median, samples.front(), samples.back()};
}

std::string measure(const std::vector<Row>& rows, int rounds) {
  std::vector<Samples> samples(rows.size());
  {
    Progress progress;
    for (int round = 1; round <= rounds; ++round)
      for (std::size_t i = 0; i != rows.size(); ++i) {
        progress.show(rows[i].name, round, rounds);
        if (!rows[i].ours) continue;
        samples[i].ours.push_back(take(rows, i, "ours"));
        if (rows[i].peer && rows[i].peer->sample)
          samples[i].theirs.push_back(take(rows, i, "peer"));
      }
  }
  Json results = Json::array();
  for (std::size_t i = 0; i != rows.size(); ++i) results.push_back(result(rows[i], samples[i]));
  return Json{{"machine", machine()},
              {"compiler", COURSE_COMPILER},
              {"build", COURSE_BUILD_TYPE},
              {"rows", results}}
      .dump();
}

int run(const std::vector<Row>& rows, int rounds) try {
  narrate::set_silent(true);
  if (detail::is_delayserver()) return detail::serve();
  if (const char* what = std::getenv(counted_variable)) {
    be_counted(rows, what);
    return 0;
  }
  std::string said = measure(rows, quick() ? 1 : rounds) + "\n";
  if (std::fputs(said.c_str(), stdout) == EOF || std::fflush(stdout) == EOF) {
    std::perror("standard output");
    return 1;
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

}  // namespace bench
