#pragma once
// Who is to be resumed next, and by which worker.

#include <atomic>
#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <ranges>
#include <span>
#include <string>
#include <utility>

#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "reactor.hpp"
#include "work_queue.hpp"

// Belongs to an executor. Each worker has a queue of its own, newest first; all share another one,
// oldest first, for what comes from elsewhere. Any thread may push: that is all that it takes to
// wake a coroutine. Its handle may stand here once, or be where it will be pushed from, but never
// both, and it must not be destroyed meanwhile.
class ReadyQueue {
 public:
  static constexpr std::size_t most_workers = 64;

  ReadyQueue(Reactor& reactor, std::size_t workers) : reactor_(reactor) {
    while (workers_.size() < workers) workers_.emplace_back(*this, workers_.size());
  }

  // Makes this thread a worker, for as long as it lives.
  class Working {
   public:
    Working(ReadyQueue& queue, std::size_t number) { this_worker_ = &queue.workers_[number]; }
    Working(const Working&) = delete;
    ~Working() { this_worker_ = nullptr; }
  };

  // It is next on this worker, if this is one; else it waits for one.
  void push(std::coroutine_handle<> handle) {
    Worker* worker = this_worker_;
    if (worker == nullptr || worker->home != this || !worker->queue.push(handle))
      push_last(handle);
    else if (workers_.size() > 1)
      wake_one();
  }
  // Those who are ready already come first.
  void push_last(std::coroutine_handle<> handle) {
    {
      std::lock_guard lock(mutex_);
      shared_.push_back(handle);
      shared_size_ = shared_.size();
    }
    wake_one();
  }

  // For workers: whom to resume, or nullptr.
  std::coroutine_handle<> pop() {
    Worker& worker = *this_worker_;
    // Newest first is unfair. So now and then the oldest have a turn, and the reactor is asked.
    bool oldest_first = ++worker.turns % 64 == 0;
    if (oldest_first) {
      look();
      if (std::coroutine_handle<> handle = pop_shared()) return handle;
      if (std::coroutine_handle<> handle = worker.queue.steal()) return handle;
    }
    if (std::coroutine_handle<> handle = worker.queue.pop()) return handle;
    if (std::coroutine_handle<> handle = pop_shared()) return handle;
    return steal(worker);
  }

  // For workers: sleeps until something may have been pushed, or the reactor has somebody. It first
  // says that it is idle, and then looks once more; whoever pushes does so first, and then looks
  // who is idle. One of the two sees the other.
  void wait() {
    Worker& worker = *this_worker_;
    idle_ |= worker.bit();
    std::unique_lock holding(reactor_mutex_, std::defer_lock);
    if (!anything()) {
      if (holding.try_lock()) {
        in_reactor_ = worker.bit();
        take_over(worker, worker.parker.park_in_reactor());
        in_reactor_ = 0;
      } else {
        worker.parker.park();
      }
    }
    idle_ &= ~worker.bit();
    if (holding) leave_reactor(holding);
  }

  // All workers look at everything anew.
  void wake_all() {
    for (Worker& worker : workers_) worker.parker.unpark();
  }

 private:
  struct Worker {
    Worker(ReadyQueue& its_home, std::size_t its_number)
        : home(&its_home), number(its_number), parker(its_home.reactor_) {}
    [[nodiscard]] std::uint64_t bit() const { return std::uint64_t{1} << number; }

    ReadyQueue* home;
    std::size_t number;
    unsigned turns = 0;
    WorkQueue queue;
    Parker parker;
  };

  // Asks the reactor without sleeping, unless somebody is there already.
  void look() {
    std::unique_lock holding(reactor_mutex_, std::try_to_lock);
    if (!holding) return;
    take_over(*this_worker_, reactor_.look());
    leave_reactor(holding);
  }
  // Somebody else looks after it from now on, or helps. First it is free, then they are told:
  // whoever finds it held sleeps elsewhere.
  void leave_reactor(std::unique_lock<std::mutex>& holding) {
    holding.unlock();
    if (workers_.size() > 1) wake_one();
  }
  // What the reactor has found: the first of them is next.
  void take_over(Worker& worker, std::span<const std::coroutine_handle<>> next) {
    for (std::coroutine_handle<> handle : std::views::reverse(next))
      if (!worker.queue.push(handle)) push_last(handle);
  }

  std::coroutine_handle<> pop_shared() {
    if (shared_size_ == 0) return nullptr;
    std::lock_guard lock(mutex_);
    if (shared_.empty()) return nullptr;
    std::coroutine_handle<> handle = shared_.front();
    shared_.pop_front();
    shared_size_ = shared_.size();
    return handle;
  }
  std::coroutine_handle<> steal(const Worker& worker) {
    for (std::size_t i = 1; i < workers_.size(); ++i) {
      Worker& other = workers_[(worker.number + i) % workers_.size()];
      if (std::coroutine_handle<> handle = other.queue.steal()) {
        narrate::say("steal", "worker-" + std::to_string(other.number), "the oldest it had");
        return handle;
      }
    }
    return nullptr;
  }
  bool anything() {
    if (shared_size_ != 0) return true;
    for (const Worker& worker : workers_)
      if (!worker.queue.empty()) return true;
    return false;
  }

  // One idle worker, if there is one: rather not the one in the reactor, which is of use there.
  void wake_one() {
    // A look that writes: so it comes before what an idle worker says of itself, which then sees
    // what was pushed, or after it.
    std::uint64_t idle = idle_.fetch_or(0);
    while (idle != 0) {
      std::uint64_t outside = idle & ~in_reactor_;
      std::size_t number =
          static_cast<std::size_t>(std::countr_zero(outside != 0 ? outside : idle));
      std::uint64_t bit = workers_[number].bit();
      idle = idle_.fetch_and(~bit);
      if ((idle & bit) != 0) return workers_[number].parker.unpark();
    }
  }

  static inline constinit thread_local Worker* this_worker_ = nullptr;

  Reactor& reactor_;
  std::mutex reactor_mutex_;                   // held by the worker that sleeps there
  std::atomic<std::uint64_t> in_reactor_ = 0;  // its bit
  std::deque<Worker> workers_;
  std::atomic<std::uint64_t> idle_ = 0;  // a bit for each worker that sleeps, or is about to
  std::mutex mutex_;
  std::deque<std::coroutine_handle<>> shared_;
  std::atomic<std::size_t> shared_size_ = 0;  // so that a look at it costs no lock
};
