// So many sleeps of ten tasks, each of which has passed when it begins, on the stage whose headers
// were included before. (Not a header like others: several stages have it in their namespaces.)

inline Task<> sleep_often(int times) {
  for (int i = 0; i != times; ++i) co_await sleep_until(Clock::time_point());
}

inline void run_sleepers(int times) {
  Executor executor;
  for (int i = 0; i != 10; ++i) executor.spawn(sleep_often(times / 10));
  executor.run();
}
