#pragma once
// A coroutine that yields elements, one after the other. Nobody wakes it: it goes on when its
// consumer asks for the next one.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

// A function with this result that uses co_yield is a coroutine, and its call returns a view:
//
//   Generator<int> from(int first) {
//     while (true) co_yield first++;
//   }
//   for (int number : from(1) | std::views::take(5)) …
//
// Nothing runs before begin(). A reference to an element is valid until the next ++. What the
// coroutine throws comes out of begin() or ++, and is its end. To destroy a generator early
// destroys the variables of its coroutine. One thread at a time.
template <class T>
class [[nodiscard]] Generator : public std::ranges::view_base {
 public:
  class promise_type;  // the name by which the compiler finds it
  class Iterator;

  Generator(Generator&& other) noexcept : root_(std::exchange(other.root_, nullptr)) {}
  Generator& operator=(Generator other) noexcept {
    std::swap(root_, other.root_);
    return *this;
  }
  ~Generator();

  // Runs to the first element. Later calls do not begin again: they stay where it has got to.
  Iterator begin();
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  using Handle = std::coroutine_handle<promise_type>;

  explicit Generator(Handle root) : root_(root) {}
  static void advance(Handle root);

  Handle root_;  // null: moved from, and empty
};

template <class T>
class Generator<T>::Iterator {
 public:
  using iterator_concept = std::input_iterator_tag;  // it goes through once
  using value_type = std::remove_cv_t<T>;
  using difference_type = std::ptrdiff_t;

  explicit Iterator(Handle root) : root_(root) {}
  const T& operator*() const { return *root_.promise().element_; }
  const T* operator->() const { return root_.promise().element_; }
  Iterator& operator++() {
    advance(root_);
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return !root_ || root_.done(); }

 private:
  Handle root_;
};

// co_yield elements_of(walk(folder)) yields another generator's elements as one's own. (It has a
// constructor, as awaiter and promise have: g++ 12 destroys an aggregate in such an expression
// twice.)
template <class T>
struct Elements {
  explicit Elements(Generator<T> inner) : generator(std::move(inner)) {}
  Generator<T> generator;
};

template <class T>
Elements<T> elements_of(Generator<T> generator) {
  return Elements<T>(std::move(generator));
}

// Generators inside each other are a stack: linked from the innermost one outwards to the root,
// which is the one that the consumer has. The root owns the others, and knows the innermost.
template <class T>
class Generator<T>::promise_type {
 public:
  promise_type() : innermost_(Handle::from_promise(*this)) {}
  promise_type(const promise_type&) = delete;
  promise_type& operator=(const promise_type&) = delete;

  Generator get_return_object() { return Generator(innermost_); }
  std::suspend_always initial_suspend() noexcept { return {}; }
  std::suspend_always final_suspend() noexcept { return {}; }
  void return_void() noexcept {}
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  // The element stays where it is, in the frame: a variable, or a temporary that lives until the
  // coroutine goes on. (Not a temporary aggregate, because of g++ 12.)
  std::suspend_always yield_value(const T& element) noexcept {
    root_->element_ = std::addressof(element);
    return {};
  }
  auto yield_value(Elements<T> elements) {
    Handle inner = elements.generator.root_;
    if (!inner || inner.promise().root_ != nullptr)
      throw std::logic_error("elements_of: this generator was moved from, or has begun");
    elements.generator.root_ = nullptr;  // from here on it belongs to our root
    inner.promise().root_ = root_;
    inner.promise().outer_ = Handle::from_promise(*this);
    root_->innermost_ = inner;
    return EndOfInner(*this);
  }
  // There is no co_await here: nobody would wake it.
  void await_transform() = delete;

 private:
  friend Generator;
  friend Iterator;

  // Goes on when the inner generator has ended, with its exception, if there is one.
  class EndOfInner {
   public:
    explicit EndOfInner(promise_type& outer) : outer_(outer) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const {
      if (outer_.error_) std::rethrow_exception(std::exchange(outer_.error_, nullptr));
    }

   private:
    promise_type& outer_;
  };

  promise_type* root_ = nullptr;  // null: it has not begun
  Handle outer_;                  // the one that yields our elements; null: this is the root
  std::exception_ptr error_;      // our own, or that of an inner one that has just ended
  // For the root only:
  Handle innermost_;
  const T* element_ = nullptr;
};

template <class T>
auto Generator<T>::begin() -> Iterator {
  if (root_ && root_.promise().root_ == nullptr) {
    root_.promise().root_ = &root_.promise();
    advance(root_);
  }
  return Iterator(root_);
}

// Runs until there is an element, or until the root has ended. However deep the innermost one is,
// it takes one resume() to go on with it; and this is the only place that resumes, so the thread's
// stack does not grow with the depth.
template <class T>
void Generator<T>::advance(Handle root) {
  promise_type& stack = root.promise();
  stack.element_ = nullptr;
  while (stack.element_ == nullptr) {
    Handle innermost = stack.innermost_;
    innermost.resume();
    if (!innermost.done()) continue;  // it has an element, or an inner one

    std::exception_ptr error = std::exchange(innermost.promise().error_, nullptr);
    if (innermost == root) {
      if (error) std::rethrow_exception(error);
      return;
    }
    stack.innermost_ = innermost.promise().outer_;
    stack.innermost_.promise().error_ = error;
    innermost.destroy();
  }
}

// From the innermost one outwards, as when functions are left. Each frame by itself: if one owned
// the next, a deep stack of generators would need as many nested calls to be destroyed.
template <class T>
Generator<T>::~Generator() {
  Handle next = root_ ? root_.promise().innermost_ : nullptr;
  while (next) {
    Handle outer = next.promise().outer_;
    next.destroy();
    next = outer;
  }
}
