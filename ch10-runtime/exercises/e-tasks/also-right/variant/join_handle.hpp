#pragma once
// How a spawned task has ended, for whoever wants to know.

#include <coroutine>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

// What run() has to know of a task, whatever its result.
struct Ending {
  virtual ~Ending() = default;
  // What nobody has asked for: nullptr if somebody has, or if there is none.
  virtual std::exception_ptr left_over() const = 0;
  std::coroutine_handle<> waiting = nullptr;
};

// The handle takes the outcome out, once: index 0 before the end.
template <class T>
struct Outcome final : Ending {
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  struct Open {};
  std::variant<Open, Value, std::exception_ptr> how;
  bool asked = false;

  [[nodiscard]] bool ended() const { return how.index() != 0; }
  std::exception_ptr left_over() const override {
    const std::exception_ptr* error = std::get_if<std::exception_ptr>(&how);
    return error == nullptr || asked ? nullptr : *error;
  }
};

template <class T>
class JoinHandle {
 public:
  explicit JoinHandle(std::shared_ptr<Outcome<T>> outcome) : outcome_(std::move(outcome)) {}

  bool await_ready() {
    if (outcome_ == nullptr || std::exchange(outcome_->asked, true))
      throw std::logic_error("this handle has been awaited");
    return outcome_->ended();
  }
  void await_suspend(std::coroutine_handle<> handle) {
    place_ = std::make_unique<Place>(outcome_.get(), handle);
  }
  T await_resume() {
    std::shared_ptr<Outcome<T>> outcome = std::exchange(outcome_, nullptr);
    place_.reset();
    if (auto* error = std::get_if<std::exception_ptr>(&outcome->how))
      std::rethrow_exception(*error);
    if constexpr (!std::is_void_v<T>) return std::get<1>(std::move(outcome->how));
  }

  class Awaiter {
   public:
    explicit Awaiter(JoinHandle handle) : handle_(std::move(handle)) {}
    bool await_ready() { return handle_.await_ready(); }
    void await_suspend(std::coroutine_handle<> handle) { handle_.await_suspend(handle); }
    T await_resume() { return handle_.await_resume(); }

   private:
    JoinHandle handle_;
  };
  Awaiter operator co_await() && { return Awaiter(std::move(*this)); }

 private:
  // Stands for whoever waits, and ends with them.
  struct Place {
    Place(Ending* ending, std::coroutine_handle<> handle) : its(ending) { its->waiting = handle; }
    Place(const Place&) = delete;
    ~Place() { its->waiting = nullptr; }
    Ending* its;
  };
  std::shared_ptr<Outcome<T>> outcome_;
  std::unique_ptr<Place> place_;
};
