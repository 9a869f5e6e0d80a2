// The suite of common/process.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>

#include "process/child.hpp"
#include "testing/faults.hpp"
#include "testing/peer.hpp"
#include "testing/program.hpp"

using namespace std::chrono_literals;
using process::Child;
using process::Command;
using process::run;

namespace {

Command shell(const std::string& script) { return {{"/bin/sh", "-c", script}}; }

bool is_gone(pid_t pid) { return ::kill(pid, 0) == -1 && errno == ESRCH; }

// A process without a parent is reaped by somebody else, in their own time.
bool has_ended(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return !std::getline(file, line) || line.find(") Z ") != std::string::npos;
}

}  // namespace

TEST_CASE("a program's output, errors and exit status come back") {
  process::Result result = run(shell("echo out; echo err >&2; exit 3"));
  CHECK(result.out == "out\n");
  CHECK(result.err == "err\n");
  CHECK(result.exit.code == 3);
  CHECK_FALSE(result.exit.ok());
  CHECK(result.exit.describe() == "exit status 3");
}

TEST_CASE("more output than a pipe holds, on both streams, does not stop the program") {
  process::Result result =
      run(shell("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
                "echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done"));
  CHECK(result.out.size() == 3000 * 41);
  CHECK(result.err.size() == 3000 * 41);
}

TEST_CASE("a signal that ends a program is reported by name") {
  CHECK(run(shell("kill -SEGV $$")).exit.describe() == "killed by SIGSEGV (Segmentation fault)");
}

TEST_CASE("a program that exceeds its deadline is killed, and that is said") {
  process::Result result = run(shell("echo before; exec sleep 1000"), 50ms);
  CHECK(result.exit.late);
  CHECK(result.exit.describe() == "no end before its deadline: killed");
  CHECK(result.out == "before\n");
}

TEST_CASE("the deadline also holds for a program that has closed its output") {
  CHECK(run(shell("exec sleep 1000 >&- 2>&-"), 50ms).exit.late);
}

TEST_CASE("a program that has ended is not waited for, whatever it has left running") {
  Command command = shell("sleep 1000 & echo done");
  command.own_group = true;
  Child child(command);
  REQUIRE(child.wait_for_output("done", testing::patience));
  CHECK(child.wait().ok());  // the sleep holds the streams open
}

TEST_CASE("what an ended program has left running in its group is reached, by its own number") {
  Command command = shell("sleep 1000 & echo $!");
  command.own_group = true;
  pid_t left = -1;
  {
    Child child(command);
    REQUIRE(child.wait().ok());
    CHECK_FALSE(is_gone(child.pid()));  // not reaped: the number is nobody else's yet
    left = std::stoi(child.out());
    CHECK_FALSE(is_gone(left));
  }
  CHECK(testing::eventually([&] { return has_ended(left); }));
}

TEST_CASE("where SIGCHLD is ignored, as by a service manager, the end is seen all the same") {
  std::signal(SIGCHLD, SIG_IGN);
  CHECK(run(shell("exit 3")).exit.code == 3);
  std::signal(SIGCHLD, SIG_IGN);
  CHECK(run(shell("sh -c 'exit 4'; exit $?")).exit.code == 4);
  std::signal(SIGCHLD, SIG_DFL);
}

TEST_CASE("without a pidfd (an old kernel, a sandbox) the end is noticed as well") {
  testing::Faults faults("pidfd_open:1:ENOSYS");
  Child child(shell("sleep 1000 & echo $!; exit 5"));
  CHECK(child.wait(testing::patience).code == 5);
  ::kill(std::stoi(child.out()), SIGKILL);
}

TEST_CASE("what cannot be started is an error with the program's name") {
  std::size_t before = testing::open_descriptors();
  if (testing::emulated()) {
    // qemu-user makes a fork() of the vfork() in posix_spawn(), and so the error stays in the
    // child, which ends as it would in a shell.
    CHECK(run({{"/no/such/program"}}).exit.code == 127);
  } else {
    CHECK_THROWS_WITH_AS((void)run({{"/no/such/program"}}),
                         "/no/such/program: No such file or directory", std::system_error);
  }
  CHECK(testing::open_descriptors() == before);
}

TEST_CASE("a program gets its environment and its folder") {
  testing::TemporaryFolder folder;
  Command command = shell("pwd -P; echo $COURSE_A; echo $HOME");
  command.directory = folder.path();
  command.environment = {{"COURSE_A", "a b"}, {"HOME", "replaced"}};
  CHECK(run(command).out ==
        std::filesystem::canonical(folder.path()).string() + "\na b\nreplaced\n");
}

TEST_CASE("a program does not inherit the pipes of another one") {
  Command count = shell("set -- /proc/$$/fd/*; echo $#");
  std::string before = run(count).out;
  Child other(shell("exec sleep 1000"));
  CHECK(run(count).out == before);
}

TEST_CASE("a program's output can go to a descriptor of ours, though 3 to 9 are taken") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  net::Fd reader(ends[0]), low(ends[1]);
  net::Fd writer(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10));  // a shell's redirections end at 9
  REQUIRE(writer);
  Command command = shell("echo out; echo err >&2");
  command.output = writer.get();
  process::Result result = run(command);
  CHECK(result.out == "");
  CHECK(result.err == "err\n");
  std::array<char, 10> buffer;
  CHECK(::read(reader.get(), buffer.data(), buffer.size()) == 4);
  CHECK(std::string_view(buffer.data(), 4) == "out\n");
}

TEST_CASE("the end of the scope ends the program") {
  pid_t pid = -1;
  {
    Child child(shell("exec sleep 1000"));
    pid = child.pid();
    CHECK_FALSE(is_gone(pid));
  }
  CHECK(is_gone(pid));
}

TEST_CASE("output can be waited for while the program runs") {
  Child child(shell("echo ready; read line; echo never"));
  CHECK(child.wait_for_output("ready\n", testing::patience));
  CHECK_FALSE(child.wait_for_output("nothing of the kind", testing::patience));
}

TEST_CASE("a program can be sent a signal, and meets a closed pipe when we stop listening") {
  Child sleeping(shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
  REQUIRE(sleeping.wait_for_output("ready", testing::patience));
  sleeping.signal(SIGTERM);
  CHECK(sleeping.wait(testing::patience).code == 7);
  CHECK(sleeping.out() == "ready\nbye\n");
  CHECK(sleeping.wait(0ms).code == 7);  // asking again is harmless

  Child talking(shell("while echo x; do :; done"));
  REQUIRE(talking.wait_for_output("x", testing::patience));
  talking.close_output();
  CHECK(talking.wait(testing::patience).signal == SIGPIPE);
}

TEST_CASE("a signal to a program in a group of its own reaches what it started, too") {
  Command command = shell("sleep 1000 & echo $!; wait");
  command.own_group = true;
  Child child(command);
  REQUIRE(child.wait_for_output("\n", testing::patience));
  CHECK_FALSE(child.ended_within(1ms));
  pid_t started = std::stoi(child.out());
  child.signal(SIGTERM);
  CHECK(child.ended_within(testing::patience));
  CHECK(child.wait().signal == SIGTERM);
  CHECK(testing::eventually([&] { return has_ended(started); }));
}
