#pragma once
// Words as in interleavings.hpp, on a machine with store buffers. What is compiled between
//   #define atomic buffered_atomic
//   #define atomic_thread_fence buffered_fence
// and the two #undef has them.
//
// A processor does not wait until a store has arrived in memory. It keeps it in a buffer, goes on,
// and may read other words before anybody else sees the store: x86 does so, too. Only a store or a
// fence that is seq_cst, and every operation that reads and writes in one, waits until the buffer
// is empty. Here each thread of a run has such a buffer, and beside it a second thread of the run
// that takes what is oldest in it to memory, a store a step. So the orders that are explored say,
// too, when a store arrives. A relaxed load or a release store may do more on other machines; what
// they hand on of other words is found by Run::Thread::known.

#include <atomic>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "interleavings.hpp"

namespace interleavings {

class Buffer {
 public:
  static inline thread_local Buffer* mine = nullptr;

  // A thread of a run, and its buffer.
  static void add(Explorer::Threads& threads, const std::string& name, std::function<void()> body) {
    auto buffer = std::make_shared<Buffer>();
    threads.add(name, [buffer, body = std::move(body)] {
      mine = buffer.get();
      body();
      mine = nullptr;
      buffer->flush();
      buffer->over_ = true;
      if (Run::current != nullptr) Run::notify(buffer.get(), true);
    });
    threads.add("memory", [buffer, step = "what " + name + " stored arrives"] {
      while (true) {
        if (!buffer->stores_.empty()) {
          Run::before(step.c_str());
        } else if (buffer->over_) {
          return;
        } else {
          Run::wait(buffer.get());
        }
        buffer->first_arrives();
      }
    });
  }

  // False: nobody explores orders here. What comes is an operation on the very word. When the run
  // has failed, its threads come to their ends on their own: an operation must not throw, for
  // whoever calls it may be noexcept.
  static bool before(const char* operation) {
    if (Run::current == nullptr || mine == nullptr) return false;
    try {
      Run::before(operation);
      return true;
    } catch (const Run::Stuck&) {
      Run::current = nullptr;
      return false;
    }
  }

  void put(const void* word, const void* bytes, std::size_t size, std::function<void()> arrive) {
    Store store{word, {}, std::move(arrive)};
    std::memcpy(store.bytes, bytes, size);
    stores_.push_back(std::move(store));
    Run::notify(this, true);
  }
  // What this thread itself has stored last, if it has not arrived yet.
  bool find(const void* word, void* bytes, std::size_t size) const {
    for (auto store = stores_.rbegin(); store != stores_.rend(); ++store)
      if (store->word == word) {
        std::memcpy(bytes, store->bytes, size);
        return true;
      }
    return false;
  }
  void flush() {
    while (!stores_.empty()) first_arrives();
  }

  Known read = 0;      // also by relaxed loads: an acquire fence makes it known
  Known released = 0;  // by a release fence: what relaxed stores hand on

 private:
  struct Store {
    const void* word;
    unsigned char bytes[8];
    std::function<void()> arrive;
  };
  void first_arrives() {
    if (stores_.empty()) return;
    stores_.front().arrive();
    stores_.pop_front();
  }

  std::deque<Store> stores_;
  bool over_ = false;
};

}  // namespace interleavings

namespace std {

template <class T>
class buffered_atomic : public atomic<T> {
  static_assert(sizeof(T) <= 8);
  using Base = atomic<T>;
  using Buffer = interleavings::Buffer;
  using Run = interleavings::Run;

 public:
  constexpr buffered_atomic() noexcept = default;
  constexpr buffered_atomic(T value) noexcept : Base(value) {}
  buffered_atomic(const buffered_atomic&) = delete;
  buffered_atomic& operator=(const buffered_atomic&) = delete;

  T load(memory_order order = memory_order_seq_cst) const noexcept {
    T value{};
    if (!Buffer::before("load")) return Base::load(order);
    if (Buffer::mine->find(this, &value, sizeof value)) return value;
    learn(order);
    return Base::load(order);
  }
  operator T() const noexcept { return load(); }
  void store(T value, memory_order order = memory_order_seq_cst) noexcept {
    if (!Buffer::before("store")) return Base::store(value, order);
    interleavings::Known known =
        order == memory_order_relaxed ? Buffer::mine->released : Run::current->known;
    Buffer::mine->put(this, &value, sizeof value, [this, value, known] {
      in_ = known;
      Base::store(value);
    });
    if (order == memory_order_seq_cst) Buffer::mine->flush();
  }
  T operator=(T value) noexcept {
    store(value);
    return value;
  }
  T exchange(T value, memory_order order = memory_order_seq_cst) noexcept {
    change("exchange", order);
    return Base::exchange(value, order);
  }
  bool compare_exchange_strong(T& expected, T desired, memory_order success,
                               memory_order failure) noexcept {
    bool explored = Buffer::before("compare_exchange");
    if (explored) {
      Buffer::mine->flush();
      bool equal = Base::load() == expected;
      learn(equal ? success : failure);
      if (equal) teach(success);
    }
    return Base::compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_strong(T& expected, T desired,
                               memory_order order = memory_order_seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, order, memory_order_seq_cst);
  }
  bool compare_exchange_weak(T& expected, T desired, memory_order success,
                             memory_order failure) noexcept {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_weak(T& expected, T desired,
                             memory_order order = memory_order_seq_cst) noexcept {
    return compare_exchange_strong(expected, desired, order);
  }
  T fetch_add(T value, memory_order order = memory_order_seq_cst) noexcept {
    change("fetch_add", order);
    return Base::fetch_add(value, order);
  }
  T fetch_sub(T value, memory_order order = memory_order_seq_cst) noexcept {
    change("fetch_sub", order);
    return Base::fetch_sub(value, order);
  }
  T operator++() noexcept { return static_cast<T>(fetch_add(1) + 1); }
  T operator++(int) noexcept { return fetch_add(1); }
  T operator--() noexcept { return static_cast<T>(fetch_sub(1) - 1); }
  T operator--(int) noexcept { return fetch_sub(1); }

 private:
  void change(const char* operation, memory_order order) noexcept {
    if (!Buffer::before(operation)) return;
    Buffer::mine->flush();
    learn(order);
    teach(order);
  }
  void learn(memory_order order) const noexcept {
    Buffer::mine->read |= in_;
    if (order != memory_order_relaxed && order != memory_order_release) Run::current->known |= in_;
  }
  void teach(memory_order order) noexcept {
    in_ |= order == memory_order_relaxed || order == memory_order_acquire ? Buffer::mine->released
                                                                          : Run::current->known;
  }

  interleavings::Known in_ = 0;  // what whoever stored here knew
};

inline void buffered_fence(memory_order order) noexcept {
  using interleavings::Buffer;
  using interleavings::Run;
  if (!Buffer::before("fence")) return atomic_thread_fence(order);
  if (order == memory_order_seq_cst) Buffer::mine->flush();
  if (order != memory_order_release) Run::current->known |= Buffer::mine->read;
  if (order != memory_order_acquire) Buffer::mine->released = Run::current->known;
}

}  // namespace std
