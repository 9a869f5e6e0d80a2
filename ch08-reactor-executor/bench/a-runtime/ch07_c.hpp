#pragma once
#include "../requests.hpp"

namespace ch07_c {

// Stage c of chapter 7: asks all, and again, and again.
requests::Done join_all_of_them(const requests::Task& task);

}  // namespace ch07_c
