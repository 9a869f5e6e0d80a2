#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "course/build.hpp"
#include "course/commands.hpp"
#include "course/exercise.hpp"
#include "course/explain.hpp"
#include "course/failure.hpp"
#include "course/foreground.hpp"
#include "course/temporary_folder.hpp"
#include "course/terminal.hpp"
#include "course/thread_timeline.hpp"
#include "course/timeline.hpp"
#include "delayserver/server.hpp"
#include "workbench/workbench.hpp"

namespace course {
namespace {

bool answered(const delay::Exchange& one) { return one.answered >= one.received; }

// A delayserver on a free port, on a thread of its own, that remembers what it saw.
class Server {
 public:
  Server() : shared_(std::make_shared<Shared>()), thread_(serve, shared_) {}
  Server(const Server&) = delete;
  ~Server() {
    shared_->server.stop();
    // A stage that was killed leaves requests behind, which the server would answer faithfully,
    // after seconds. The thread may do so without us: what it needs is shared, not ours.
    if (shared_->all_answered())
      thread_.join();
    else
      thread_.detach();
  }

  [[nodiscard]] bool was_asked() const {
    std::lock_guard lock(shared_->mutex);
    return !shared_->seen.empty();
  }
  [[nodiscard]] std::string address() const { return shared_->server.address().to_string(); }

  // Draws what was seen so far.
  [[nodiscard]] std::string timeline(const Style& style) const {
    (void)shared_->all_answered();
    std::uint64_t peak = shared_->server.stats().peak_in_flight;
    std::lock_guard lock(shared_->mutex);
    return course::timeline(shared_->seen, peak, delay::Clock::now(), style);
  }
  [[nodiscard]] std::size_t columns_before_bars(const Style& style) const {
    std::lock_guard lock(shared_->mutex);
    return course::columns_before_bars(shared_->seen, style);
  }

 private:
  struct Shared {
    std::mutex mutex;  // never held while the server is asked something: it calls us with its own
    std::condition_variable answer;
    std::vector<delay::Exchange> seen;
    delay::Server server{options()};

    delay::Options options() {
      delay::Options options;
      options.address = net::Address::parse("127.0.0.1:0");
      options.on_request = [this](const delay::Exchange& one) {
        std::lock_guard lock(mutex);
        seen.push_back(one);
      };
      options.on_answer = [this](const delay::Exchange& one) {
        std::lock_guard lock(mutex);
        for (delay::Exchange& known : seen)
          if (known.number == one.number) known = one;
        answer.notify_all();
      };
      return options;
    }

    // The client can have an answer a moment before the server has written it down.
    bool all_answered() {
      std::unique_lock lock(mutex);
      return answer.wait_for(lock, std::chrono::milliseconds(50),
                             [&] { return std::all_of(seen.begin(), seen.end(), answered); });
    }
  };
  static void serve(std::shared_ptr<Shared> shared) { shared->server.run(); }

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

// The trace of a stage that has threads, in the file that the reader named or in one that goes with
// us. Where there is none, nothing is drawn.
class ThreadTrace {
 public:
  ThreadTrace(const Stage& stage, const RunOptions& options) : file_(options.trace) {
    // Behind the --, that is. The stage takes it only once.
    bool asked = std::any_of(options.arguments.begin(), options.arguments.end(),
                             [](const auto& word) { return word.starts_with("--trace"); });
    drawn_ = stage.server && stage.threads && options.server.empty();
    try {
      if (drawn_ && file_.empty() && !asked) file_ = folder_.emplace().path() + "/trace.json";
    } catch (const std::system_error&) {  // no place for it: the run goes on without a picture
    }
    before_ = changed();
  }

  [[nodiscard]] const std::string& file() const { return file_; }

  [[nodiscard]] std::string timeline(const Style& style, std::size_t before_bars) const {
    std::error_code ignored;
    // A pipe would wait for a writer, and an old file tells of another run.
    if (!drawn_ || !std::filesystem::is_regular_file(file_, ignored) || changed() == before_)
      return "";
    std::ifstream trace(file_);
    return thread_timeline(trace, style, before_bars);
  }

 private:
  [[nodiscard]] std::filesystem::file_time_type changed() const {
    std::error_code ignored;
    return std::filesystem::last_write_time(file_, ignored);
  }

  std::string file_;
  bool drawn_ = false;
  std::optional<TemporaryFolder> folder_;
  std::filesystem::file_time_type before_;
};

// What a shell reports for a program that ended like this.
int status_of(const process::Exit& exit) { return exit.signal ? 128 + exit.signal : exit.code; }

bool asks_for_help(const std::vector<std::string>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

int run_stage(const std::filesystem::path& program, const Stage& stage, const RunOptions& options) {
  Signals signals;
  process::Command command{{program}};
  auto pass = [&](std::initializer_list<std::string> words) {
    command.arguments.insert(command.arguments.end(), words);
  };
  std::optional<Server> server;
  ThreadTrace trace(stage, options);
  if (stage.server) {
    if (options.server.empty()) server.emplace();
    pass({"--server", server ? server->address() : options.server});
    pass({"--unit-ms", std::to_string(options.unit_ms.value_or(options.all ? 100 : 1000))});
    if (!trace.file().empty()) pass({"--trace", trace.file()});
  }
  command.arguments.insert(command.arguments.end(), options.arguments.begin(),
                           options.arguments.end());

  Ended ended = run_in_foreground(command, signals);
  if (ended.signal != 0) throw Interrupted{ended.signal};
  if (ended.exit.signal != 0)
    complain("course: " + stage.short_name() + " was " + ended.exit.describe());
  else if (ended.exit.code > 2)  // for 1 and 2 stages have a line of their own
    complain("course: " + stage.short_name() + " ended with " + ended.exit.describe());
  int status = status_of(ended.exit);
  // That there was no request needs saying only if nothing else explains it.
  bool explained = status != 0 || asks_for_help(options.arguments);
  try {
    if (server && (server->was_asked() || !explained)) {
      Style look = style();
      print("\n" + server->timeline(look));
      std::string threads = trace.timeline(look, server->columns_before_bars(look));
      if (!threads.empty()) print("\n" + threads);
    }
  } catch (const Failure&) {
    // A stage that could not write either has already said so.
    if (status == 0) throw;
  }
  return status;
}

// What the stage asks of the kernel and does not get here: switched off, or forbidden in a
// container. Run alone, it says so itself. A tour goes on without it.
std::string refused(const Stage& stage) {
  if (stage.kernel != "io_uring") return "";
  io_uring_params parameters{};
  net::Fd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters)));
  return ring ? "" : net::last_error("this machine offers no io_uring").what();
}

int tour(const Workshop& workshop, const RunOptions& options) {
  std::vector<const Stage*> stages;
  std::vector<std::string> targets;
  std::string missing;
  look_again(workshop.build);
  for (const Chapter& chapter : workshop.map.chapters())
    for (const Stage& stage : chapter.stages)
      if (std::string why = left_out(workshop.build, stage); stage.written && !why.empty()) {
        missing += "Left out: " + stage.short_name() + ": " + why + "\n";
      } else if (why = refused(stage); stage.written && !why.empty()) {
        missing += "Left out: " + stage.short_name() + ": " + why + "\n";
      } else if (stage.written) {
        workshop.map.require_sources(stage);
        stages.push_back(&stage);
        targets.push_back(stage.target());
      }
  if (stages.empty()) throw Failure("there is no stage yet that could be run");
  build(workshop.build, targets, std::to_string(stages.size()) + " stages");

  Style look = style();
  std::string failed;
  for (const Stage* stage : stages) {
    print(look.paint("1", "==== " + stage->chapter + "/" + stage->name + ": " + stage->title) +
          "\n");
    if (run_stage(workshop.build / "bin" / stage->target(), *stage, options) != 0)
      failed += " " + stage->short_name();
    print("\n");
  }
  print(missing);
  if (!failed.empty()) throw Failure("failed:" + failed);
  print(std::to_string(stages.size()) + " stages ran, and all of them ended well.\n");
  return 0;
}

int run_mine(const Workshop& workshop, const Stage& stage, const RunOptions& options) {
  const Map& map = workshop.map;
  require_exercise(map, stage);
  require_own(map, stage);
  require_complete(map, stage);
  workbench::Variant mine{"mine", &stage};
  workbench::Workbench bench(map.root(), workshop.build);
  if (std::string said = bench.build({mine}, "program"); !said.empty()) {
    print(explained(said, map, stage, style()));
    return 1;
  }
  return run_stage(bench.program(mine), stage, options);
}

}  // namespace

int run(const Workshop& workshop, const RunOptions& options) try {
  // The stage shall have its end, and the reader a line, when our output is a pipe that closes.
  std::signal(SIGPIPE, SIG_IGN);
  if (options.all) return tour(workshop, options);
  const Stage& stage = workshop.map.stage(options.stage);
  if (!stage.server && (options.unit_ms || !options.server.empty() || !options.trace.empty()))
    throw Failure(
        stage.short_name() + " makes no requests: it takes no --server, --unit-ms, --trace", 2);
  if (options.mine) return run_mine(workshop, stage, options);
  if (!left_out(workshop.build, stage).empty()) look_again(workshop.build);
  if (std::string why = left_out(workshop.build, stage); !why.empty())
    throw Failure(stage.short_name() + " cannot be built here: " + why);
  build(workshop.build, {stage.target()}, stage.chapter + "/" + stage.name);
  return run_stage(workshop.build / "bin" / stage.target(), stage, options);
} catch (const OutputClosed& closed) {
  throw Failure(closed.what());
}

int serve(const Workshop& workshop, std::vector<std::string> arguments) {
  build(workshop.build, {"delayserver"}, "the delayserver");
  std::string program = workshop.build / "bin/delayserver";
  std::vector<char*> words{program.data()};
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  throw net::last_error(program.c_str());
}

}  // namespace course
