// The suite of ch08/e-multiple-threads.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Executors have a queue that tells this suite which numbers it was given.
#define ReadyQueue QuietReadyQueue
#include "ready_queue.hpp"
#undef ReadyQueue

namespace {

// The queues, by the order in which they were made, in which a number has stood.
struct Numbers {
  std::mutex mutex;
  std::map<TaskId, std::set<int>> queues;
} numbers;

}  // namespace

class ReadyQueue : public QuietReadyQueue {
 public:
  void push(TaskId task) {
    {
      std::lock_guard lock(numbers.mutex);
      numbers.queues[task].insert(queue_);
    }
    QuietReadyQueue::push(task);
  }

 private:
  static inline std::atomic<int> next_ = 0;
  const int queue_ = next_++;
};

#include "executor_cases.hpp"
#include "testing/print.hpp"
#include "testing/stage_program.hpp"

using namespace std::chrono_literals;
using testing::Peer;

namespace {

constexpr int executors = 12;

// What all futures of a case tell.
struct Told {
  std::atomic<int> polls = 0;
  std::atomic<int> ended = 0;
  std::atomic<int> abroad = 0;  // polls and ends on other threads than the one that made it
};

// Does in each poll what the case says, with the number of the poll, and tells where it is.
class Telling final : public Future<Unit> {
 public:
  using Script = std::function<PollState<Unit>(int, const Waker&)>;
  Telling(Told& told, Script script) : told_(&told), script_(std::move(script)) {}
  Telling(Telling&& other) noexcept
      : told_(std::exchange(other.told_, nullptr)),
        script_(std::move(other.script_)),
        home_(other.home_),
        polls_(other.polls_) {}
  Telling& operator=(Telling&&) = delete;
  ~Telling() override {
    if (told_ == nullptr) return;  // it was moved
    look_where();
    ++told_->ended;
  }

  PollState<Unit> poll(const Waker& waker) override {
    look_where();
    ++told_->polls;
    return script_(++polls_, waker);
  }

 private:
  void look_where() const {
    if (std::this_thread::get_id() != home_) ++told_->abroad;
  }

  Told* told_;
  Script script_;
  std::thread::id home_ = std::this_thread::get_id();
  int polls_ = 0;
};

// Does it in its first poll, and is ready.
Telling once_with_waker(Told& told, std::function<void(const Waker&)> function) {
  return {told, [function = std::move(function)](int, const Waker& waker) -> PollState<Unit> {
            function(waker);
            return Unit{};
          }};
}
Telling once(Told& told, std::function<void()> function) {
  return once_with_waker(told, [function = std::move(function)](const Waker&) { function(); });
}

// Runs executors, each on a thread of its own, and begins each with what the case gives it, by its
// number. Returns how many of them have thrown.
int run_executors(const std::function<void(Executor&, int)>& begin, int count = executors) {
  std::vector<std::future<void>> running;
  for (int i = 0; i < count; ++i)
    running.push_back(std::async(std::launch::async, [&begin, i] {
      Executor executor;
      begin(executor, i);
      run(executor);
    }));
  int failed = 0;
  for (std::future<void>& one : running) {
    try {
      one.get();
    } catch (const std::runtime_error&) {
      ++failed;
    }
  }
  return failed;
}

// Calls the wakers that tasks leave here, on threads of its own.
class Wakers {
 public:
  struct Count {
    std::atomic<int> polls = 0, wakes = 0;
  };

  explicit Wakers(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { call(); });
  }
  Wakers(const Wakers&) = delete;
  Wakers& operator=(const Wakers&) = delete;
  ~Wakers() {
    {
      std::lock_guard lock(mutex_);
      end_ = true;
    }
    changed_.notify_all();
  }

  void leave(const Waker& waker, Count& count) {
    {
      std::lock_guard lock(mutex_);
      left_.push_back({waker, &count});
    }
    changed_.notify_one();
  }

 private:
  struct Left {
    Waker waker;
    Count* count;
    void wake() const {
      ++count->wakes;
      waker.wake();
    }
  };

  // Each at once, and the one before it once more, which may be late.
  void call() {
    std::optional<Left> before;
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return end_ || !left_.empty(); });
      if (left_.empty()) return;
      Left left = std::move(left_.front());
      left_.pop_front();
      lock.unlock();
      left.wake();
      if (before) before->wake();
      before = std::move(left);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Left> left_;
  bool end_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace

TEST_CASE(
    "executors run at the same time, each on its own thread, and spawn() finds the right one") {
  Told told;
  std::atomic<int> at_home = 0;
  std::latch all(executors);
  CHECK(run_executors([&](Executor& executor, int) {
          executor.spawn(once(told, [&, &ours = executor] {
            all.arrive_and_wait();  // so all of them are running now
            for (int i = 0; i < 10; ++i)
              spawn(once(told, [&] {
                if (&Executor::current() == &ours) ++at_home;
              }));
          }));
        }) == 0);
  CHECK(at_home == executors * 10);
  CHECK(told.ended == executors * 11);
  CHECK(told.abroad == 0);
}

TEST_CASE(
    "many threads wake tasks of many executors: none is lost, and none is polled for nothing") {
  constexpr int tasks = 10, turns = 20;
  Told told;
  std::atomic<int> for_nothing = 0;
  std::vector<Wakers::Count> counts(executors * tasks);
  {
    Wakers wakers(4);
    CHECK(run_executors([&](Executor& executor, int number) {
            for (int i = 0; i < tasks; ++i)
              executor.spawn(
                  Telling(told,
                          [&, &count = counts[static_cast<std::size_t>(number * tasks + i)]](
                              int poll, const Waker& waker) -> PollState<Unit> {
                            if (++count.polls > count.wakes + 1) ++for_nothing;
                            if (poll > turns) return Unit{};
                            wakers.leave(waker, count);
                            return std::nullopt;
                          }));
          }) == 0);
  }  // some are called when their task, and its executor, have ended
  CHECK(told.polls == executors * tasks * (turns + 1));
  CHECK(told.ended == executors * tasks);
  CHECK(told.abroad == 0);
  CHECK(for_nothing == 0);
}

TEST_CASE("one reactor wakes the tasks of all executors, each on the thread of its own") {
  constexpr std::size_t tasks = 4;
  Told told;
  std::vector<Source> sources(executors * tasks);
  std::atomic<std::size_t> waiting = 0;
  std::atomic<int> read = 0;
  std::size_t made_ready = 0;
  Reactor reactor;
  std::jthread other([&] {
    // The last ones first, when all tasks of all executors wait.
    if (!testing::eventually([&] { return waiting == sources.size(); })) return;
    while (made_ready < sources.size()) sources[sources.size() - ++made_ready].make_ready();
  });
  CHECK(run_executors([&](Executor& executor, int number) {
          for (std::size_t i = 0; i < tasks; ++i) {
            const Source& source = sources[static_cast<std::size_t>(number) * tasks + i];
            auto registration = std::make_shared<Registration>(reactor.add(source.fd(), "source"));
            executor.spawn(
                Telling(told, [&, registration](int, const Waker& waker) -> PollState<Unit> {
                  registration->set_waker(waker);
                  if (source.take()) {
                    ++read;
                    return Unit{};
                  }
                  ++waiting;
                  return std::nullopt;
                }));
          }
        }) == 0);
  other.join();
  CHECK(read == executors * static_cast<int>(tasks));
  CHECK(told.polls == 2 * executors * static_cast<int>(tasks));
  CHECK(told.ended == executors * static_cast<int>(tasks));
  CHECK(told.abroad == 0);
}

TEST_CASE("a poll that blocks holds up its own executor, and no other one") {
  Told told;
  Source source;
  std::promise<void> released;
  std::atomic<bool> sibling_has_ended = false, sibling_was_late = false;
  Reactor reactor;
  CHECK(run_executors(
            [&](Executor& executor, int number) {
              if (number == 0) {
                executor.spawn(once(told, [&] {
                  source.make_ready();
                  released.get_future().wait();  // for what the other one does
                  sibling_was_late = !sibling_has_ended;
                }));
                executor.spawn(once(told, [&] { sibling_has_ended = true; }));
                return;
              }
              auto registration =
                  std::make_shared<Registration>(reactor.add(source.fd(), "source"));
              executor.spawn(
                  Telling(told, [&, registration](int, const Waker& waker) -> PollState<Unit> {
                    registration->set_waker(waker);
                    if (!source.take()) return std::nullopt;
                    spawn(once(told, [&] { released.set_value(); }));
                    return Unit{};
                  }));
            },
            2) == 0);
  CHECK(sibling_was_late);
  CHECK(told.ended == 4);
  CHECK(told.abroad == 0);
}

TEST_CASE("no two tasks have the same number, whatever executor they belong to") {
  Told told;
  std::latch all(executors);
  {
    std::lock_guard lock(numbers.mutex);
    numbers.queues.clear();
  }
  for (int i = 0; i < 2; ++i)  // the second executor of a thread goes on counting, too
    run_executors([&](Executor& executor, int) {
      executor.spawn(once(told, [&, i] {
        if (i == 0) all.arrive_and_wait();
        for (int child = 0; child < 50; ++child) spawn(once(told, [] {}));
      }));
    });
  std::lock_guard lock(numbers.mutex);
  CHECK(numbers.queues.size() == 2 * executors * 51);
  std::size_t shared = 0;
  for (const auto& [task, queues] : numbers.queues)
    if (queues.size() != 1) ++shared;
  CHECK(shared == 0);
}

TEST_CASE("an exception of a task takes neither its siblings nor other executors with it") {
  Told told;
  std::atomic<int> polled_twice = 0;
  std::latch all(executors);
  int failed = run_executors([&](Executor& executor, int number) {
    executor.spawn(once(told, [&, number] {
      all.arrive_and_wait();
      spawn(once(told, [number] {
        if (number % 3 == 0) throw std::runtime_error("on purpose");
      }));
      spawn(Telling(told, [&](int poll, const Waker& waker) -> PollState<Unit> {
        if (poll == 2) {
          ++polled_twice;
          return Unit{};
        }
        waker.wake();
        return std::nullopt;
      }));
      if (number == 1) throw std::runtime_error("on purpose, too");
    }));
  });
  CHECK(failed == executors / 3 + 1);
  CHECK(polled_twice == executors);
  CHECK(told.ended == executors * 3);
  CHECK(told.abroad == 0);
}

TEST_CASE("wakers outlive tasks and executors: other threads call them while those end") {
  constexpr int tasks = 10;
  Told told;
  std::vector<Wakers::Count> counts(executors * tasks);
  {
    Wakers wakers(4);
    CHECK(run_executors([&](Executor& executor, int number) {
            for (int i = 0; i < tasks; ++i)
              executor.spawn(once_with_waker(
                  told, [&, &count = counts[static_cast<std::size_t>(number * tasks + i)]](
                            const Waker& waker) {
                    for (int wake = 0; wake < 5; ++wake) wakers.leave(waker, count);
                  }));
          }) == 0);
    CHECK(told.ended == executors * tasks);
  }
  for (const Wakers::Count& count : counts) CHECK(count.wakes >= 5);
  CHECK(told.polls == executors * tasks);
  CHECK(told.abroad == 0);
}

TEST_CASE("all can be started twice in one process; no thread, task or descriptor is left") {
  std::vector<pid_t> running = threads();
  std::size_t descriptors = testing::open_descriptors();
  for (int i = 0; i < 2; ++i) {
    Told told;
    {
      std::vector<Source> sources(executors);
      Reactor reactor;
      CHECK(run_executors([&](Executor& executor, int number) {
              const Source& source = sources[static_cast<std::size_t>(number)];
              executor.spawn(once(told, [&] {
                auto registration =
                    std::make_shared<Registration>(reactor.add(source.fd(), "source"));
                spawn(Telling(told, [&, registration](int, const Waker& waker) -> PollState<Unit> {
                  registration->set_waker(waker);
                  if (!source.take()) return std::nullopt;
                  return Unit{};
                }));
                source.make_ready();
              }));
            }) == 0);
      CHECK(&Reactor::current() == &reactor);
    }
    CHECK(told.ended == 2 * executors);
    CHECK(told.abroad == 0);
    // A thread that has been joined may still be listed for a moment.
    CHECK(testing::eventually([&] { return testing::no_threads_but(running); }));
    CHECK(testing::open_descriptors() == descriptors);
  }
}

TEST_CASE("requests of all executors are in flight at once, and each answer finds its own task") {
  struct Waiting {
    net::TcpStream stream;
    std::string message;
  };
  std::vector<Waiting> waiting;
  std::size_t descriptors = testing::open_descriptors();
  {
    Peer patient([&](net::TcpStream stream) {
      std::string path = testing::read_request(stream);
      path = path.substr(0, path.find(" HTTP/"));
      waiting.push_back({std::move(stream), path.substr(path.rfind('/') + 1)});
      if (waiting.size() < 2 * executors) return;
      for (Waiting& one : waiting)
        testing::say_and_close(
            one.stream, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(one.message.size()) +
                            "\r\n\r\n" + one.message);
      waiting.clear();
    });
    Told told;
    std::atomic<int> right = 0;
    Reactor reactor;
    CHECK(run_executors([&](Executor& executor, int number) {
            for (int i = 0; i < 2; ++i) {
              std::string message = std::to_string(number) + "-" + std::to_string(i);
              auto request = std::make_shared<HttpGet>(get(patient.address(), message, 0ms));
              executor.spawn(
                  Telling(told, [&, message, request](int, const Waker& waker) -> PollState<Unit> {
                    PollState<std::string> answer = request->poll(waker);
                    if (!answer) return std::nullopt;
                    if (*answer == message) ++right;
                    return Unit{};
                  }));
            }
          }) == 0);
    CHECK(right == 2 * executors);
    // Of each connection: that it stands, the answer, perhaps in pieces.
    CHECK(told.polls <= 2 * executors * 6);
    CHECK(told.abroad == 0);
  }
  // (The other ends are in this process, too, and take a moment.)
  CHECK(testing::eventually([&] { return testing::open_descriptors() == descriptors; }));
}

TEST_CASE("the program has all 24 requests on their way, from twelve threads, and one reactor") {
  testing::CountedResult counted = testing::check_all_in_flight(STAGE_PROGRAM, "", 24);
  CHECK(counted.calls["epoll_wait"] <= 24 * 10);
  // Who has done what, by the first words of each line: 0.11 s  executor-7  done  request-15
  std::set<std::string> by_whom, done;
  std::istringstream out(counted.result.out);
  for (std::string line; std::getline(out, line);) {
    std::string time, s, thread, verb, subject;
    std::istringstream(line) >> time >> s >> thread >> verb >> subject;
    by_whom.insert(thread + " " + verb);
    if (verb == "done") done.insert(thread + " " + subject);
  }
  for (int i = 0; i < 24; ++i) {
    CAPTURE(i);
    CHECK(done.contains("executor-" + std::to_string(i / 2) + " request-" + std::to_string(i)));
  }
  CHECK(by_whom.contains("reactor wake"));
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 24)
