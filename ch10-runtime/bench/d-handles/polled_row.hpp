// A row of coroutines of the stage whose headers were included before. (Not a header like others:
// two stages have it in their namespaces.)

// Is ready when it is asked for the second time, and says at once that this is worth while.
class Soon final : public Future<Unit> {
 public:
  PollState<Unit> poll(const Waker& waker) override {
    if (std::exchange(asked_, true)) return Unit();
    waker.wake();
    return std::nullopt;
  }

 private:
  bool asked_ = false;
};

inline Task<Unit> row(int depth, int times) {
  if (depth > 1) {
    co_await row(depth - 1, times);
  } else {
    for (int i = 0; i != times; ++i) co_await pin<Soon>();
  }
  co_return Unit();
}

inline void run_row(int depth, int times) {
  Executor executor;
  executor.spawn(row(depth, times));
  executor.run();
}
