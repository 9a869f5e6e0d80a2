// A context is where its registers lie on its stack.
#pragma once

struct Context {
  void* sp = nullptr;
};
