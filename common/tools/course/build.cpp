#include "course/build.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "course/exercise.hpp"
#include "course/failure.hpp"
#include "course/foreground.hpp"
#include "course/terminal.hpp"

namespace course {
namespace {

using std::chrono::milliseconds;

// How far ninja is: the "3/12" of its last "[3/12] Building …".
std::string progress(const std::string& output) {
  std::size_t begin = output.rfind("\n[");
  begin = begin == std::string::npos ? output.find('[') : begin + 1;
  if (begin == std::string::npos) return "";
  std::size_t end = output.find(']', begin);
  return end == std::string::npos ? "" : output.substr(begin + 1, end - begin - 1);
}

// What the compiler said, without ninja's and cmake's own lines, and without the command lines.
std::string diagnostics(const std::string& output) {
  std::istringstream lines(output);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    bool status = line.starts_with("[") || line.starts_with("-- ") ||
                  line.starts_with("ninja: no work to do") ||
                  line.starts_with("ninja: build stopped") ||
                  line.starts_with("ninja: Entering directory");
    if (!status) kept += line + "\n";
    if (line.starts_with("FAILED: ")) std::getline(lines, line);
  }
  return kept;
}

// The line that says what is being built, rewritten in place on a terminal.
class ProgressLine {
 public:
  explicit ProgressLine(std::string text) : text_(std::move(text)) {}
  ~ProgressLine() {
    if (shown_ && terminal_) write("\r\x1b[K");
  }
  void show(const std::string& detail, milliseconds spent) {
    if (terminal_)
      write("\r" + text_ + " ... " + detail + "\x1b[K");
    else if (!shown_)
      complain(text_ + " ...");
    else if (spent >= next_)
      complain(text_ + " ... " + detail);
    if (!shown_ || spent >= next_) next_ = spent + quiet;
    shown_ = true;
  }

 private:
  static void write(const std::string& text) {
    if (::write(STDERR_FILENO, text.data(), text.size()) == -1) return;  // nobody looks any more
  }
  static constexpr std::chrono::seconds quiet{20};  // in a log, between two lines
  std::string text_;
  milliseconds next_{0};
  bool terminal_ = obeys_escapes(STDERR_FILENO);
  bool shown_ = false;
};

}  // namespace

net::Fd lock(const std::filesystem::path& folder) {
  std::string file = folder / ".course-lock";
  net::Fd fd(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666));
  if (!fd) throw net::last_error(file.c_str());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == -1) {
    complain("course: waiting for another ./course that builds in " + folder.string() + " ...");
    while (::flock(fd.get(), LOCK_EX) == -1)
      if (errno != EINTR) throw net::last_error(file.c_str());
  }
  return fd;
}

Built cmake(const std::vector<std::string>& arguments, const std::string& doing,
            const std::vector<std::pair<std::string, std::string>>& environment,
            const std::function<bool()>& outdated) {
  Signals signals;
  process::Command command{{"cmake"}, environment};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.environment.push_back({"NINJA_STATUS", "[%f/%t] "});
  command.own_group = true;  // a signal has to reach ninja and the compilers behind cmake
  process::Child child(command);
  int interrupted = 0;
  bool in_vain = false;
  constexpr milliseconds moment{400}, glance{100};
  {
    ProgressLine line(doing);
    for (milliseconds spent{0}; !child.ended_within(glance); spent += glance) {
      if (spent >= moment) line.show(progress(child.out()), spent);
      int number = signals.arrived();
      if (number == SIGTSTP) {
        stop_together(child);
      } else if (number != 0) {
        child.signal(interrupted == 0 ? number : SIGKILL);
        interrupted = number;
      } else if (!in_vain && outdated && outdated()) {
        in_vain = true;
        child.signal(SIGTERM);
      }
    }
  }
  // It has ended. What a compiler wrapper leaves running may hold the pipes open for ever.
  process::Exit exit = child.wait(moment);
  if (interrupted != 0) throw Interrupted{interrupted};
  if (in_vain) throw Outdated();
  Built built{exit.ok(), diagnostics(child.out()) + child.err()};
  // A compiler, a linker or ninja says so at the end of a line.
  if (!built.ok && built.said.find(": No space left on device\n") != std::string::npos)
    throw Failure(
        "the disk is full, so nothing can be built: No space left on device (df -h shows which)");
  return built;
}

std::string cached(const std::filesystem::path& build, const std::string& name) {
  std::ifstream cache(build / "CMakeCache.txt");
  for (std::string line; std::getline(cache, line);) {
    std::size_t value = line.find('=');
    if (line.starts_with(name + ":") && value != std::string::npos) return line.substr(value + 1);
  }
  return "";
}

std::vector<std::string> like(const std::filesystem::path& build,
                              const std::filesystem::path& sources,
                              const std::filesystem::path& tree) {
  std::vector<std::string> arguments{"-S",
                                     sources,
                                     "-B",
                                     tree,
                                     "-G",
                                     "Ninja",
                                     "-DCOURSE_WERROR=OFF",
                                     "-DCOURSE_DOWNLOADS=" + (build / "_deps").string()};
  for (const char* name : {"CMAKE_BUILD_TYPE", "CMAKE_CXX_COMPILER", "CMAKE_CXX_FLAGS",
                           "CMAKE_TOOLCHAIN_FILE", "doctest_DIR", "nlohmann_json_DIR", "CLI11_DIR"})
    if (std::string value = cached(build, name); !value.empty() && !value.ends_with("-NOTFOUND"))
      arguments.push_back("-D" + std::string(name) + "=" + value);
  return arguments;
}

void set_up(const std::filesystem::path& tree, std::vector<std::string> arguments,
            const std::string& name, bool look_again) {
  std::string wanted;
  for (const std::string& argument : arguments) wanted += argument + "\n";
  std::filesystem::path record = tree / ".arguments";
  bool same = std::filesystem::exists(tree / "build.ninja") && content_of(record) == wanted;
  if (same && !look_again) return;

  if (!same && std::filesystem::exists(tree / "CMakeCache.txt")) arguments.push_back("--fresh");
  Built done = cmake(arguments, "Setting up " + name);
  if (!done.ok) throw Failure("cannot set up " + name + " in " + tree.string() + ": " + done.said);
  std::ofstream file(record, std::ios::trunc);
  if (!(file << wanted << std::flush))
    throw net::last_error(("cannot write " + record.string()).c_str());
}

void build(const std::filesystem::path& folder, const std::vector<std::string>& targets,
           const std::string& name) {
  net::Fd locked = lock(folder);
  std::vector<std::string> arguments{"--build", folder.string(), "--target"};
  arguments.insert(arguments.end(), targets.begin(), targets.end());
  Built built = cmake(arguments, "Building " + name);
  if (!built.said.empty()) complain(built.said.substr(0, built.said.size() - 1));
  if (!built.ok) throw Failure("could not build " + name + "; the errors are above");
}

std::string left_out(const std::filesystem::path& folder, const Stage& stage) {
  std::string why;
  std::getline(std::ifstream(folder / "left-out" / stage.target()), why);
  return why;
}

void look_again(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator files(folder / "left-out", error);
  if (error || files == std::filesystem::directory_iterator()) return;
  net::Fd locked = lock(folder);
  Built built = cmake({folder.string()}, "Looking for packages");
  if (!built.ok) throw Failure("cmake could not set up " + folder.string() + ": " + built.said);
}

}  // namespace course
