// What the suite of ch10/g needs from your headers.

#include "testing/shape.hpp"

#include <cstddef>
#include <utility>
#include <vector>

#include "combinators.hpp"
#include "task.hpp"

using Numbers = std::vector<Task<int>>;
using Nothings = std::vector<Task<>>;
using Winner = std::pair<std::size_t, int>;

NEEDS(Numbers, when_all(std::move(it)), Task<std::vector<int>>,
      "combinators.hpp needs: Task<std::vector<T>> when_all(std::vector<Task<T>> tasks)");
NEEDS(Nothings, when_all(std::move(it)), Task<>,
      "combinators.hpp needs: Task<> when_all(std::vector<Task<>> tasks)");
NEEDS(
    Numbers, when_any(std::move(it)), Task<Winner>,
    "combinators.hpp needs: Task<std::pair<std::size_t, T>> when_any(std::vector<Task<T>> tasks)");
NEEDS(Nothings, when_any(std::move(it)), Task<std::size_t>,
      "combinators.hpp needs: Task<std::size_t> when_any(std::vector<Task<>> tasks)");
