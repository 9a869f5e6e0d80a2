#pragma once

// What the rewritten coroutines look like.
struct Options {
  bool hoist = false;  // locals live across waits, as members
  bool waker = false;  // poll(const Waker&), as from chapter 8 on
  bool pin = false;    // behind Pinned<T>, and never moved, as from chapter 9 on
};
