// What a switch of stage f costs, what a fiber costs, and what memory: beside Boost's, which are
// the fastest in wide use; and beside what else a program can do to go on elsewhere.

#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/bench.hpp"
#include "http/request.hpp"
#include "http/response_parser.hpp"
#include "measure.hpp"
#include "net/fd.hpp"
#include "runtime.hpp"
#include "tcp_stream.hpp"

#ifdef HAVE_LIBBOOST_CONTEXT_DEV
#include <boost/context/detail/fcontext.hpp>
#include <boost/version.hpp>
#endif
#ifdef HAVE_LIBBOOST_FIBER_DEV
#include <boost/fiber/all.hpp>
#include <boost/version.hpp>
#endif

namespace {

// ---- One switch

int switches() { return bench::quick() ? 1000 : 2'000'000; }

template <Switch switch_with>
double ping_pong() {
  static PingPong<switch_with> two;
  return two.switches(switches()).count();
}

#ifdef HAVE_LIBBOOST_CONTEXT_DEV
namespace context = boost::context::detail;

[[noreturn]] void boost_back_for_ever(context::transfer_t from) {
  for (;;) from = context::jump_fcontext(from.fctx, nullptr);
}

double boost_ping_pong() {
  static std::array<std::byte, 64 * 1024> stack;
  static context::fcontext_t there =
      context::make_fcontext(stack.data() + stack.size(), stack.size(), boost_back_for_ever);
  return bench::nanoseconds(switches(),
                            [] { there = context::jump_fcontext(there, nullptr).fctx; }) /
         2;
}
#endif

double swapcontext_ping_pong() {
  static ucontext_t here, there;
  static std::array<std::byte, 64 * 1024> stack;
  ::getcontext(&there);
  there.uc_stack.ss_sp = stack.data();
  there.uc_stack.ss_size = stack.size();
  there.uc_link = nullptr;
  ::makecontext(
      &there,
      [] {
        for (;;) ::swapcontext(&there, &here);
      },
      0);
  return bench::nanoseconds(switches() / 20, [] { ::swapcontext(&here, &there); }) / 2;
}

// Two threads that wake each other, each time that it is the other's turn.
double thread_ping_pong() {
  const int times = bench::quick() ? 10 : 5'000;
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  auto take_turns = [&](int mine, int other) {
    for (int i = 0; i != times; ++i) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return turn == mine; });
      turn = other;
      lock.unlock();
      changed.notify_one();
    }
  };
  auto start = Clock::now();
  std::jthread second(take_turns, 1, 0);
  take_turns(0, 1);
  second.join();
  return Nanoseconds(Clock::now() - start).count() / (2 * times);
}

struct Coroutine {
  struct promise_type {
    Coroutine get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

double coroutine_ping_pong() {
  static Coroutine coroutine = []() -> Coroutine {
    for (;;) co_await std::suspend_always();
  }();
  return bench::nanoseconds(switches(), [] { coroutine.handle.resume(); }) / 2;
}

double virtual_call() {
  struct Work : Callable {
    void call() override { asm volatile(""); }
  };
  static std::unique_ptr<Callable> work = std::make_unique<Work>();
  return bench::nanoseconds(switches(), [] {
    asm volatile("" : : : "memory");  // the compiler shall not know whose function it is
    work->call();
  });
}

// ---- Fibers

double our_yield() { return yields(switch_registers, bench::quick() ? 100 : 200'000).count(); }

double our_spawn_and_return() {
  Runtime runtime;
  return spawn_and_finish(runtime, bench::quick() ? 100 : 100'000).count();
}

#ifdef HAVE_LIBBOOST_FIBER_DEV
namespace fibers = boost::fibers;

// Two fibers, and the one that waits for them is not among those who are ready.
double boost_yield() {
  const int times = bench::quick() ? 100 : 200'000;
  auto yields = [times] {
    for (int i = 0; i != times; ++i) boost::this_fiber::yield();
  };
  auto start = Clock::now();
  fibers::fiber first(yields), second(yields);
  first.join();
  second.join();
  return Nanoseconds(Clock::now() - start).count() / (2 * times);
}

double boost_spawn_and_return() {
  static fibers::pooled_fixedsize_stack stacks(Fiber::stack_size);
  return bench::nanoseconds(100'000, [] {
    fibers::fiber(fibers::launch::dispatch, std::allocator_arg, stacks, [] {}).join();
  });
}
#endif

// ---- Memory

constexpr std::size_t waiting_fibers = 10'000;

// Stacks and heap, from the page tables. (What /proc/self/statm says may be some hundred kB behind,
// and holds pages of libraries, too.)
double bytes_in_use() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;) {
    double kilobytes = 0;
    if (word == "Anonymous:" && rollup >> kilobytes) return kilobytes * 1024;
  }
  throw std::runtime_error("/proc/self/smaps_rollup says nothing of anonymous memory");
}

// What a request has on its stack and has done there when it begins to wait.
template <class Wait>
void request_and_wait(const std::string& name, Wait wait) {
  std::string request = http::get_request("/2000/" + name, "127.0.0.1:8080");
  http::ResponseParser parser;
  std::array<char, 4096> buffer;
  asm volatile("" : : "r"(buffer.data()), "r"(request.data()) : "memory");
  wait();
  parser.feed({buffer.data(), 0});
}

// In a process of its own each time: what was once used stays in the process, and the next ones
// would get it for nothing.
double in_a_child(double (*measure)()) {
  int ends[2];
  if (::pipe(ends) == -1) throw net::last_error("pipe");
  net::Fd reader(ends[0]), writer(ends[1]);
  pid_t child = ::fork();
  if (child == -1) throw net::last_error("fork");
  if (child == 0) {
    double measured = measure();
    ::_exit(::write(writer.get(), &measured, sizeof measured) == sizeof measured ? 0 : 1);
  }
  double measured = 0;
  writer.close();
  ssize_t count = ::read(reader.get(), &measured, sizeof measured);
  ::waitpid(child, nullptr, 0);
  if (count != sizeof measured) throw std::runtime_error("the child that measures has failed");
  return measured;
}

double our_bytes() {
  struct Measured {};
  Runtime runtime(0);
  runtime.spawn([] { request_and_wait("the-first", yield); });  // what all share is there now
  runtime.run();
  double before = bytes_in_use(), with = 0;
  for (std::size_t i = 0; i != waiting_fibers; ++i)
    runtime.spawn([name = "request-" + std::to_string(i)] {
      request_and_wait(name, [] { Runtime::of_this_fiber().park(never); });
    });
  runtime.spawn([&with] {
    yield();  // when it goes on, all others wait
    with = bytes_in_use();
    throw Measured();
  });
  try {
    runtime.run();
  } catch (const Measured&) {
  }
  return (with - before) / waiting_fibers;
}

#ifdef HAVE_LIBBOOST_FIBER_DEV
double boost_bytes() {
  fibers::protected_fixedsize_stack stacks(Fiber::stack_size);
  fibers::fiber(std::allocator_arg, stacks, [] {
    request_and_wait("the-first", boost::this_fiber::yield);
  }).join();
  double before = bytes_in_use();
  for (std::size_t i = 0; i != waiting_fibers; ++i)
    fibers::fiber(std::allocator_arg, stacks, [name = "request-" + std::to_string(i)] {
      request_and_wait(name, [] { fibers::context::active()->suspend(); });
    }).detach();
  boost::this_fiber::yield();
  double with = bytes_in_use();
  return (with - before) / waiting_fibers;
}
#endif

// ---- Who is there

#ifdef BOOST_VERSION
const std::string boost_version = " " + std::to_string(BOOST_VERSION / 100'000) + "." +
                                  std::to_string(BOOST_VERSION / 100 % 1000);
#endif
#ifdef HAVE_LIBBOOST_CONTEXT_DEV
const bench::Peer boost_context{"Boost.Context" + boost_version, "libboost-context-dev",
                                boost_ping_pong};
#else
const bench::Peer boost_context{"Boost.Context", "libboost-context-dev"};
#endif
#ifdef HAVE_LIBBOOST_FIBER_DEV
#define BOOST_FIBER(sample) \
  bench::Peer { "Boost.Fiber" + boost_version, "libboost-fiber-dev", sample }
#else
#define BOOST_FIBER(sample) bench::Peer{"Boost.Fiber", "libboost-fiber-dev"}
#endif

}  // namespace

int main() {
  constexpr auto dearest = ping_pong<switch_by_jump>,
                 cheapest = ping_pong<switch_registers_by_jump>;
  return bench::run({
      {"memory of a waiting fiber", "bytes", [] { return in_a_child(our_bytes); },
       BOOST_FIBER([] { return in_a_child(boost_bytes); }), 1.0},
      {"switch", "ns", dearest, boost_context, 1.02},
      {"switch, no control words", "ns", cheapest, boost_context, 0.65},
      {"yield()", "ns", our_yield, BOOST_FIBER(boost_yield)},
      {"spawn + return, kept stack", "ns", our_spawn_and_return,
       BOOST_FIBER(boost_spawn_and_return), 0.7},
      {"a switch and libc's", "ns", cheapest,
       bench::Peer{"swapcontext()", "", swapcontext_ping_pong}},
      {"a switch and the kernel's", "ns", cheapest,
       bench::Peer{"two threads", "", thread_ping_pong}},
      {"a switch and a coroutine's", "ns", cheapest,
       bench::Peer{"C++20 coroutine", "", coroutine_ping_pong}},
      {"a switch and a call", "ns", cheapest, bench::Peer{"virtual call", "", virtual_call}},
  });
}
