// Stage ch09/c: what if the machine moves? New: MovesOnce moves it after its first poll. It leaves
// the old one where it was; with --dangling it frees it, in a child process.

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>

#include "executor.hpp"
#include "future.hpp"
#include "http.hpp"
#include "moves_once.hpp"
#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "reactor.hpp"
#include "stage/stage.hpp"

namespace {

struct Report {
  std::string text;
  std::size_t bytes = 0;
};

coroutine Unit async_main(net::Address server, std::chrono::milliseconds unit) {
  Report report;
  std::string& text = report.text;
  for (int i = 0; i < 3; ++i) {
    std::string body = wait get(server, "request-" + std::to_string(i), unit);
    text += " " + body;
    report.bytes += body.size();
  }
  narrate::say("result", "main", report.bytes, " bytes:", report.text);
}

void run(const stage::Options& options, Leaves leaves) {
  Reactor reactor;
  Executor executor;
  executor.spawn(MovesOnce(async_main(options.server, options.unit), leaves));
  executor.run();
}

// What a child does that follows a dangling pointer is anybody's guess, and shall not be ours.
void run_in_a_child(const stage::Options& options) {
  pid_t child = ::fork();  // before there are threads: only the one that calls it comes along
  if (child == -1) throw net::last_error("fork");
  if (child == 0) {
    run(options, Leaves::nothing);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) == -1)
    if (errno != EINTR) throw net::last_error("waitpid");
  if (WIFSIGNALED(status))
    narrate::say("ended", "child", "by signal ", WTERMSIG(status), ": ",
                 ::strsignal(WTERMSIG(status)));
  else
    narrate::say("ended", "child", "with exit status ", WEXITSTATUS(status));
}

void example(const stage::Options& options) {
  narrate::name_thread("main");
  if (options.flag)
    run_in_a_child(options);
  else
    run(options, Leaves::old_one);
}

}  // namespace

int main(int argc, char** argv) {
  return stage::run(
      argc, argv, example,
      {"--dangling", "free the machine that has been moved from, in a child process"});
}
