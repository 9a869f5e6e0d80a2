#pragma once
// The round trips of stage h.

#include "net/address.hpp"

namespace ch10_h {
void round_trips(const net::Address& server, int times);
}
