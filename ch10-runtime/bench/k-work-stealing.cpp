// What a task costs, and what the tricks of this stage bring: spawned and joined, beside Asio's
// coroutines and Boost's fibers; in a tree of a million, with one trick less; asleep.

#include <malloc.h>

#ifdef HAVE_LIBASIO_DEV
#ifdef __clang__  // Asio 1.22 does not know that this one has coroutines, too
#define ASIO_HAS_CO_AWAIT 1
#define ASIO_HAS_STD_COROUTINE 1
#endif
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#endif
#ifdef HAVE_LIBBOOST_FIBER_DEV
#include <boost/fiber/all.hpp>
#include <boost/version.hpp>
#endif

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench.hpp"
#include "combinators.hpp"
#include "executor.hpp"
#include "group.hpp"
#include "sleep.hpp"
#include "task.hpp"
#include "variants.hpp"

namespace {

#include "skynet.hpp"

constexpr int batch = 1000;

// ---- Spawned and joined: a batch of tasks, then the joins

Task<int> one() { co_return 1; }

Task<> spawn_and_join(int times) {
  int sum = 0;
  for (int done = 0; done < times; done += batch) {
    std::vector<JoinHandle<int>> handles;
    handles.reserve(batch);
    for (int i = 0; i != batch; ++i) handles.push_back(spawn(one()));
    for (JoinHandle<int>& handle : handles) sum += co_await std::move(handle);
  }
  if (sum < times) throw std::logic_error("some were not joined");
}
void ours(int times) {
  Executor executor;
  executor.spawn(spawn_and_join(times));
  executor.run();
}

#ifdef HAVE_LIBASIO_DEV
asio::awaitable<int> one_of_asio() { co_return 1; }
void asio_tasks(int times) {
  asio::io_context context(1);
  int sum = 0;
  for (int done = 0; done < times; done += batch) {
    for (int i = 0; i != batch; ++i)
      asio::co_spawn(context, one_of_asio(), [&](std::exception_ptr, int value) { sum += value; });
    context.restart();
    context.run();
  }
  if (sum < times) throw std::logic_error("some were not joined");
}

asio::awaitable<void> sleep_by_asio(asio::io_context& context) {
  asio::steady_timer timer(context, std::chrono::hours(1));
  co_await timer.async_wait(asio::use_awaitable);
}
#endif

#ifdef HAVE_LIBBOOST_FIBER_DEV
void boost_fibers(int times) {
  static boost::fibers::pooled_fixedsize_stack stacks(16 * 1024);
  int sum = 0;
  for (int done = 0; done < times; done += batch) {
    std::vector<boost::fibers::fiber> fibers;
    fibers.reserve(batch);
    for (int i = 0; i != batch; ++i)
      fibers.emplace_back(std::allocator_arg, stacks, [&] { ++sum; });
    for (boost::fibers::fiber& fiber : fibers) fiber.join();
  }
  if (sum < times) throw std::logic_error("some were not joined");
}
#endif

// ---- Memory of tasks that sleep

int sleepers() { return bench::quick() ? 1000 : 100'000; }

std::size_t heap() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

Task<> sleep_for_an_hour() { co_await sleep_for(std::chrono::hours(1)); }

Task<> measure_sleepers(double& bytes) {
  std::size_t before = heap();
  auto body = [&](TaskGroup& group) -> Task<> {
    for (int i = 0; i != sleepers(); ++i) group.spawn(sleep_for_an_hour());
    co_await sleep_for(std::chrono::milliseconds(bench::quick() ? 1 : 200));  // all of them sleep
    bytes = static_cast<double>(heap() - before) / sleepers();
    group.request_stop();
  };
  co_await with_group(body);
}
double bytes_of_a_sleeper() {
  double bytes = 0;
  Executor executor;
  executor.spawn(measure_sleepers(bytes));
  try {
    executor.run();
  } catch (const Cancelled&) {
  }
  return bytes;
}

#ifdef HAVE_LIBASIO_DEV
double bytes_of_asios_sleeper() {
  asio::io_context context(1);
  std::size_t before = heap();
  for (int i = 0; i != sleepers(); ++i)
    asio::co_spawn(context, sleep_by_asio(context), [](std::exception_ptr) {});
  context.poll();
  return static_cast<double>(heap() - before) / sleepers();
}
#endif

// ---- Rows

using Repeated = std::function<void(int times)>;

bench::Sample time_of(const Repeated& repeat) {
  return [repeat] {
    int times = bench::quick() ? batch : 200 * batch;
    return bench::nanoseconds(1, [&] { repeat(times); }) / times;
  };
}

using Skynet = std::function<void(std::size_t workers, long leaves)>;

bench::Sample milliseconds_of(const Skynet& skynet, std::size_t workers) {
  return [=] {
    return bench::nanoseconds(1, [&] { skynet(workers, bench::quick() ? 1000 : 1'000'000); }) / 1e6;
  };
}
bench::Sample instructions_of(const Skynet& skynet) {
  return [skynet] {
    long leaves = bench::quick() ? 1000 : 100'000;
    return bench::instructions_of_one([&] { skynet(1, leaves); }) / static_cast<double>(leaves);
  };
}

}  // namespace

int main() {
  bench::Peer asio{"Asio 1.22", "libasio-dev"}, asio_asleep = asio;
  bench::Peer fiber{"Boost.Fiber", "libboost-fiber-dev"};
#ifdef HAVE_LIBASIO_DEV
  asio.sample = time_of(asio_tasks);
  asio_asleep.sample = bytes_of_asios_sleeper;
#endif
#ifdef HAVE_LIBBOOST_FIBER_DEV
  fiber.sample = time_of(boost_fibers);
#endif
  std::vector<bench::Row> rows = {
      {"a task spawned and joined", "ns", time_of(ours), asio, 0.12},
      {"a task spawned and joined", "ns", time_of(ours), fiber, 0.2},
      {"a task that sleeps", "bytes", bytes_of_a_sleeper, asio_asleep, 0.26},
  };
  struct Variant {
    const char* name;
    Skynet skynet;
  };
  for (const Variant& variant : {Variant{"frames from malloc", malloc_frames::skynet},
                                 Variant{"a locked queue", locked_queue::skynet},
                                 Variant{"oldest first", oldest_first::skynet}}) {
    for (std::size_t workers : {1u, 2u})
      rows.push_back({"skynet, workers: " + std::to_string(workers), "ms",
                      milliseconds_of(run_skynet, workers),
                      bench::Peer{variant.name, "", milliseconds_of(variant.skynet, workers)}});
    rows.push_back(bench::counted_by_valgrind(
        {"skynet, a leaf", "instructions", instructions_of(run_skynet),
         bench::Peer{variant.name, "", instructions_of(variant.skynet)}}));
  }
  return bench::run(rows);
}
