#include "process/git_diff.hpp"

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace process {

Command plain_git(const std::filesystem::path& folder, const std::vector<std::string>& arguments) {
  Command git{{"git", "--no-pager", "-c", "core.attributesFile=/dev/null"}};
  git.arguments.insert(git.arguments.end(), arguments.begin(), arguments.end());
  git.directory = folder;
  // GIT_DIR=/dev/null: in no repository, and so without the configuration and attributes of one.
  git.environment = {{"GIT_DIR", "/dev/null"},      {"GIT_CONFIG_GLOBAL", "/dev/null"},
                     {"GIT_CONFIG_NOSYSTEM", "1"},  {"GIT_CONFIG_COUNT", "0"},
                     {"GIT_CONFIG_PARAMETERS", ""}, {"GIT_ATTR_NOSYSTEM", "1"},
                     {"GIT_DIFF_OPTS", ""},         {"LC_ALL", "C.UTF-8"}};
  return git;
}

Command git_diff(const std::filesystem::path& folder, const std::vector<std::string>& options,
                 const std::string& from, const std::string& to) {
  std::vector<std::string> arguments{"diff", "--no-index", "--no-ext-diff"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), {"--", from, to});
  return plain_git(folder, arguments);
}

std::vector<ChangedFile> changed_files(const std::filesystem::path& folder,
                                       const std::vector<std::string>& options,
                                       const std::string& from, const std::string& to) {
  std::vector<std::string> with_counts = options;
  with_counts.insert(with_counts.end(), {"--numstat", "-z"});
  Result result = run(git_diff(folder, with_counts, from, to));
  // Where a missing program cannot be reported at its start (under qemu-user), it ends like this.
  if (result.exit.code == 127) throw std::system_error(ENOENT, std::generic_category(), "git");
  if (result.exit.code != 0 && result.exit.code != 1)
    throw std::runtime_error("git diff failed: " + result.err);

  // "3 TAB 1 TAB NUL name before NUL name after NUL", where /dev/null stands for no file, and a
  // file that is no text has dashes for numbers.
  std::vector<ChangedFile> files;
  std::istringstream records(result.out);
  auto inside = [](const std::string& name, const std::string& of) {
    return name == "/dev/null" ? "" : name.substr(of.size() + 1);
  };
  for (std::string counts, before, after; std::getline(records, counts, '\0') &&
                                          std::getline(records, before, '\0') &&
                                          std::getline(records, after, '\0');) {
    ChangedFile file{inside(before, from), inside(after, to)};
    std::istringstream(counts) >> file.added >> file.removed;
    files.push_back(std::move(file));
  }
  auto name = [](const ChangedFile& file) { return file.after.empty() ? file.before : file.after; };
  std::sort(files.begin(), files.end(), [&](const ChangedFile& one, const ChangedFile& other) {
    return name(one) < name(other);
  });
  return files;
}

}  // namespace process
