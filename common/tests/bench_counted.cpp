// A bench that counts instructions, for the suite to run: how many more there are in one row than
// in another is known.

#include "bench/bench.hpp"

namespace {

void none() { asm volatile(""); }
void eleven() { asm volatile(".rept 11\n nop\n .endr"); }
void a_hundred() { asm volatile(".rept 100\n nop\n .endr"); }

template <void (*action)()>
double count() {
  return bench::instructions(action);
}

}  // namespace

int main() {
  return bench::run(
      {{"none", "instructions", count<none>},
       {"some", "instructions", count<eleven>, bench::Peer{"more", "", count<a_hundred>}}});
}
