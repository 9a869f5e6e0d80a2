// Programs whose variables are used up before the next wait, so that nothing has to be kept.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

namespace {

coroutine Unit requests(std::string server, int n) {
  std::string body = wait later(server + show(n));
  say(body);
  auto second = wait later(n + 1);
  say(show(second));
  wait later(n);
}
PROGRAM(requests("server", n));

coroutine int parameters_live(int n, std::string text, std::unique_ptr<int> owner) {
  while (wait later(n > 0)) {
    --n;
    int x = wait later(n);
    text += show(x);
    if (x == 3) continue;
    *owner += x;
    if (x == 1) break;
    for (int i = 0; i < 2; ++i) {
      Counted plain("plain");
      if (i == x) break;
      *owner += i;
    }
    wait later(text);
  }
  if (text.size() > 4) return *owner;
  std::string last = wait later(text);
  return static_cast<int>(last.size());
}
PROGRAM(parameters_live(n, "", std::make_unique<int>(1)));

coroutine int segments(int n) {
  int before = n * 2;
  const std::string text = show(before);
  wait later(text);
  if (int x = wait later(n); x > 3) {
    say(show(x));
    auto twice = 2 * x;
    wait later(twice);
  } else if (x == 2) {
    return x;
  }
  {
    int y = wait later(3);
    std::vector<int> list{y, n};
    for (int one : list) say(show(one));
    wait later(list);
  }
  do {
    int z = wait later(n);
    n = z - 1;
  } while (wait later(n > 0));
  int first = wait later(1), again = 2;
  return first + again;
}
PROGRAM(segments(n));

coroutine Unit tasks(int n) {
  std::vector<Box<Unit>> futures;
  for (int i = 0; i < n; ++i) futures.push_back(box(requests("task", i)));
  wait join_all(std::move(futures));
}
PROGRAM(tasks(n));

coroutine int used_in_a_branch(int n) {
  int x = n + 1;
  if (n > 2) {
    wait later(x);
  } else {
    say(show(x));
  }
  auto text = show(n);
  if (wait later(text.size() > 1)) wait later("yes");
  for (wait later(n); n < 5; ++n) say("plain");
  switch (int y = n % 3; y) {
    case 0:
      return y;
    default:
      break;
  }
  return wait later(n);
}
PROGRAM(used_in_a_branch(n));

}  // namespace
