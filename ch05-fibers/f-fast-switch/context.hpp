#pragma once
// What a function that goes on later must find as it left it: a context. And the one function that
// leaves a context for another. Each CPU has a file of its own for it, and a switch_….S.

#include <cstddef>
#include <span>

#if defined(__x86_64__)
#include "context_x86_64.hpp"
#elif defined(__aarch64__)
#include "context_aarch64.hpp"
#else
#error "this stage switches stacks on x86-64 and on 64-bit Arm: add your CPU's two files here"
#endif

// Writes this CPU's registers to `from`, and loads them from `to`. For whoever calls it nothing
// seems to happen: it returns when somebody switches to `from`.
extern "C" void switch_context(Context* from, const Context* to);

// The same, not by `ret` but by a jump.
extern "C" void switch_by_jump(Context* from, const Context* to);

// The same two without the control words, where a Context has any: how numbers are rounded is one
// setting for all. A fiber that changes it has to change it back before its next switch.
extern "C" void switch_registers(Context* from, const Context* to);
extern "C" void switch_registers_by_jump(Context* from, const Context* to);

using Switch = void (*)(Context* from, const Context* to);

// Lies between a fiber's function and guard(). Never called, only returned to.
extern "C" void skip();

// A context that wakes up in `function`, on this stack, which may begin and end anywhere. When the
// function returns, `guard` is next; from there nobody may return.
Context prepare(std::span<std::byte> stack, void (*function)(), void (*guard)());
