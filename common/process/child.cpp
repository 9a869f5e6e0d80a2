#include "process/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <system_error>

namespace process {
namespace {

using Clock = std::chrono::steady_clock;

// posix_spawn and its helpers return the error instead of setting errno.
void check(int error, const std::string& what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

std::pair<net::Fd, net::Fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw net::last_error("pipe2");
  return {net::Fd(ends[0]), net::Fd(ends[1])};
}

struct Actions {
  posix_spawn_file_actions_t value;
  Actions() { check(::posix_spawn_file_actions_init(&value), "posix_spawn_file_actions_init"); }
  Actions(const Actions&) = delete;
  ~Actions() { ::posix_spawn_file_actions_destroy(&value); }
};

struct Attributes {
  posix_spawnattr_t value;
  Attributes() { check(::posix_spawnattr_init(&value), "posix_spawnattr_init"); }
  Attributes(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
};

// The child starts with no signal blocked, and with SIGPIPE and SIGCHLD as a shell would give them:
// ignored signals are inherited, and we, or whoever started us, may ignore these.
void reset_signals(posix_spawnattr_t* attributes, bool own_group) {
  sigset_t set;
  ::sigemptyset(&set);
  check(::posix_spawnattr_setsigmask(attributes, &set), "posix_spawnattr_setsigmask");
  ::sigaddset(&set, SIGPIPE);
  ::sigaddset(&set, SIGCHLD);
  check(::posix_spawnattr_setsigdefault(attributes, &set), "posix_spawnattr_setsigdefault");
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (own_group) flags |= POSIX_SPAWN_SETPGROUP;  // group 0: a new one, numbered like the child
  check(::posix_spawnattr_setflags(attributes, static_cast<short>(flags)),
        "posix_spawnattr_setflags");
}

std::vector<std::string> merged_environment(const Command& command) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    std::string name = text.substr(0, text.find('='));
    bool replaced = std::any_of(command.environment.begin(), command.environment.end(),
                                [&](const auto& added) { return added.first == name; });
    if (!replaced) merged.push_back(std::move(text));
  }
  for (const auto& [name, value] : command.environment) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

// Appends what is there. False at the end of the stream.
bool drain(const net::Fd& fd, std::string& into) {
  std::array<char, 65536> buffer;
  ssize_t count;
  do {
    count = ::read(fd.get(), buffer.data(), buffer.size());
  } while (count == -1 && errno == EINTR);
  if (count > 0) into.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

int milliseconds_until(Clock::time_point until) {
  if (until == Clock::time_point::max()) return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, 1 << 30));
}

Clock::time_point after(std::optional<std::chrono::milliseconds> deadline) {
  return deadline ? Clock::now() + *deadline : Clock::time_point::max();
}

// Where SIGCHLD is ignored, and a service manager may start us so, the kernel forgets how children
// ended.
void keep_exit_statuses() {
  struct sigaction action{};
  ::sigaction(SIGCHLD, nullptr, &action);
  if (action.sa_handler == SIG_IGN) std::signal(SIGCHLD, SIG_DFL);
}

// Without it (a kernel before 5.3, an emulator, a sandbox) we look again every few milliseconds.
constexpr std::chrono::milliseconds glance{5};

}  // namespace

std::string Exit::describe() const {
  if (late) return "no end before its deadline: killed";
  if (signal == 0) return "exit status " + std::to_string(code);
  const char* name = ::sigabbrev_np(signal);
  return std::string("killed by SIG") + (name ? name : std::to_string(signal).c_str()) + " (" +
         ::strsignal(signal) + ")";
}

Child::Child(const Command& command, Output output) : own_group_(command.own_group) {
  Actions actions;
  Attributes attributes;
  reset_signals(&attributes.value, own_group_);
  net::Fd out_end, err_end;
  if (output == Output::capture) {
    std::tie(out_pipe_, out_end) = make_pipe();
    std::tie(err_pipe_, err_end) = make_pipe();
    check(::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0),
          "posix_spawn");
    check(::posix_spawn_file_actions_adddup2(&actions.value, out_end.get(), 1), "posix_spawn");
    check(::posix_spawn_file_actions_adddup2(&actions.value, err_end.get(), 2), "posix_spawn");
  }
  if (command.output != -1)
    check(::posix_spawn_file_actions_adddup2(&actions.value, command.output, 1), "posix_spawn");
  if (!command.directory.empty())
    check(::posix_spawn_file_actions_addchdir_np(&actions.value, command.directory.c_str()),
          "posix_spawn");

  keep_exit_statuses();
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = merged_environment(command);
  check(::posix_spawnp(&pid_, arguments.at(0).c_str(), &actions.value, &attributes.value,
                       pointers(arguments).data(), pointers(environment).data()),
        arguments[0]);
  end_ = net::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      own_group_(other.own_group_),
      exit_(std::move(other.exit_)),
      end_(std::move(other.end_)),
      out_pipe_(std::move(other.out_pipe_)),
      err_pipe_(std::move(other.err_pipe_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Child::~Child() {
  if (pid_ == -1) return;
  signal(SIGKILL);
  while (::waitpid(pid_, nullptr, 0) == -1 && errno == EINTR) {
  }
}

void Child::signal(int number) const {
  if (pid_ != -1) ::kill(own_group_ ? -pid_ : pid_, number);
}

// Waits until then for output, or for the end, and takes what is there.
void Child::collect(Clock::time_point until) {
  if (!end_) until = std::min(until, Clock::now() + glance);
  std::array<pollfd, 3> ready{
      {{out_pipe_.get(), POLLIN, 0}, {err_pipe_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
  int count = ::poll(ready.data(), ready.size(), milliseconds_until(until));
  if (count == -1 && errno == EINTR) return;
  if (count == -1) throw net::last_error("poll");
  if (ready[0].revents != 0 && !drain(out_pipe_, out_)) out_pipe_.close();
  if (ready[1].revents != 0 && !drain(err_pipe_, err_)) err_pipe_.close();
}

// Looks at the end, and leaves the zombie to the destructor: until then the number is ours.
bool Child::has_ended() {
  if (exit_) return true;
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == -1)
    if (errno != EINTR) throw net::last_error("waitid");
  if (info.si_pid == 0) return false;
  exit_ =
      info.si_code == CLD_EXITED ? Exit{info.si_status, 0, false} : Exit{-1, info.si_status, false};
  return true;
}

bool Child::ended_by(Clock::time_point until) {
  while (!has_ended()) {
    if (Clock::now() >= until) return false;
    collect(until);
  }
  // What it has left in the pipes. Whoever else writes into them may go on for ever.
  constexpr int more_than_pipes_hold = 8;
  for (int i = 0; i < more_than_pipes_hold; ++i) collect(Clock::now());
  return true;
}

Exit Child::wait(std::optional<std::chrono::milliseconds> deadline) {
  if (!ended_by(after(deadline))) {
    signal(SIGKILL);
    ended_by(Clock::time_point::max());
    exit_->late = true;
  }
  return *exit_;
}

bool Child::ended_within(std::chrono::milliseconds time) {
  collect(Clock::now());
  return ended_by(Clock::now() + time);
}

bool Child::wait_for_output(const std::string& text, std::chrono::milliseconds deadline) {
  Clock::time_point until = after(deadline);
  while (out_.find(text) == std::string::npos) {
    if (ended_by(Clock::now()) || Clock::now() >= until) break;
    collect(until);
  }
  return out_.find(text) != std::string::npos;
}

void Child::close_output() {
  out_pipe_.close();
  err_pipe_.close();
}

Result run(const Command& command, std::optional<std::chrono::milliseconds> deadline) {
  Child child(command);
  Exit exit = child.wait(deadline);
  return {exit, child.out(), child.err()};
}

}  // namespace process
