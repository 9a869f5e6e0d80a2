#pragma once
// Whatever Asio can do, awaited by our tasks: `co_await timer.async_wait(here)`. Asio's own reactor
// finds out when it is done, on the thread that runs it; our executor goes on with whoever waits.

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cancel.hpp"
#include "executor.hpp"
#include "narrate/narrate.hpp"
#include "ready_queue.hpp"

// Runs a loop of Asio on a thread of its own, which ends with this, as soon as nothing is left that
// the loop waits for.
class AsioThread {
 public:
  explicit AsioThread(asio::io_context& context)
      : work_(context.get_executor()), thread_([&context] {
          narrate::name_thread("asio");
          context.run();
        }) {}
  AsioThread(const AsioThread&) = delete;
  ~AsioThread() { work_.reset(); }

 private:
  // Without it the loop would end whenever no operation is in flight, also between two of a task.
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::jthread thread_;
};

// Stands where Asio takes a callback, or another of its completion tokens. The coroutine that waits
// is what is called back.
struct Here {};
inline constexpr Here here;

// The errors of the system have a category of Asio's own, which (in version 1.22) does not compare
// with std::errc.
inline std::error_code in_our_words(std::error_code error) {
  if (error.category() != asio::system_category()) return error;
  return {error.value(), std::generic_category()};
}

// What our thread and Asio's know of one operation.
template <class Result>
class AsioOperation {
 public:
  void wait(std::coroutine_handle<> handle, ReadyQueue& queue) {
    waiting_ = handle;
    queue_ = &queue;
  }
  // From here on, until leave(), everything is for Asio's thread.
  template <class Begin>
  static void begin(const std::shared_ptr<AsioOperation>& self, Begin& begin) {
    std::lock_guard lock(self->mutex_);
    if (self->waiting_ == nullptr) return;
    begin(asio::bind_cancellation_slot(
        self->signal_.slot(),
        [self](std::error_code error, auto... result) { self->end(error, std::move(result)...); }));
  }
  // Asio calls back all the same, and says "aborted". After the end nothing may be cancelled: the
  // timer or socket may be gone.
  void cancel() {
    std::lock_guard lock(mutex_);
    if (waiting_ != nullptr) signal_.emit(asio::cancellation_type::terminal);
  }

  // Nobody waits any more.
  void leave() {
    std::lock_guard lock(mutex_);
    waiting_ = nullptr;
  }
  [[nodiscard]] bool aborted() const { return error_ == asio::error::operation_aborted; }
  Result result() {
    if (error_) throw std::system_error(in_our_words(error_), "asio");
    if constexpr (!std::is_void_v<Result>) return std::move(std::get<0>(*result_));
  }

 private:
  template <class... Values>
  void end(std::error_code error, Values... values) {
    // Until the handle is in the queue: whoever destroys the coroutine waits for us in leave().
    std::lock_guard lock(mutex_);
    error_ = error;
    result_.emplace(std::move(values)...);
    narrate::say("ready", "asio", "who waits for it is next");
    if (waiting_ != nullptr) queue_->push(std::exchange(waiting_, nullptr));
  }

  using Values = std::conditional_t<std::is_void_v<Result>, std::tuple<>, std::tuple<Result>>;

  std::mutex mutex_;
  std::coroutine_handle<> waiting_;
  ReadyQueue* queue_ = nullptr;
  std::error_code error_;
  std::optional<Values> result_;
  asio::cancellation_signal signal_;
};

// `co_await` begins the operation, and gives its result. Throws its error as std::system_error. A
// stop cancels it, and when Asio has called back, Cancelled comes out. All that Asio does happens
// on the one thread that runs its loop: so it is begun there, too, and cancelled there.
template <class Result, class Executor, class Begin>
class AsioWait {
 public:
  AsioWait(Executor executor, Begin begin)
      : executor_(std::move(executor)), begin_(std::move(begin)) {}
  AsioWait(const AsioWait&) = delete;
  ~AsioWait() { operation_->leave(); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    operation_->wait(handle, ::Executor::current().ready());
    asio::post(executor_, [operation = operation_, begin = std::move(begin_)]() mutable {
      AsioOperation<Result>::begin(operation, begin);
    });
    stop_.begin(handle, Cancel{executor_, operation_});
  }
  Result await_resume() {
    stop_.end();
    if (operation_->aborted()) stop_.throw_if_stopped();
    return operation_->result();
  }

 private:
  struct Cancel {
    Executor executor;
    std::shared_ptr<AsioOperation<Result>> operation;
    void operator()() const {
      asio::post(executor, [operation = operation] { operation->cancel(); });
    }
  };

  Executor executor_;
  Begin begin_;
  std::shared_ptr<AsioOperation<Result>> operation_ = std::make_shared<AsioOperation<Result>>();
  StopWatch<Cancel> stop_;
};

// This is how Asio asks what an operation returns that was given `here`: AsioWait.
template <class Result>
struct AsioResult {
  template <class Initiation, class... Arguments>
  static auto initiate(Initiation initiation, Here, Arguments... arguments) {
    auto executor = asio::get_associated_executor(initiation);
    auto begin = [initiation = std::move(initiation),
                  arguments = std::tuple(std::move(arguments)...)](auto call_back) mutable {
      std::apply([&](auto&... each) { initiation(std::move(call_back), std::move(each)...); },
                 arguments);
    };
    return AsioWait<Result, decltype(executor), decltype(begin)>(std::move(executor),
                                                                 std::move(begin));
  }
};
template <>
struct asio::async_result<Here, void(std::error_code)> : AsioResult<void> {};
template <class Result>
struct asio::async_result<Here, void(std::error_code, Result)> : AsioResult<Result> {};
