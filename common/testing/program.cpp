#include "testing/program.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

namespace testing {

// More than any patience inside the case, which can say more about what it waited for.
std::chrono::seconds case_limit() {
  const char* value = std::getenv("COURSE_CASE_SECONDS");
  if (int count = value ? std::atoi(value) : 0; count > 0) return std::chrono::seconds(count);
  return std::chrono::ceil<std::chrono::seconds>(patience_with_stages() * (emulated() ? 4 : 2));
}

std::chrono::milliseconds patience_with_stages() {
  const char* value = std::getenv("COURSE_PATIENCE_MS");
  int count = value ? std::atoi(value) : 0;
  return count > 0 ? std::chrono::milliseconds(count) : patience;
}

bool emulated() { return std::string_view(COURSE_EMULATOR) != ""; }

std::string stage_program() {
  std::string suite = std::filesystem::read_symlink("/proc/self/exe");
  return suite.substr(0, suite.rfind("-tests")) + "-with-faults";
}

process::Command program(const std::string& path, std::vector<std::string> arguments) {
  process::Command command;
  std::istringstream emulator(COURSE_EMULATOR);  // a command line; empty where we run natively
  for (std::string word; emulator >> word;) command.arguments.push_back(word);
  command.arguments.push_back(path);
  for (std::string& argument : arguments) command.arguments.push_back(std::move(argument));
  return command;
}

process::Result run(const std::string& path, std::vector<std::string> arguments,
                    const std::string& faults) {
  process::Command command = program(path, std::move(arguments));
  command.environment = {{"COURSE_FAULTS", faults}};
  return process::run(command, patience_with_stages());
}

CountedResult counted_run(const std::string& path, std::vector<std::string> arguments,
                          const std::string& faults) {
  TemporaryFolder folder;
  process::Command command = program(path, std::move(arguments));
  command.environment = {{"COURSE_FAULTS", faults}, {"COURSE_CALLS", folder.path() / "calls"}};
  CountedResult counted{process::run(command, patience_with_stages()), {}};
  std::ifstream file(folder.path() / "calls");
  std::string name;
  for (std::size_t count = 0; file >> name >> count;) counted.calls[name] = count;
  return counted;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

std::vector<pid_t> threads() {
  std::vector<pid_t> all;
  for (const auto& one : std::filesystem::directory_iterator("/proc/self/task"))
    all.push_back(std::stoi(one.path().filename()));
  return all;
}

bool no_threads_but(const std::vector<pid_t>& those) {
  std::vector<pid_t> all = threads();
  return std::all_of(all.begin(), all.end(), [&](pid_t one) {
    return std::find(those.begin(), those.end(), one) != those.end();
  });
}

bool sleeps(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string stat((std::istreambuf_iterator<char>(file)), {});
  std::size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] == 'S';
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "course-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace testing
