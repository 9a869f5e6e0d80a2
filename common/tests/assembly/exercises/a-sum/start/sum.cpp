#include "sum.hpp"

#include <stdexcept>

long sum(long, long, long) { throw std::logic_error("sum() is yours to write"); }
