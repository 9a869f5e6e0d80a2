#pragma once
// What the suites of stages c to e are made of: a Parker with hooks, futures that do what a case
// says, and a run() that gives up. Has to come before the stage's headers, and brings them along.

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#define Parker RealParker
#include "parker.hpp"
#undef Parker

// In place of the stage's: the same, but a case can put something into the moments that decide
// whether a wake is lost.
class Parker : public RealParker {
 public:
  void park() {
    if (before_park) before_park();
    set_parked(true);
    RealParker::park();
    set_parked(false);
    if (after_park) after_park();
    if (given_up_) throw std::runtime_error("it has slept for too long");
  }

  void unpark() {
    RealParker::unpark();
    if (after_unpark) after_unpark();
  }

  // What this thread does whenever it is about to park, has parked, or has unparked somebody.
  static inline thread_local std::function<void()> before_park, after_park, after_unpark;

  // Whoever is parked, or parks in the meantime, is thrown out.
  static void give_up(bool yes) {
    std::lock_guard lock(mutex_);
    given_up_ = yes;
    for (Parker* one : parked_)
      if (yes) one->RealParker::unpark();
  }

 private:
  void set_parked(bool yes) {
    std::lock_guard lock(mutex_);
    if (!yes) parked_.erase(this);
    if (yes) parked_.insert(this);
    if (yes && given_up_) RealParker::unpark();
  }

  static inline std::mutex mutex_;
  static inline std::set<Parker*> parked_;
  static inline std::atomic<bool> given_up_ = false;
};

#include "executor.hpp"
#include "future.hpp"
#include "ready_queue.hpp"
#include "waker.hpp"

namespace {

// A waker for reactor_cases.hpp.
class Woken {
 public:
  [[nodiscard]] Waker waker() const { return Waker(1, queue_, parker_); }
  void wait() const {
    parker_->park();
    static_cast<void>(queue_->pop());  // as an executor does: then it can be enqueued again
  }
  [[nodiscard]] bool is_kept() const { return parker_.use_count() > copies_.use_count(); }

 private:
  std::shared_ptr<ReadyQueue> queue_ = std::make_shared<ReadyQueue>();
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
  std::shared_ptr<int> copies_ = std::make_shared<int>();
};

}  // namespace

#include "reactor_cases.hpp"

namespace {

// For the time of a scope: Hook hook(Parker::before_park, [&] { … });
class [[nodiscard]] Hook {
 public:
  Hook(std::function<void()>& place, std::function<void()> action) : place_(place) {
    place_ = std::move(action);
  }
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;
  ~Hook() { place_ = nullptr; }

 private:
  std::function<void()>& place_;
};

PollState<Unit> ready_if(bool condition) {
  if (condition) return Unit{};
  return std::nullopt;
}

// A task that does in each poll what the case says, with the number of the poll. It is not asked
// for ever.
class Scripted final : public Future<Unit> {
 public:
  using Script = std::function<PollState<Unit>(int, const Waker&)>;
  explicit Scripted(Script script) : script_(std::move(script)) {}
  PollState<Unit> poll(const Waker& waker) override {
    REQUIRE_MESSAGE(++polls_ <= 1000, "it is polled again and again");
    return script_(polls_, waker);
  }

 private:
  Script script_;
  int polls_ = 0;
};

// A task of which a case sees how often it is polled, and woken by the case; and whether it is
// still there.
class Watched {
 public:
  std::atomic<int> polls = 0, wakes = 0;

  // In each poll its waker is kept, and then the script runs.
  [[nodiscard]] Scripted task(Scripted::Script script) {
    auto life = std::make_shared<int>();
    life_ = life;
    return Scripted([this, life, script](int number, const Waker& waker) {
      {
        std::lock_guard lock(mutex_);
        waker_ = waker;
      }
      polls = number;
      return script(number, waker);
    });
  }
  // Ready as soon as it is polled after let_end().
  [[nodiscard]] Scripted task() {
    return task([this](int, const Waker&) { return ready_if(may_end_); });
  }
  void let_end() {
    may_end_ = true;
    wake();
  }

  // Once it has been polled. Any thread may do so.
  void wake() {
    ++wakes;
    std::optional<Waker> waker;
    {
      std::lock_guard lock(mutex_);
      waker = waker_;
    }
    REQUIRE(waker.has_value());
    waker->wake();
  }

  [[nodiscard]] bool is_alive() const { return !life_.expired(); }

 private:
  std::atomic<bool> may_end_ = false;
  std::weak_ptr<int> life_;
  std::mutex mutex_;
  std::optional<Waker> waker_;
};

// executor.run(), within limits: where it does not return, the case fails instead of hanging.
void run(Executor& executor) {
  std::atomic<bool> done = false;
  auto rescue = meanwhile([&] {
    bool in_time = testing::eventually([&] { return done.load(); });
    CHECK_MESSAGE(in_time, "run() does not return");
    for (; !done; std::this_thread::yield()) Parker::give_up(true);
    Parker::give_up(false);
  });
  AtEnd end(done);
  executor.run();
}

// Whether and how often this thread has parked, in its scope, for others to see.
class Parks {
 public:
  [[nodiscard]] int count() const { return count_; }
  [[nodiscard]] bool asleep() const { return parked_ && sleeps(thread_); }

 private:
  pid_t thread_ = ::gettid();
  std::atomic<int> count_ = 0;
  std::atomic<bool> parked_ = false;
  Hook before_{Parker::before_park, [this] { ++count_, parked_ = true; }};
  Hook after_{Parker::after_park, [this] { parked_ = false; }};
};

// Does something on another thread when this one has gone to sleep.
template <class Action>
[[nodiscard]] std::future<void> when_asleep(const Parks& parks, Action action) {
  return meanwhile([&parks, action = std::move(action)] {
    REQUIRE_MESSAGE(testing::eventually([&] { return parks.asleep(); }),
                    "an executor that has nothing to do must sleep");
    action();
  });
}

}  // namespace
