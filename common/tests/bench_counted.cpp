// A bench that has its samples counted, for the suite to run: how many more instructions there are
// in one row than in another is known, and how many system calls. With COURSE_TEST_CALLS in the
// environment it is the latter.

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "bench/bench.hpp"
#include "bench/delayserver.hpp"
#include "http/client.hpp"

namespace {

void none() { asm volatile(""); }
void eleven() { asm volatile(".rept 11\n nop\n .endr"); }
void a_hundred() { asm volatile(".rept 100\n nop\n .endr"); }

template <void (*action)()>
double count() {
  return bench::instructions(action);
}

double count_once() {
  return bench::instructions_of_one([] { asm volatile(".rept 12345\n nop\n .endr"); });
}

void ask_twice() {
  for (int i = 0; i != 2; ++i) ::syscall(SYS_getppid);
}

double calls_of_two_threads() {
  return bench::system_calls_of_one("getppid", [] {
    ask_twice();
    std::jthread another(ask_twice);
  });
}

// Ten for each connection that our side has made, and one for each request that the server has had
// at the same time.
double calls_with_a_server() {
  bench::Delayserver server;
  double made = bench::system_calls_of_one("connect", [&] {
    (void)http::get("http://" + server.address().to_string() + "/0/hello", std::chrono::minutes(1));
  });
  return 10 * made + static_cast<double>(server.peak_in_flight());
}

}  // namespace

int main() {
  if (std::getenv("COURSE_TEST_CALLS") != nullptr)
    return bench::run({{"of two threads", "calls", calls_of_two_threads},
                       {"with a server", "calls", calls_with_a_server}});
  return bench::run(
      {{"none", "instructions", count<none>},
       {"some", "instructions", count<eleven>, bench::Peer{"more", "", count<a_hundred>}},
       {"once", "instructions", count_once}},
      3);
}
