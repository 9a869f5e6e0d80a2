// So many round trips, shared by some connections, on the stage whose headers were included before.
// (Not a header like others: several stages have it in their namespaces.)

inline Task<> go_to_and_fro(net::Address server, int times) {
  Socket socket = co_await Socket::connect(server, "echo");
  std::array<char, 64> buffer;
  for (int i = 0; i != times; ++i) {
    co_await socket.write("sixteen bytes...");
    for (std::size_t left = 16; left != 0;) {
      std::size_t count = co_await socket.read(buffer);
      if (count == 0) throw std::runtime_error("the echo has gone");
      left -= count;
    }
  }
}

inline constexpr int connections = 20;

inline void run_round_trips(const net::Address& server, int times) {
  Executor executor;
  for (int i = 0; i != connections; ++i) executor.spawn(go_to_and_fro(server, times / connections));
  executor.run();
}
