#pragma once
// The tasks stand in slots, which are used again: a number is a slot and its generation.

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "future.hpp"
#include "narrate/narrate.hpp"
#include "parker.hpp"
#include "ready_queue.hpp"
#include "waker.hpp"

class Executor {
 public:
  template <IsFuture F>
    requires std::same_as<typename F::Output, Unit>
  void spawn(F future) {
    if (free_.empty()) {
      free_.push_back(slots_.size());
      slots_.emplace_back();
    }
    std::size_t index = free_.back();
    free_.pop_back();
    slots_[index].future = std::make_unique<F>(std::move(future));
    ++alive_;
    ready_->push(slots_[index].generation << 32 | index);
  }

  void run() {
    while (alive_ > 0) {
      if (auto task = ready_->pop()) {
        poll(*task);
      } else {
        narrate::Span span("park");
        parker_->park();
      }
    }
    while (ready_->pop()) continue;  // those that are late
    if (auto error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
  }

  [[nodiscard]] long polls() const { return polls_; }

 private:
  struct Slot {
    std::unique_ptr<Future<Unit>> future;
    std::uint64_t generation = 0;
  };

  void poll(TaskId task) {
    std::size_t index = task & 0xffff'ffff;
    if (slots_[index].generation != task >> 32 || !slots_[index].future) return;
    narrate::say("poll", task_name(task));
    ++polls_;
    Future<Unit>& future = *slots_[index].future;  // stays where it is when the slots grow
    bool ended = true;
    try {
      ended = future.poll(Waker(task, ready_, parker_)).has_value();
    } catch (...) {
      narrate::say("failed", task_name(task));
      if (!error_) error_ = std::current_exception();
    }
    if (!ended) return;
    --alive_;
    ++slots_[index].generation;
    slots_[index].future.reset();
    free_.push_back(index);
  }

  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
  std::size_t alive_ = 0;
  std::shared_ptr<ReadyQueue> ready_ = std::make_shared<ReadyQueue>();
  std::shared_ptr<Parker> parker_ = std::make_shared<Parker>();
  std::exception_ptr error_;
  long polls_ = 0;
};
