// Stage ch01/x-dereference: who notices a bad address? New: one load, written in the instructions
// of the CPU; and a child process that carries it out where it may not.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

#include "dereference.hpp"
#include "narrate/narrate.hpp"
#include "net/fd.hpp"
#include "page.hpp"
#include "stage/stage.hpp"

namespace {

// The child's whole life: it gives up the right to read the page, and reads it.
[[noreturn]] void read_what_is_forbidden(Page& page) {
  std::signal(SIGSEGV, SIG_DFL);  // the kernel's own answer: no handler, as sanitizers install one
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // and no core file: nobody will look for a mistake here
  if (page.forbid()) (void)dereference(page.number());
  ::_exit(0);  // leaves without unwinding: the stack below us belongs to the parent's story
}

void example() {
  Page page(42);
  narrate::say("read", "parent", dereference(page.number()), " at ", page.number());

  narrate::start("child", "gives up the right to read that page, and reads it");
  // From here on two processes see the same memory at the same addresses, each through a page table
  // of its own.
  pid_t child = ::fork();
  if (child == -1) throw net::last_error("fork");
  if (child == 0) read_what_is_forbidden(page);

  int status = 0;
  while (::waitpid(child, &status, 0) == -1)
    if (errno != EINTR) throw net::last_error("waitpid");
  if (!WIFSIGNALED(status)) throw std::runtime_error("nothing has stopped the child");
  narrate::done("child", "ended by signal ", WTERMSIG(status), ": ", ::strsignal(WTERMSIG(status)));

  narrate::say("read", "parent", dereference(page.number()), " at ", page.number());
}

}  // namespace

int main() { return stage::run(example); }
