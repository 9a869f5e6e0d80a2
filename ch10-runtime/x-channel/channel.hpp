#pragma once
// Values on their way from tasks to tasks.

#include <coroutine>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "cancel.hpp"
#include "executor.hpp"
#include "ready_queue.hpp"

// A queue without a limit, for any number of tasks on both sides, on whichever workers; post() and
// close() are for any thread. Whoever waits stands in line by a node in its own frame. It must
// outlive all that use it.
template <class T>
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // To whoever has waited longest; else it is kept. False: the channel is closed.
  bool post(T value) {
    Receive* receiver = nullptr;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return false;
      receiver = first_;
      if (receiver == nullptr) {
        items_.push_back(std::move(value));
      } else {
        // It is handed over: nobody who asks just now can take it first.
        receiver->value_.emplace(std::move(value));
        take_out(*receiver);
      }
    }
    if (receiver != nullptr) receiver->go_on();
    return true;
  }

  // Nothing is posted any more. What has been can still be received.
  void close() {
    while (true) {
      Receive* receiver = nullptr;
      {
        std::lock_guard lock(mutex_);
        closed_ = true;
        if (first_ == nullptr) return;
        receiver = first_;
        take_out(*receiver);
      }
      receiver->go_on();
    }
  }

  // `co_await channel.receive()`: the oldest value, or none when it is closed and empty. Throws
  // Cancelled, and then no value is lost.
  class Receive {
   public:
    explicit Receive(Channel& channel) : channel_(channel) {}
    Receive(const Receive&) = delete;
    Receive& operator=(const Receive&) = delete;

    bool await_ready() {
      std::lock_guard lock(channel_.mutex_);
      return take_item() || channel_.closed_;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
      handle_ = handle;
      ready_ = &Executor::current().ready();
      stop_.begin(handle, Wake{this});
      std::lock_guard lock(channel_.mutex_);
      // Once more, since the lock was free meanwhile. First the items: what was posted before the
      // close is received.
      if (take_item() || channel_.closed_ || stopped_) return false;
      channel_.put_in(*this);
      return true;
    }
    std::optional<T> await_resume() {
      stop_.end();
      if (!value_) stop_.throw_if_stopped();
      return std::move(value_);
    }

   private:
    friend Channel;
    struct Wake {
      Receive* receive;
      void operator()() const { receive->stop(); }
    };

    void stop() {
      {
        std::lock_guard lock(channel_.mutex_);
        stopped_ = true;
        if (!waiting_) return;  // or it goes on already, by a value or the close
        channel_.take_out(*this);
      }
      go_on();
    }
    bool take_item() {
      if (channel_.items_.empty()) return false;
      value_.emplace(std::move(channel_.items_.front()));
      channel_.items_.pop_front();
      return true;
    }
    // By whoever has taken it out of the line.
    void go_on() { ready_->push(handle_); }

    Channel& channel_;
    std::coroutine_handle<> handle_;
    ReadyQueue* ready_ = nullptr;
    StopWatch<Wake> stop_;
    std::optional<T> value_;
    bool stopped_ = false;
    bool waiting_ = false;
    Receive* next_ = nullptr;
    Receive* previous_ = nullptr;
  };
  Receive receive() { return Receive(*this); }

 private:
  void put_in(Receive& receive) {
    receive.waiting_ = true;
    receive.previous_ = last_;
    (last_ == nullptr ? first_ : last_->next_) = &receive;
    last_ = &receive;
  }
  void take_out(Receive& receive) {
    receive.waiting_ = false;
    (receive.previous_ == nullptr ? first_ : receive.previous_->next_) = receive.next_;
    (receive.next_ == nullptr ? last_ : receive.next_->previous_) = receive.previous_;
  }

  std::mutex mutex_;
  std::deque<T> items_;
  bool closed_ = false;
  Receive* first_ = nullptr;  // has waited longest
  Receive* last_ = nullptr;
};
