#include "source.hpp"

#include <stdexcept>

#include "runtime.hpp"

Source::Source(const net::Fd& descriptor)
    : descriptor_(descriptor),
      runtime_(Runtime::of_this_thread()),
      token_(runtime_.add(*this, descriptor)) {}

Source::~Source() { runtime_.remove(token_, descriptor_); }

void Source::wait_readable(Clock::time_point deadline, const char* call) {
  wait(reader_, deadline, call);
}
void Source::wait_writable(Clock::time_point deadline, const char* call) {
  wait(writer_, deadline, call);
}

// For both: `place` is reader_ or writer_. However the wait ends, nobody waits here afterwards.
void Source::wait(Fiber*& place, Clock::time_point deadline, const char* call) {
  (void)place, (void)deadline, (void)call;
  throw std::logic_error("Source::wait() is yours to write");
}
