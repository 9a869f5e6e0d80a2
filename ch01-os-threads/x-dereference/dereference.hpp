#pragma once
// What `*address` becomes in the end: one instruction of the CPU, here written by ourselves. In
// inline assembly the compiler does not know what the instruction does: it only puts the operands
// where we ask for them, and believes the rest.

// Returns the int in memory at `address`. Nothing looks at the address first: neither this function
// nor the compiler.
inline int dereference(const int* address) {
  int value;
#if defined(__x86_64__)
  // volatile: it shall be carried out, here and each time, even if nobody needs the result.
  asm volatile(
      // movl from, to: 4 bytes ("l") move from memory into a register. The parentheses make the
      // difference between the address and what is there.
      "movl (%[address]), %[value]"
      // Outputs. "=" it is only written, "r" in a register, which one is the compiler's choice;
      // after the instruction, the compiler takes the variable `value` from there.
      : [value] "=r"(value)
      // Inputs. Before the instruction, the variable `address` is in some register ("r"). It may be
      // the same register: the CPU needs the address no more when it writes the value.
      : [address] "r"(address)
      // Clobbers: what else is touched. "memory" stands for all of it. What the program has stored
      // so far must really be there now, because we read something that no operand mentions.
      : "memory");
#elif defined(__aarch64__)
  // The same with the words of this CPU; all that is said above holds here, too.
  asm volatile(
      // ldr to, from: load into a register. The brackets make the difference between the address
      // and what is there, and the size is the register's: %w is the lower half, 4 bytes, of
      // value's.
      "ldr %w[value], [%[address]]"
      : [value] "=r"(value)
      : [address] "r"(address)
      : "memory");
#else
#error "this stage knows the load instructions of x86-64 and of 64-bit Arm: add your CPU's here"
#endif
  return value;
}
