// A tree of tasks with so many leaves, ten below each, on the stage whose headers were included
// before: what is measured there is the runtime alone. (The benchmark "skynet" is Alexander
// Temerev's. Not a header like others: several variants have it in their namespaces.)

inline Task<long> grow(long first, long leaves) {
  if (leaves == 1) co_return first;
  std::vector<Task<long>> parts;
  parts.reserve(10);
  for (long i = 0; i != 10; ++i) parts.push_back(grow(first + i * (leaves / 10), leaves / 10));
  long sum = 0;
  for (long part : co_await when_all(std::move(parts))) sum += part;
  co_return sum;
}

inline Task<> grow_into(long leaves, long& sum) { sum = co_await grow(0, leaves); }

inline void run_skynet(std::size_t workers, long leaves) {
  long sum = 0;
  Executor executor(workers);
  executor.spawn(grow_into(leaves, sum));
  executor.run();
  if (sum != leaves * (leaves - 1) / 2) throw std::logic_error("a leaf was lost");
}
