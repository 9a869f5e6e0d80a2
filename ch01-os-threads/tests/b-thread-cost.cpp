// The suite of ch01/b-thread-cost. It says nothing about which cost is larger: a busy machine would
// disagree.

#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <regex>
#include <string>
#include <system_error>
#include <vector>

#include "costs.hpp"
#include "measure.hpp"
#include "stack.hpp"
#include "testing/peer.hpp"
#include "testing/plain_program.hpp"
#include "testing/program.hpp"
#include "testing/sanitizers.hpp"

namespace {

constexpr bool thread_sanitizer = COURSE_THREAD_SANITIZER;

std::size_t default_stack() {
  pthread_attr_t attributes;
  REQUIRE(::pthread_getattr_default_np(&attributes) == 0);
  std::size_t size = 0;
  ::pthread_attr_getstacksize(&attributes, &size);
  ::pthread_attr_destroy(&attributes);
  return size;
}

// While it lives, threads get stacks of this size. None has so many addresses, or only a few have:
// that makes starting them fail, for root too.
class HugeStacks {
 public:
  explicit HugeStacks(std::size_t size) { set(size); }
  HugeStacks(const HugeStacks&) = delete;
  HugeStacks& operator=(const HugeStacks&) = delete;
  ~HugeStacks() { set(before_); }

 private:
  static void set(std::size_t size) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    int error = ::pthread_attr_setstacksize(&attributes, size);
    if (error == 0) error = ::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);
    REQUIRE(error == 0);
  }
  const std::size_t before_ = default_stack();
};

// ThreadSanitizer adds a thread of its own when the first is started: so one is, before we count.
std::size_t threads_at_rest() {
  start_thread(do_nothing).join();
  return testing::threads().size();
}

// The kernel takes a moment to forget a thread that has been joined.
void check_that_none_is_left(std::size_t before) {
  CHECK(testing::eventually([&] { return testing::threads().size() <= before; }));
}

long switches() {
  rusage usage{};
  REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

}  // namespace

TEST_CASE("median() is the value in the middle, and an outlier does not move it") {
  CHECK(median(std::vector<double>{7}) == 7);
  CHECK(median(std::vector<double>{3, 1, 2}) == 2);
  CHECK(median(std::vector<double>{4, 1, 3, 2}) == 2.5);
  CHECK(median(std::vector<double>{3, 1e9, 1, 2, 2}) == 2);
}

TEST_CASE("time_of_one() calls as often as it divides by") {
  int calls = 0;
  CHECK(time_of_one(1000, [&] { ++calls; }).count() > 0);
  CHECK(calls == 1000);
}

TEST_CASE("every cost is a positive time, and no thread is left") {
  std::size_t threads = threads_at_rest();
  CHECK(function_call().count() > 0);
  CHECK(system_call().count() > 0);
  CHECK(thread_switch().count() > 0);
  CHECK(start_and_join().count() > 0);
  check_that_none_is_left(threads);
}

TEST_CASE("a turn that changes is a switch, also by the kernel's count") {
  long before = switches();
  (void)thread_switch();
  CHECK(switches() - before >= 2 * round_trips);
}

TEST_CASE("after thread_switch() this thread may run where it could run before") {
  cpu_set_t before, after;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  (void)thread_switch();
  REQUIRE(::sched_getaffinity(0, sizeof after, &after) == 0);
  CHECK(CPU_EQUAL(&before, &after));
}

TEST_CASE("a sleeping thread has its stack reserved, occupies memory, and is gone afterwards") {
  std::size_t threads = threads_at_rest();
  Stack stack = stack_of_a_sleeping_thread(20);
  CHECK(stack.reserved_kib == default_stack() / 1024);
  // A page of its own at least, most of them: a few may get the stack of one that is gone.
  CHECK(stack.resident_kib >= 2);
  check_that_none_is_left(threads);
}

TEST_CASE("a thread that cannot be started is an error that says so") {
  HugeStacks no_room(std::size_t{1} << 50);
  for (auto cost : {thread_switch, start_and_join})
    CHECK_THROWS_WITH_AS((void)cost(), "cannot start a thread: Resource temporarily unavailable",
                         std::system_error);
}

TEST_CASE("where only some threads can be started, these are woken and joined") {
  if (testing::emulated()) return;  // qemu takes minutes to reserve so many addresses
  std::size_t threads = threads_at_rest();
  {
    HugeStacks room_for_a_few(std::size_t{8} << 40);
    CHECK_THROWS_WITH_AS((void)stack_of_a_sleeping_thread(64),
                         "cannot start a thread: Resource temporarily unavailable",
                         std::system_error);
  }
  check_that_none_is_left(threads);
}

TEST_CASE("the program prints a row for each cost, and all numbers are positive") {
  process::Result result = testing::run(STAGE_PROGRAM);
  INFO(result.out, result.err);
  REQUIRE(result.exit.describe() == "exit status 0");
  for (std::string row :
       {"a function call +N ns +1\n", "a system call +N ns +N\n",
        "a switch to another thread +N ns +N\n", "a thread, from start to join +N ns +N\n",
        "N KiB of addresses reserved\n", "N KiB of memory in use \\(average of N\\)\n"}) {
    INFO(row);
    row = std::regex_replace(row, std::regex("N"), "([0-9.]+)");
    std::smatch numbers;
    REQUIRE(std::regex_search(result.out, numbers, std::regex(row)));
    for (std::size_t i = 1; i < numbers.size(); ++i) CHECK(std::stod(numbers[i]) > 0);
  }
}

TEST_CASE("where no thread can be started, the program says so in one line, and exits with 1") {
  // The limit would be the emulator's; and ThreadSanitizer needs the addresses itself.
  if (testing::emulated() || thread_sanitizer) return;
  process::Command command = testing::program(STAGE_PROGRAM);
  command.arguments.insert(command.arguments.begin(),
                           {"/bin/sh", "-c", "ulimit -s 1000000000000 && exec \"$@\"", "sh"});
  process::Result result = process::run(command, testing::patience);
  CHECK(result.exit.describe() == "exit status 1");
  CHECK(result.err == "cannot start a thread: Resource temporarily unavailable\n");
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
