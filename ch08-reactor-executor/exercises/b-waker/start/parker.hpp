#pragma once
// Where a thread sleeps until another one tells it to go on.

#include <stdexcept>

// One thread parks, any thread may unpark it. An unpark() that comes first is not lost: it is kept
// until the next park(), which then returns at once, and has used it up. Several count as one.
class Parker {
 public:
  // Sleeps: it must not look again and again.
  void park() { throw std::logic_error("Parker::park() is yours to write"); }

  // What this thread has written before is seen by whoever returns from park() because of it.
  void unpark() { throw std::logic_error("Parker::unpark() is yours to write"); }
};
