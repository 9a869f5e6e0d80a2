#pragma once
// What a function that goes on later must find as it left it: a context. And the one function that
// leaves a context for another.

#include <cstddef>
#include <span>

#include "context_x86_64.hpp"

// Writes this CPU's registers to `from`, and loads them from `to`. For whoever calls it nothing
// seems to happen: it returns when somebody switches to `from`.
extern "C" void switch_context(Context* from, const Context* to);

// Lies between a fiber's function and guard(). Never called, only returned to.
extern "C" void skip();

// A context that wakes up in `function`, on this stack. When the function returns, `guard` is next;
// from there nobody may return.
Context prepare(std::span<std::byte> stack, void (*function)(), void (*guard)());
