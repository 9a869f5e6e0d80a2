// What corofy refuses: see chapter 7.
#include "http.hpp"

coroutine Unit report(net::Address server) {
  narrate::print("it said " + wait get(server, "hello", 100ms));
}
