// What the suite of a-sum needs from your header.

#include "testing/shape.hpp"

#include "sum.hpp"

NEEDS(long, sum(it, 2, 3), long, "sum.hpp needs: long sum(long a, long b, long c)");
