// What the suite of ch05/x-windows cannot see from Linux: this program for Windows looks at it from
// inside, one case a run, and ends with 0 if all is as it should be.
//   x-windows-probe CASE

#include <unwind.h>
#include <windows.h>

#include <array>
#include <cfenv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "context.hpp"
#include "native.hpp"
#include "runtime.hpp"

// Registers a function may count on, in the order in which keep_registers() takes them.
struct Registers {
  std::array<std::uint64_t, 20> xmm6_to_xmm15{};
  std::array<std::uint64_t, 8> rbx_rbp_rdi_rsi_r12_to_r15{};
  bool operator==(const Registers&) const = default;
};

// Loads all of them, switches, and writes down what they are when somebody has switched back.
extern "C" void keep_registers(Registers* registers, Context* from, const Context* to);
// Overwrites its shadow space, as every function may, and returns.
extern "C" void fill_shadow_space();
// Goes on in look_at_entry with the stack pointer that it was entered with.
extern "C" void entry();
extern "C" void guard_entry();

asm(R"(
        .text
        .globl  keep_registers
        .seh_proc keep_registers
keep_registers:
        .irp    name, rbx, rbp, rdi, rsi, r12, r13, r14, r15
        pushq   %\name
        .seh_pushreg %\name
        .endr
        subq    $200, %rsp
        .seh_stackalloc 200
        .seh_endprologue
        .irp    n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movups  %xmm\n, 32 + 16 * (\n - 6)(%rsp)
        movups  16 * (\n - 6)(%rcx), %xmm\n
        .endr
        movq    %rcx, 192(%rsp)
        movq    160(%rcx), %rbx
        movq    168(%rcx), %rbp
        movq    176(%rcx), %rdi
        movq    184(%rcx), %rsi
        movq    192(%rcx), %r12
        movq    200(%rcx), %r13
        movq    208(%rcx), %r14
        movq    216(%rcx), %r15
        movq    %rdx, %rcx
        movq    %r8, %rdx
        call    switch_context
        movq    192(%rsp), %rcx
        movq    %rbx, 160(%rcx)
        movq    %rbp, 168(%rcx)
        movq    %rdi, 176(%rcx)
        movq    %rsi, 184(%rcx)
        movq    %r12, 192(%rcx)
        movq    %r13, 200(%rcx)
        movq    %r14, 208(%rcx)
        movq    %r15, 216(%rcx)
        .irp    n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movups  %xmm\n, 16 * (\n - 6)(%rcx)
        movups  32 + 16 * (\n - 6)(%rsp), %xmm\n
        .endr
        addq    $200, %rsp
        .irp    name, r15, r14, r13, r12, rsi, rdi, rbp, rbx
        popq    %\name
        .endr
        ret
        .seh_endproc

        .globl  fill_shadow_space
fill_shadow_space:
        .irp    offset, 8, 16, 24, 32
        movq    $-1, \offset(%rsp)
        .endr
        ret

        .globl  entry
entry:  movq    %rsp, %rcx
        jmp     look_at_entry
        .globl  guard_entry
guard_entry:
        movq    %rsp, %rcx
        jmp     look_at_guard
)");

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::cout << "not so: " << what << std::endl;
  std::_Exit(1);
}

// A second stack beside the one of main().
std::vector<std::byte> stack(256 * 1024);
Context main_context, fiber_context;

[[noreturn]] void back_to_main() {
  switch_context(&fiber_context, &main_context);
  std::abort();
}

Registers filled(std::uint64_t first) {
  Registers registers;
  for (std::uint64_t& value : registers.xmm6_to_xmm15) value = first++;
  for (std::uint64_t& value : registers.rbx_rbp_rdi_rsi_r12_to_r15) value = first++;
  return registers;
}

void fiber_with_registers() {
  for (std::uint64_t first = 1000;; first += 100) {
    Registers registers = filled(first);
    keep_registers(&registers, &fiber_context, &main_context);
    require(registers == filled(first), "a fiber finds its registers as it left them");
  }
}

void check_registers() {
  fiber_context = prepare(stack, fiber_with_registers, std::abort);
  for (std::uint64_t first = 1; first < 4; ++first) {
    Registers registers = filled(first);
    keep_registers(&registers, &main_context, &fiber_context);
    require(registers == filled(first), "main finds its registers as it left them");
  }
}

struct ControlWords {
  std::uint32_t mxcsr = 0;
  std::uint16_t x87 = 0;
  bool operator==(const ControlWords&) const = default;
};

ControlWords control_words() {
  ControlWords words;
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(words.mxcsr), "=m"(words.x87));
  words.mxcsr &= 0xffc0;  // without the flags of what has happened
  return words;
}

ControlWords seen_in_fiber;

void fiber_with_rounding() {
  seen_in_fiber = control_words();
  std::fesetround(FE_UPWARD);
  switch_context(&fiber_context, &main_context);
  require(std::fegetround() == FE_UPWARD, "a fiber keeps its rounding");
  back_to_main();
}

void check_control_words() {
  ControlWords at_start = control_words();
  fiber_context = prepare(stack, fiber_with_rounding, std::abort);
  switch_context(&main_context, &fiber_context);
  require(seen_in_fiber == at_start, "a fiber begins with what the program began with");
  require(control_words() == at_start, "main keeps its rounding");
  switch_context(&main_context, &fiber_context);
}

// What the system believes about this thread's stack.
struct Limits {
  ULONG_PTR low = 0, high = 0;  // from where it may grow to, to its base
  ULONG_PTR limit = 0;          // how far it has grown
  bool operator==(const Limits&) const = default;
  [[nodiscard]] bool contain(const void* address) const {
    auto number = reinterpret_cast<ULONG_PTR>(address);
    return low <= limit && limit <= number && number < high;
  }
};

Limits limits() {
  Limits found;
  ::GetCurrentThreadStackLimits(&found.low, &found.high);
  asm volatile("movq %%gs:0x10, %0" : "=r"(found.limit));
  return found;
}

void fiber_with_limits() {
  char local = 0;
  require(limits().contain(&local), "a fiber's variables lie within the stack's limits");
  auto lowest = reinterpret_cast<ULONG_PTR>(stack.data());
  require(limits().limit == lowest, "the stack has memory down to its lowest byte");
  require(limits().low == lowest, "and does not grow beyond it");
  back_to_main();
}

void check_limits() {
  Limits before = limits();
  fiber_context = prepare(stack, fiber_with_limits, std::abort);
  switch_context(&main_context, &fiber_context);
  require(limits() == before, "main's limits are what they were");
}

bool guarded = false;

extern "C" void look_at_entry(std::uintptr_t stack_pointer) {
  require(stack_pointer % 16 == 8, "the function begins as after a call");
}

extern "C" void look_at_guard(std::uintptr_t stack_pointer) {
  require(stack_pointer % 16 == 8, "guard begins as after a call");
  auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size());
  require(stack_pointer + 8 + 32 <= end, "guard's shadow space is on the stack");
  guarded = true;
  back_to_main();
}

void check_frame_of(void (*function)()) {
  std::memset(stack.data(), 0xcd, stack.size());
  fiber_context = prepare(stack, function, guard_entry);
  switch_context(&main_context, &fiber_context);
  require(guarded, "guard comes after the function");
}

std::vector<void (*)()> callers;

void fiber_with_callers() {
  ::_Unwind_Backtrace(
      [](_Unwind_Context* context, void*) {
        callers.push_back(reinterpret_cast<void (*)()>(::_Unwind_GetIP(context)));
        return callers.size() < 100 ? _URC_NO_REASON : _URC_END_OF_STACK;
      },
      nullptr);
  back_to_main();
}

void check_callers() {
  // A stack full of old return addresses, one of which somebody might follow.
  auto old = reinterpret_cast<std::uintptr_t>(check_frame_of);
  for (std::size_t at = 0; at < stack.size(); at += sizeof old)
    std::memcpy(&stack[at], &old, sizeof old);
  fiber_context = prepare(stack, fiber_with_callers, back_to_main);
  switch_context(&main_context, &fiber_context);
  require(callers.size() >= 4, "a fiber's function has somebody above it");
  require(callers.at(callers.size() - 3) == skip, "the function returns to skip");
  require(callers.at(callers.size() - 2) == back_to_main, "skip returns to guard");
  require(callers.back() == nullptr, "and that is the end");
}

// ---- Below this line with the runtime

[[gnu::noinline]] std::size_t use_large_frame() {
  volatile char array[20 * 1024];
  for (std::size_t i = 0; i < sizeof array; i += 512) array[i] = 1;
  std::size_t sum = 0;
  for (std::size_t i = 0; i < sizeof array; i += 512) sum += static_cast<std::size_t>(array[i]);
  return sum;
}

std::size_t sum_in_fiber = 0;

void check_large_frame() {
  Runtime runtime;
  runtime.spawn([] { sum_in_fiber = use_large_frame(); });
  runtime.run();
  require(sum_in_fiber == 40, "all of the array could be used");
}

std::string caught;

[[gnu::noinline]] void throw_after(void (*give_way)(), const char* what) {
  if (give_way != nullptr) give_way();
  throw std::runtime_error(what);
}

template <class AnyRuntime>
void check_exceptions(void (*give_way)()) {
  static void (*yield_)();
  yield_ = give_way;
  AnyRuntime runtime;
  for (int i = 0; i < 2; ++i) {
    runtime.spawn([] {
      for (void (*between)() : {static_cast<void (*)()>(nullptr), yield_}) {
        try {
          throw_after(between, "thrown");
        } catch (const std::runtime_error& error) {
          caught += error.what() + std::string("; ");
        }
      }
    });
  }
  runtime.run();
  require(caught == "thrown; thrown; thrown; thrown; ", "each throw ends in its own fiber");
  try {
    throw_after(nullptr, "from main");
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  require(caught == "from main", "main can still throw and catch");
}

// Ends with 3, from the terminate handler, which finds the exception.
template <class AnyRuntime>
void throw_out(void (*function)()) {
  std::set_terminate([] {
    try {
      std::rethrow_exception(std::current_exception());
    } catch (const std::runtime_error& error) {
      std::cout << "terminate: " << error.what() << std::endl;
      std::_Exit(3);
    }
  });
  AnyRuntime runtime;
  runtime.spawn(function);
  try {
    runtime.run();
  } catch (const std::runtime_error&) {
    require(false, "run() does not throw what a fiber throws");
  }
}

void throws() { throw_after(nullptr, "left a fiber"); }
void throws_although_noexcept() noexcept { throw_after(nullptr, "left a fiber"); }

const std::map<std::string, std::function<void()>> cases = {
    {"registers", check_registers},
    {"control-words", check_control_words},
    {"limits", check_limits},
    {"entry", [] { check_frame_of(entry); }},
    {"shadow-space", [] { check_frame_of(fill_shadow_space); }},
    {"callers", check_callers},
    {"large-frame", check_large_frame},
    {"exceptions", [] { check_exceptions<Runtime>(yield); }},
    {"native-exceptions", [] { check_exceptions<native::Runtime>(native::yield); }},
    {"throw-out-noexcept", [] { throw_out<Runtime>(throws_although_noexcept); }},
    {"throw-out-native", [] { throw_out<native::Runtime>(throws); }},
};

}  // namespace

int main(int argc, char** argv) {
  require(argc == 2 && cases.contains(argv[1]), "the argument is a case");
  cases.at(argv[1])();
  std::cout << "as it should be" << std::endl;
}
