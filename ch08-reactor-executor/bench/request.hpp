// One request as a future of the stage whose headers were included before. (Not a header like
// others: ch07_c.cpp has it in a namespace.) `Wakers` is what the stage gives to poll(): nothing,
// or a waker.
template <class... Wakers>
class Request final : public Future<Unit> {
 public:
  // Counts what becomes of it in `done`, which has to outlive it.
  Request(const requests::Task& task, int i, requests::Done& done)
      : name_(requests::Task::name(i)),
        get_(get(task.server, name_, task.delay(i))),
        done_(&done) {}

  PollState<Unit> poll(Wakers... waker) override {
    ++done_->polls;
    PollState<std::string> body = get_.poll(waker...);
    if (!body) return std::nullopt;
    if (*body == name_) ++done_->answered;
    return Unit();
  }

 private:
  std::string name_;
  HttpGet get_;
  requests::Done* done_;
};
