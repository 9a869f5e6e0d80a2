#pragma once
// Where a thread sleeps until another one tells it to go on.

#include <condition_variable>
#include <mutex>

// One thread parks, any thread may unpark it. An unpark() that comes first is not lost: it is kept
// until the next park(), which then returns at once. Several count as one.
class Parker {
 public:
  void park() {
    std::unique_lock lock(mutex_);
    unparked_changed_.wait(lock, [this] { return unparked_; });
    unparked_ = false;
  }

  void unpark() {
    {
      std::lock_guard lock(mutex_);
      unparked_ = true;
    }
    unparked_changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable unparked_changed_;
  bool unparked_ = false;
};
