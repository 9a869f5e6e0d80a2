#pragma once
// What stage i does in the bench of stage j.

#include "net/address.hpp"

namespace ch10_i {
void round_trips(const net::Address& server, int times);
void sleeps(int times);
}  // namespace ch10_i
