// A loop that waits in its middle: see chapter 7.
#include "future.hpp"

coroutine int sum(int n) {
  int total = 0;
  for (int i = 0; i < n; ++i) {
    int more = wait next(i);
    if (more == 0) continue;
    total += more;
  }
  return total;
}
