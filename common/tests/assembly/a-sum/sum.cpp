#include "sum.hpp"

long sum(long a, long b, long c) { return add(add(a, b), c); }
