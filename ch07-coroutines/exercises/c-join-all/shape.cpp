// What the suite of ch07/c needs from your headers.

#include "testing/shape.hpp"

#include <vector>

#include "future.hpp"
#include "join_all.hpp"

using Boxes = std::vector<Box<int>>;
struct Now final : Future<int> {
  PollState<int> poll() override { return 0; }
};

NEEDS(Box<int>, it->poll(), PollState<int>,
      "join_all.hpp needs: using Box = std::unique_ptr<Future<T>>;");
NEEDS(Now, box(std::move(it)), Box<int>,
      "join_all.hpp needs: Box<typename F::Output> box(F future)");
NEEDS(Boxes, join_all(std::move(it)), JoinAll<int>,
      "join_all.hpp needs: JoinAll<T> join_all(std::vector<Box<T>> futures)");
NEEDS(JoinAll<int>, it.poll(), PollState<std::vector<int>>,
      "JoinAll needs: PollState<std::vector<T>> poll()");
static_assert(IsFuture<JoinAll<int>>, "JoinAll<T> is derived from Future<std::vector<T>>");
static_assert(std::move_constructible<JoinAll<int>>, "a JoinAll can be moved");
