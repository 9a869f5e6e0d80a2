// A lock in place of Chase and Lev's, for a variant that has said whether its owner takes the
// newest first. (Not a header like others: two variants have it in their namespaces.)

class WorkQueue {
 public:
  [[nodiscard]] bool push(std::coroutine_handle<> handle) {
    std::lock_guard lock(mutex_);
    handles_.push_back(handle);
    return true;
  }
  std::coroutine_handle<> pop() {
    std::lock_guard lock(mutex_);
    if (handles_.empty()) return nullptr;
    if constexpr (!newest_first) return pop_oldest();
    std::coroutine_handle<> handle = handles_.back();
    handles_.pop_back();
    return handle;
  }
  std::coroutine_handle<> steal() {
    std::lock_guard lock(mutex_);
    return handles_.empty() ? nullptr : pop_oldest();
  }
  [[nodiscard]] bool empty() const {
    std::lock_guard lock(mutex_);
    return handles_.empty();
  }

 private:
  std::coroutine_handle<> pop_oldest() {
    std::coroutine_handle<> handle = handles_.front();
    handles_.pop_front();
    return handle;
  }

  mutable std::mutex mutex_;
  std::deque<std::coroutine_handle<>> handles_;
};
