// Several requests that wait for long, as one future of the stage whose headers were included
// before: what a poll of one of them costs. (Not a header like others; see request.hpp.)
class Waiting {
 public:
  static constexpr int count = 20;

  explicit Waiting(const net::Address& server) : all_(join_all(futures(server))) {}
  template <class... Wakers>
  void poll(const Wakers&... waker) {
    if (all_.poll(waker...)) throw std::logic_error("ten minutes are over");
  }

 private:
  static std::vector<Box<std::string>> futures(const net::Address& server) {
    std::vector<Box<std::string>> all;
    for (int i = 0; i != count; ++i)
      all.push_back(box(get(server, requests::Task::name(i), std::chrono::minutes(10))));
    return all;
  }
  JoinAll<std::string> all_;
};
