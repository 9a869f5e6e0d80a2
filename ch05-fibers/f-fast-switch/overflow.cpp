#include "overflow.hpp"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include "net/fd.hpp"

namespace {

std::atomic<OverflowReports::OwnerOf> owner;
std::mutex mutex;  // for both
int living = 0;
struct sigaction handler_before;

void report(const char* text) { (void)!::write(STDERR_FILENO, text, std::strlen(text)); }

void on_segv(int, siginfo_t* info, void*) {
  const char* name = owner.load()(info->si_addr);
  if (name == nullptr) {
    // Not ours. The instruction is tried again when we return, and meets the other handler.
    ::sigaction(SIGSEGV, &handler_before, nullptr);
    return;
  }
  report(name);
  report(" has used up its stack: too deep a recursion, or variables that are too large\n");
  ::signal(SIGSEGV, SIG_DFL);
}

void install() {
  struct sigaction action{};
  action.sa_sigaction = on_segv;
  // On a stack of its own: the one that overflows has no room for a handler.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  if (::sigaction(SIGSEGV, &action, &handler_before) == -1) throw net::last_error("sigaction");
}

}  // namespace

OverflowReports::OverflowReports(OwnerOf owner_of) {
  auto size = static_cast<std::size_t>(::sysconf(_SC_SIGSTKSZ)) + 16 * 1024;
  stack_ = std::make_unique<std::byte[]>(size);
  stack_t alternative{};
  alternative.ss_sp = stack_.get();
  alternative.ss_size = size;
  if (::sigaltstack(&alternative, &before_) == -1)  // its stack is the thread's …
    throw net::last_error("sigaltstack");
  owner = owner_of;
  std::lock_guard lock(mutex);
  if (living == 0) install();  // … and the handler the process's
  ++living;                    // at the end: what throws is never destroyed
}

OverflowReports::~OverflowReports() {
  ::sigaltstack(&before_, nullptr);
  std::lock_guard lock(mutex);
  if (--living == 0) ::sigaction(SIGSEGV, &handler_before, nullptr);
}
