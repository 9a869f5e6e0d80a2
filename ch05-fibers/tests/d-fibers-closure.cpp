// The suite of ch05/d-fibers-closure.

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "mapped.hpp"
#include "net/fd.hpp"
#include "runtime.hpp"
#include "testing/faults.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

using testing::Faults;
using Log = std::vector<std::string>;

namespace {

#if defined(FIBERS_ASAN) || defined(FIBERS_TSAN)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// So many where it is about a large number. What sanitizers keep for a fiber takes hundreds of
// kilobytes, and TSan has room for 8,000; under qemu each switch takes 50 times as long.
std::size_t many(std::size_t count) {
  return sanitized ? std::min<std::size_t>(count, 500) : testing::emulated() ? count / 10 : count;
}

// Counts the end of what was moved to where it is now, once.
class Life {
 public:
  explicit Life(int& ended) : ended_(&ended) {}
  Life(Life&& other) noexcept : ended_(std::exchange(other.ended_, nullptr)) {}
  Life& operator=(Life&&) = delete;
  ~Life() {
    if (ended_ != nullptr) ++*ended_;
  }

 private:
  int* ended_;
};

// Whether fewer than 100 stacks of the `count` that were made in between are still there. (Of small
// allocations, and of what sanitizers do, there is always some difference.)
void check_freed(const Mapped& before, std::size_t count) {
  Mapped after = mapped();
  REQUIRE(count > 200);
  CHECK(after.places < before.places + 200);
  // (ASan keeps what was freed for a while, and so stacks that come from the heap.)
  if (!sanitized) CHECK(after.kilobytes < before.kilobytes + 100 * Fiber::stack_size / 1024);
}

// Runs `function` in a child process, and returns how that ended and what it said.
struct Ending {
  int status = 0;
  std::string said;
  [[nodiscard]] bool by_segv() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV; }
};
Ending in_child(const std::function<void()>& function) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  net::Fd reader(ends[0]), writer(ends[1]);
  pid_t child = ::fork();
  REQUIRE(child != -1);
  if (child == 0) {
    rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(SIGALRM, SIG_DFL);
    ::alarm(static_cast<unsigned>(testing::patience.count()));
    ::signal(SIGSEGV, SIG_DFL);  // not doctest's, which has much to say
    ::dup2(writer.get(), STDERR_FILENO);
#if defined(FIBERS_ASAN) || defined(FIBERS_TSAN)
    // What they find in a child is meant to be found: it goes nowhere else.
    ::__sanitizer_set_report_fd(reinterpret_cast<void*>(STDERR_FILENO));
#endif
    try {
      function();
    } catch (const std::exception& error) {
      (void)!::write(STDERR_FILENO, error.what(), std::string(error.what()).size());
      ::_exit(3);
    }
    ::_exit(0);
  }
  writer.close();
  Ending ending;
  std::array<char, 4096> buffer;
  for (ssize_t count; (count = ::read(reader.get(), buffer.data(), buffer.size())) > 0;)
    ending.said.append(buffer.data(), static_cast<std::size_t>(count));
  REQUIRE(::waitpid(child, &ending.status, 0) == child);
  return ending;
}

// Needs as much stack as there is. (A compiler must not see that, nor that nobody wants the sum.)
[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : recurse(depth - 1) + frame[0];
}
// The same in large steps, and only the far end of each frame is touched.
template <std::size_t size>
[[gnu::noinline]] int stride(int depth) {
  volatile char frame[size];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : stride<size>(depth - 1) + frame[0];
}

__attribute__((no_sanitize("address"))) void read_byte(const volatile std::byte& byte) {
  [[maybe_unused]] std::byte value = byte;
}
__attribute__((no_sanitize("address"))) void write_byte(volatile std::byte& byte) {
  byte = std::byte{1};
}

char* volatile nowhere = nullptr;
__attribute__((no_sanitize("undefined")))  // the CPU is to see it
void touch_nowhere() {
  *nowhere = 1;
}

const std::string used_up = " has used up its stack";

// The second of three fibers needs more stack than there is.
void check_overflow(const std::function<void()>& function) {
  Ending ending = in_child([&] {
    Runtime runtime;
    for (int i = 1; i <= 3; ++i)
      runtime.spawn([&, i] {
        yield();
        if (i == 2) function();
      });
    runtime.run();
  });
  INFO("it said: ", ending.said);
  CHECK(ending.by_segv());
  CHECK(ending.said.find("fiber-2" + used_up) != std::string::npos);
}

// For a fiber: makes the stack that it is on the alternative one. Nobody who stands on it can have
// another one: sigaltstack() fails.
void stand_on_alternative_stack() {
  stack_t stack{};
  stack.ss_sp = static_cast<std::byte*>(__builtin_frame_address(0)) - 32 * 1024;
  stack.ss_size = 64 * 1024;
  REQUIRE(::sigaltstack(&stack, nullptr) == 0);
}

int function_calls = 0;
void function() { ++function_calls; }

struct Functor {
  int* calls;
  void operator()() { ++*calls; }
};

// Calls it at the end of its scope.
template <class F>
struct AtEnd {
  F function;
  ~AtEnd() noexcept(false) { function(); }
};
template <class F>
AtEnd(F) -> AtEnd<F>;

}  // namespace

TEST_CASE("a fiber runs any callable: a function, a lambda with captures, what can't be copied") {
  int calls = 0;
  std::string text;
  function_calls = 0;
  Runtime runtime;
  runtime.spawn(function);
  runtime.spawn(&function);
  runtime.spawn(Functor{&calls});
  runtime.spawn(std::function<void()>(Functor{&calls}));
  runtime.spawn([&text, word = std::string("captured")]() mutable { text += word += "; "; });
  runtime.spawn([&text, number = std::make_unique<int>(7)] {
    yield();
    text += std::to_string(*number);
  });
  runtime.spawn([&] { return ++calls; });  // what it returns is nobody's
  runtime.run();
  CHECK(function_calls == 2);
  CHECK(calls == 3);
  CHECK(text == "captured; 7");
}

TEST_CASE("a callable is called once, and destroyed once, in its fiber, when it has returned") {
  int calls = 0, ended = 0;
  Log log;
  Runtime runtime;
  runtime.spawn([&, life = Life(ended)] {
    ++calls;
    yield();
    log.push_back("before its end: " + std::to_string(ended));
  });
  runtime.spawn([&] {
    yield();
    log.push_back("whose turn is next sees: " + std::to_string(ended));
  });
  runtime.run();
  CHECK(log == Log{"before its end: 0", "whose turn is next sees: 1"});
  CHECK(calls == 1);
  CHECK(ended == 1);
  // Its end may do what fibers may.
  auto at_the_end = [&log] {
    try {
      yield();
      spawn([&log] { log.push_back("a child of the end"); });
    } catch (const std::logic_error&) {
      log.push_back("the end came in no fiber");
    }
  };
  runtime.spawn([end = std::make_unique<AtEnd<std::function<void()>>>(at_the_end)] {});
  runtime.run();
  CHECK(log.back() == "a child of the end");
}

TEST_CASE("a callable that throws, or that is never called, is destroyed once all the same") {
  int calls = 0, ended = 0;
  {
    Runtime runtime;
    runtime.spawn([&, life = Life(ended)] {
      ++calls;
      throw 5;
    });
    CHECK_THROWS_AS(runtime.run(), int);
    CHECK(calls == 1);
    CHECK(ended == 1);
    runtime.run();
    runtime.spawn([&, life = Life(ended)] { ++calls; });
    CHECK(ended == 1);
  }
  CHECK(calls == 1);
  CHECK(ended == 2);
}

TEST_CASE("turns go round in the order of the spawns, and whoever yields is last") {
  Log log;
  Runtime runtime;
  for (std::string name : {"a", "b", "c"})
    runtime.spawn([&log, name] {
      for (int i = 1; i <= 3; ++i) {
        log.push_back(name + std::to_string(i));
        if (name == "a" && i == 1) spawn([&log] { log.push_back("child"); });
        yield();
      }
    });
  CHECK(log.empty());  // spawn() calls nobody
  runtime.run();
  CHECK(log == Log{"a1", "b1", "c1", "child", "a2", "b2", "c2", "a3", "b3", "c3"});
}

TEST_CASE("fibers start fibers that start fibers: a tree of thousands") {
  std::size_t leaves = 0;
  std::function<void(int)> grow = [&](int levels) {
    if (levels == 0) ++leaves;
    for (int i = 0; levels != 0 && i != 2; ++i) spawn([&grow, levels] { grow(levels - 1); });
  };
  Runtime runtime;
  runtime.spawn([&] { grow(sanitized ? 7 : 11); });
  runtime.run();
  CHECK(leaves == (sanitized ? 128 : 2048));
}

TEST_CASE("tens of thousands of fibers are alive at once, each with its guard page (srs 509)") {
  // The kernel counts mappings, and a guarded stack is two of them.
  std::size_t places = 65'530;
  std::ifstream("/proc/sys/vm/max_map_count") >> places;
  rlimit memory{};  // … that may be written to, touched or not
  REQUIRE(::getrlimit(RLIMIT_DATA, &memory) == 0);
  std::size_t count = std::min({many(30'000), (places - 2'000) / 2,
                                static_cast<std::size_t>(memory.rlim_cur / Fiber::stack_size / 2)});
  std::size_t started = 0, seen_by_last = 0;
  std::size_t sum = 0;
  Runtime runtime;
  for (std::size_t i = 0; i != count; ++i)
    runtime.spawn([&, i] {
      ++started;
      yield();
      seen_by_last = started;
      sum += i;
    });
  runtime.run();
  CHECK(seen_by_last == count);
  CHECK(sum == count * (count - 1) / 2);
}

TEST_CASE("the stacks of those that have returned are freed while others go on") {
  std::size_t count = many(10'000);
  Runtime runtime;
  runtime.spawn([] {});
  runtime.run();
  Mapped before = mapped();
  for (std::size_t i = 0; i != count; ++i) {
    runtime.spawn([] {});
    runtime.run();
  }
  for (std::size_t i = 0; i != count; ++i) {
    runtime.spawn([] { throw 1; });
    CHECK_THROWS_AS(runtime.run(), int);
  }
  check_freed(before, count);
  std::optional<Mapped> among_others;
  runtime.spawn([&] {
    for (std::size_t i = 0; i != count; ++i) {
      spawn([] {});
      yield();
    }
    among_others = mapped();
  });
  runtime.run();
  REQUIRE(among_others);
  CHECK(among_others->places < before.places + 200);
  if (!sanitized)
    CHECK(among_others->kilobytes < before.kilobytes + 100 * Fiber::stack_size / 1024);
}

TEST_CASE("when the kernel refuses a stack, the error names vm.max_map_count, and nothing leaks") {
  std::size_t count = many(3'000);
  int calls = 0, ended = 0, granted = 0, refused = 0;
  Runtime runtime;
  runtime.spawn([&calls] { ++calls; });
  Mapped before = mapped();
  for (const char* call : {"mmap", "mprotect"}) {
    for (std::size_t i = 0; i != count; ++i) {
      std::size_t earlier = testing::calls(call);
      std::string error;
      Faults faults(std::string(call) + ":1:ENOMEM");
      try {
        runtime.spawn([&calls, life = Life(ended)] { ++calls; });
      } catch (const std::system_error& e) {
        CHECK(e.code() == std::errc::not_enough_memory);
        error = e.what();
      }
      if (testing::calls(call) == earlier) {  // stacks can be made in other ways
        ++granted;
        break;
      }
      ++refused;
      REQUIRE(error.find(call) != std::string::npos);
      REQUIRE(error.find("max_map_count") != std::string::npos);
    }
  }
  REQUIRE(refused >= static_cast<int>(count));
  check_freed(before, count);
  runtime.spawn([&calls] { ++calls; });
  // A fiber hears of it, too, and goes on.
  runtime.spawn([&] {
    Faults faults("mmap:1:ENOMEM mprotect:1:ENOMEM");
    CHECK_THROWS_AS(spawn([life = Life(ended)] {}), std::system_error);
    ++refused;
    ++calls;
  });
  runtime.run();
  CHECK(calls == 3 + granted);
  CHECK(ended == refused + granted);
}

TEST_CASE("a stack has all the bytes that were asked for, above its guard page, and one owner") {
  for (std::size_t size : {std::size_t{1}, std::size_t{4096}, std::size_t{100'000}}) {
    Stack stack(size);
    std::span<std::byte> all = stack.usable(), guard = stack.guard();
    REQUIRE(all.size() >= size);
    CHECK_FALSE(guard.empty());
    CHECK(guard.data() + guard.size() == all.data());
    std::fill(all.begin(), all.end(), std::byte{7});  // all of it can be written to
    Stack moved = std::move(stack);
    CHECK(moved.usable().data() == all.data());
    CHECK(stack.usable().empty());
    Stack assigned;
    assigned = std::move(moved);
    REQUIRE(assigned.usable().data() == all.data());
    CHECK((assigned.usable().back() == std::byte{7}));
    // Nobody may touch the guard, not even to read.
    for (std::size_t offset : {std::size_t{0}, assigned.guard().size() - 1}) {
      CAPTURE(offset);
      CHECK(in_child([&] { read_byte(assigned.guard()[offset]); }).by_segv());
      CHECK(in_child([&] { write_byte(assigned.guard()[offset]); }).by_segv());
    }
  }
  // What a stack had before it got another one's memory is given back.
  Mapped before = mapped();
  Stack slot;
  for (int i = 0; i != 300; ++i) slot = Stack(Fiber::stack_size);
  check_freed(before, 300);
}

TEST_CASE(
    "a recursion that is too deep meets the guard page, and the fiber is named (minicoro 19)") {
  check_overflow([] { recurse(1'000'000); });
}

TEST_CASE("a frame larger than the guard page does not jump over it") {
  check_overflow([] { stride<40'000>(1'000); });
  check_overflow([] { stride<1'000'000>(100); });
}

TEST_CASE("a bad pointer in a fiber is a plain SIGSEGV, and meets the handler that was there") {
  for (bool own : {false, true}) {
    Ending ending = in_child([&] {
      struct sigaction action{};
      action.sa_handler = [](int) { ::_exit(7); };
      if (own) ::sigaction(SIGSEGV, &action, nullptr);
      Runtime runtime;
      runtime.spawn([] { touch_nowhere(); });
      runtime.run();
    });
    INFO("it said: ", ending.said);
    CHECK(ending.said.find(used_up) == std::string::npos);
    if (own)
      CHECK((WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 7));
    else
      CHECK(ending.by_segv());
  }
}

TEST_CASE("when the last runtime has ended, SIGSEGV and the alternative stack are as before") {
  struct sigaction before{}, after{};
  stack_t stack_before{}, stack_after{};
  REQUIRE(::sigaction(SIGSEGV, nullptr, &before) == 0);
  REQUIRE(::sigaltstack(nullptr, &stack_before) == 0);
  for (int i = 0; i != 2; ++i) {
    Runtime runtime;
    runtime.spawn([] { yield(); });
    runtime.spawn([] {
      stand_on_alternative_stack();
      CHECK_THROWS_AS(Runtime(), std::exception);  // then it does not count as one that lives
    });
    runtime.run();
    std::async(std::launch::async, [] { Runtime another; }).get();
  }
  REQUIRE(::sigaction(SIGSEGV, nullptr, &after) == 0);
  REQUIRE(::sigaltstack(nullptr, &stack_after) == 0);
  CHECK((after.sa_handler == before.sa_handler));
  CHECK(stack_after.ss_sp == stack_before.ss_sp);
  CHECK(stack_after.ss_flags == stack_before.ss_flags);
}

TEST_CASE("what leaves a fiber comes out of run() as what it is, and the others go on") {
  struct Mine {
    int number;
  };
  Log log;
  Runtime runtime;
  runtime.spawn([&] {
    try {
      throw std::runtime_error("inside");
    } catch (const std::runtime_error& error) {
      log.push_back(error.what());
    }
    yield();
    throw Mine{42};
  });
  runtime.spawn([&] {
    for (int i = 0; i != 3; ++i) yield();
    log.push_back("the other");
  });
  try {
    runtime.run();
    log.push_back("nothing came out");
  } catch (const Mine& mine) {
    log.push_back("out: " + std::to_string(mine.number));
  }
  runtime.run();
  CHECK(log == Log{"inside", "out: 42", "the other"});
}

TEST_CASE("of several that fail in one round, each comes out, one after the other") {
  Log log;
  Runtime runtime;
  for (std::string name : {"first", "second", "third"})
    runtime.spawn([name] { throw std::runtime_error(name); });
  runtime.spawn([&] { yield(), log.push_back("no error"); });
  for (int i = 0; i != 4; ++i) {
    try {
      runtime.run();
      log.push_back("the end");
    } catch (const std::runtime_error& error) {
      log.push_back(error.what());
    }
  }
  std::erase(log, "no error");  // when it has its turn does not matter here
  CHECK(log == Log{"first", "second", "third", "the end"});
}

TEST_CASE("an exception comes out of run() in a destructor, too, while another one is on its way") {
  Log log;
  Runtime runtime;
  runtime.spawn([] { throw std::runtime_error("the fiber's"); });
  try {
    AtEnd at_end{[&] {
      try {
        runtime.run();
      } catch (const std::runtime_error& error) {
        log.push_back(error.what());
      }
    }};
    throw std::runtime_error("main's");
  } catch (const std::runtime_error& error) {
    log.push_back(error.what());
  }
  CHECK(log == Log{"the fiber's", "main's"});
}

TEST_CASE("whoever yields in a catch block finds its own exception there again") {
  Log log;
  auto stumble = [&log](const std::string& name, int turns) {
    try {
      throw std::runtime_error(name);
    } catch (const std::runtime_error&) {
      for (int i = 0; i != turns; ++i) yield();
      try {
        throw;
      } catch (const std::runtime_error& error) {
        log.push_back(name + " has " + error.what());
      }
      yield();
    }
    log.push_back(name + (std::current_exception() ? " has one left" : " has none left"));
  };
  Runtime runtime;
  runtime.spawn([&] { stumble("a", 3); });
  runtime.spawn([&] { stumble("b", 1); });
  try {
    throw std::runtime_error("main");
  } catch (const std::runtime_error&) {
    runtime.spawn([&] {
      log.push_back(std::current_exception() ? "c has a stranger's" : "c has none");
      yield();
      stumble("c", 1);
    });
    runtime.run();
    try {
      throw;
    } catch (const std::runtime_error& error) {
      log.push_back(std::string("main has ") + error.what());
    }
  }
  CHECK(log == Log{"c has none", "b has b", "b has none left", "c has c", "a has a",
                   "c has none left", "a has none left", "main has main"});
}

TEST_CASE("an exception that is on its way counts in its own fiber only") {
  Log log;
  auto note = [&](const std::string& who) {
    log.push_back(who + ": " + std::to_string(std::uncaught_exceptions()));
  };
  Runtime runtime;
  runtime.spawn([&] {
    try {
      AtEnd at_end{[&] {
        note("unwinding");
        yield();
        note("unwinding");
      }};
      throw 1;
    } catch (int) {
      note("caught");
    }
  });
  runtime.spawn([&] {
    note("other");
    yield();
    note("other");
  });
  runtime.run();
  note("main");
  CHECK(log == Log{"unwinding: 1", "other: 0", "unwinding: 1", "caught: 0", "other: 0", "main: 0"});
}

TEST_CASE("the end of a runtime destroys what lives on the stacks of its fibers") {
  int ended = 0, calls = 0, errors = 0, after = 0;
  bool ending = false;
  {
    Runtime runtime;
    auto park = [&] {
      try {
        Life on_the_stack(ended);
        for (int i = 0; i != 1'000; ++i) {  // who waits for the last, waits long
          yield();
          if (ending) ++after;
        }
      } catch (const std::exception&) {
        ++errors;  // is not to be stopped by those who catch errors
      }
      ++after;
    };
    runtime.spawn([&, life = Life(ended)] { park(); });
    runtime.spawn([&] {
      Life ends_after_that_yield(ended);
      AtEnd yields{[] { yield(); }};  // an exception out of here would end the program
      Life another(ended);
      try {
        throw std::runtime_error("on its mind");
      } catch (const std::runtime_error&) {
        park();
      }
    });
    runtime.spawn([&] {
      Life on_the_stack(ended);
      try {
        for (int i = 0; i != 1'000; ++i) yield();
      } catch (...) {
        throw std::runtime_error("in place of what yield() has thrown");  // nobody will hear of it
      }
    });
    runtime.spawn([] { throw 1; });
    runtime.spawn([] { throw 2; });  // nobody will hear of it
    CHECK_THROWS_AS(runtime.run(), int);
    runtime.spawn([&, life = Life(ended)] { ++calls; });
    ending = true;
  }
  CHECK(ended == 7);
  CHECK(calls == 0);
  CHECK(errors == 0);
  CHECK(after == 0);
  CHECK(std::uncaught_exceptions() == 0);
  CHECK_FALSE(std::current_exception());
}

TEST_CASE("what is called in the wrong place is a std::logic_error, and changes nothing") {
  CHECK_THROWS_AS(yield(), std::logic_error);
  CHECK_THROWS_AS(spawn([] {}), std::logic_error);
  Log log;
  {
    Runtime runtime;
    CHECK_THROWS_AS(yield(), std::logic_error);
    CHECK_THROWS_AS(spawn([] {}), std::logic_error);
    CHECK_THROWS_AS(Runtime(), std::logic_error);
    runtime.spawn([&] {
      auto fails = [&](const std::string& what, auto misuse) {
        try {
          misuse();
          log.push_back(what + " is possible");
        } catch (const std::logic_error&) {
          log.push_back(what + " is refused");
        }
      };
      fails("run()", [&] { runtime.run(); });
      fails("a second runtime", [] { Runtime second; });
      yield();
      log.push_back("and it goes on");
    });
    runtime.run();
    CHECK_THROWS_AS(yield(), std::logic_error);
  }
  CHECK_THROWS_AS(yield(), std::logic_error);
  CHECK(log == Log{"run() is refused", "a second runtime is refused", "and it goes on"});
  Runtime next;  // the first has ended
  next.run();
}

TEST_CASE("hundreds of thousands of turns need no more stack than one") {
  std::size_t turns = 0, count = many(100'000);
  Runtime runtime;
  for (int i = 0; i != 3; ++i)
    runtime.spawn([&] {
      for (std::size_t j = 0; j != count; ++j, ++turns) yield();
    });
  runtime.run();
  CHECK(turns == 3 * count);
}

TEST_CASE("two threads have a runtime each, and know nothing of each other") {
  std::vector<std::size_t> sums(2), errors(2);
  std::array<std::future<void>, 2> threads;
  for (std::size_t i = 0; i != 2; ++i)
    threads[i] = std::async(std::launch::async, [&sum = sums[i], &error = errors[i]] {
      Runtime runtime;
      for (std::size_t n = 1; n <= 100; ++n)
        runtime.spawn([&sum, n] {
          for (int turn = 0; turn != 10; ++turn) yield();
          sum += n;
          if (n % 10 == 0) throw n;
        });
      for (bool done = false; !done;) {
        try {
          runtime.run();
          done = true;
        } catch (std::size_t n) {
          error += n;
        }
      }
    });
  for (std::future<void>& thread : threads) thread.get();
  CHECK(sums == std::vector<std::size_t>{5050, 5050});
  CHECK(errors == std::vector<std::size_t>{550, 550});
}

#ifdef FIBERS_ASAN
TEST_CASE("AddressSanitizer sees an array overflow on a fiber's stack") {
  Ending ending = in_child([] {
    Runtime runtime;
    runtime.spawn([] {
      volatile char array[16] = {};
      volatile char* volatile end = array + 16;
      yield();
      *end = 1;
    });
    runtime.run();
  });
  CHECK(ending.said.find("stack-buffer-overflow") != std::string::npos);
}
#endif

#ifdef FIBERS_TSAN
TEST_CASE("ThreadSanitizer sees a race between the fibers of two threads") {
  Ending ending = in_child([] {
    [[maybe_unused]] static int shared = 0;
    static std::atomic<int> arrived = 0;  // relaxed: it puts nothing in order but their beginnings
    auto race = [] {
      Runtime runtime;
      runtime.spawn([] {
        arrived.fetch_add(1, std::memory_order_relaxed);
        while (arrived.load(std::memory_order_relaxed) < 2) yield();
        ++shared;
      });
      runtime.run();
    };
    std::thread one(race), two(race);
    one.join();
    two.join();
  });
  CHECK(ending.said.find("data race") != std::string::npos);
}
#endif

TEST_CASE("a debugger shows who called whom in a fiber, back to where its stack begins") {
  if (sanitized || testing::emulated()) {
    MESSAGE("left out: gdb sees this in plain programs, and not through an emulator");
    return;
  }
  process::Command gdb{{"gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex",
                        "break yield", "-ex", "run"}};
  const std::size_t stops = 4;  // in both fibers, in a child's catch block, and in its second turn
  for (std::size_t i = 0; i != stops; ++i) {
    if (i != 0) gdb.arguments.insert(gdb.arguments.end(), {"-ex", "continue"});
    gdb.arguments.insert(gdb.arguments.end(), {"-ex", "backtrace"});
  }
  gdb.arguments.push_back(STAGE_PROGRAM);
  process::Result result;
  try {
    result = process::run(gdb, testing::patience);
  } catch (const std::system_error&) {
    MESSAGE("left out: there is no gdb here (package gdb)");
    return;
  }
  if (result.err.find("ptrace") != std::string::npos) {
    MESSAGE("left out: gdb may not look into programs here");
    return;
  }
  INFO(result.out, result.err);
  // What is called "#0" and so on, up to "skip", in each of them.
  std::size_t begins = 0, ends = 0, in_count = 0, in_stumble = 0;
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) continue;
    begins += line.starts_with("#0 ") && line.find("yield") != std::string::npos;
    ends += line.find("skip ()") != std::string::npos;
    in_count += line.find("::count") != std::string::npos;
    in_stumble += line.find("::stumble") != std::string::npos;
  }
  REQUIRE(begins == stops);
  REQUIRE(ends == stops);
  bool complete = (result.out + result.err).find("corrupt stack") == std::string::npos &&
                  (result.out + result.err).find("Backtrace stopped") == std::string::npos;
  REQUIRE(complete);
#ifndef NDEBUG  // else these may be part of their callers
  REQUIRE(in_count == 3);
  REQUIRE(in_stumble == 1);
#endif
}

TEST_CASE("the program's fibers take turns, and both errors come out") {
  Log events = testing::events(STAGE_PROGRAM);
  std::erase_if(events, [](const std::string& event) { return event.starts_with("switch"); });
  CHECK(events == Log{"start fiber-1", "start fiber-2", "start fiber-3", "step first",
                      "start fiber-4", "step second", "step first", "step second", "done fiber-2",
                      "error a", "done fiber-3", "step first", "done fiber-1", "error a",
                      "done fiber-4"});
  std::string out = testing::run(STAGE_PROGRAM).out;
  std::size_t first = out.find("\nout of run(): a child of first has stumbled\n"),
              second = out.find("\nout of run(): a child of second has stumbled\n");
  CHECK(first < second);
  CHECK(second != std::string::npos);
  CHECK(out.ends_with("\nall have returned\n"));
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
  process::Result result = testing::run(STAGE_PROGRAM, {}, "mmap:2:ENOMEM mprotect:2:ENOMEM");
  CHECK(result.exit.describe() == "exit status 1");
  CHECK(result.err.find("max_map_count") != std::string::npos);
}
