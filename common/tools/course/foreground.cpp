#include "course/foreground.hpp"

#include <sys/wait.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace course {
namespace {

bool has_ended(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child;
}

// Whether somebody of the group is left beside its leader, which has ended and is not reaped yet.
bool has_members(pid_t leader) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    std::string line, state;
    std::getline(file, line, '\0');  // "pid (name) S parent group …", with anything in the name
    std::istringstream rest(line.substr(line.rfind(')') + 1));
    pid_t parent = 0, group = 0;
    if (rest >> state >> parent >> group && group == leader && state != "Z") return true;
  }
  return false;
}

// An interrupted ctest does not wait for its suites. They may have to clean up, but not for long.
void end_group(const process::Child& leader) {
  using namespace std::chrono_literals;
  auto until = std::chrono::steady_clock::now() + 1s;
  while (has_members(leader.pid()) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(5ms);
  leader.signal(SIGKILL);
}

}  // namespace

Signals::Signals() {
  ::sigemptyset(&set_);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCHLD}) {
    struct sigaction action{};
    ::sigaction(number, nullptr, &action);
    // What is ignored stays so (nohup, and a shell's background jobs), except that we must hear of
    // the end of children.
    if (number == SIGCHLD) std::signal(SIGCHLD, SIG_DFL);
    if (number == SIGCHLD || action.sa_handler != SIG_IGN) ::sigaddset(&set_, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
}

Signals::~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

siginfo_t Signals::wait() {
  siginfo_t info{};
  while (::sigwaitinfo(&set_, &info) == -1) {
    // EINTR: by a signal that is none of these, such as a stop and continue
  }
  return info;
}

int Signals::arrived() {
  timespec now{};
  for (int number; (number = ::sigtimedwait(&set_, nullptr, &now)) > 0;)
    if (number != SIGCHLD) return number;
  return 0;
}

void stop_together(const process::Child& child) {
  child.signal(SIGSTOP);
  std::raise(SIGSTOP);  // returns when we are continued
  child.signal(SIGCONT);
}

Ended run_in_foreground(const process::Command& command, Signals& signals) {
  process::Child child(command, process::Child::Output::inherit);
  int interrupted = 0;
  while (!has_ended(child.pid())) {
    siginfo_t info = signals.wait();
    if (info.si_signo == SIGCHLD) continue;
    if (info.si_signo == SIGTSTP) {
      stop_together(child);
      continue;
    }
    // The terminal's own Ctrl-C goes to every program in the foreground, to our children too.
    bool from_terminal = info.si_code == SI_KERNEL && !command.own_group;
    if (interrupted != 0)
      child.signal(SIGKILL);
    else if (!from_terminal)
      child.signal(info.si_signo);
    interrupted = info.si_signo;
  }
  Ended ended{child.wait(), interrupted};
  if (interrupted != 0 && command.own_group) end_group(child);
  return ended;
}

}  // namespace course
