#pragma once
// Adds three numbers.

extern "C" long add(long a, long b) noexcept;  // in add_x86_64.S and add_aarch64.S

long sum(long a, long b, long c);
