// What the suite of ch05/c needs from your headers.

#include "testing/shape.hpp"

#include "runtime.hpp"

using testing::a;
using Function = void (*)();

static_assert(std::default_initializable<Runtime>,
              "a Runtime is made from nothing: Runtime runtime;");
static_assert(std::same_as<decltype(Runtime::max_fibers), const std::size_t>,
              "Runtime needs: static constexpr std::size_t max_fibers");
NEEDS(Runtime, it.spawn(a<Function>()), void, "Runtime needs: void spawn(void (*function)())");
NEEDS(Runtime, it.run(), void, "Runtime needs: void run()");
NEEDS(Function, (it = yield, yield()), void, "runtime.hpp needs: void yield()");
static_assert(std::default_initializable<Context>,
              "a Context is made from nothing: Context context;");
NEEDS(std::span<std::byte>, prepare(it, a<Function>(), a<Function>()), Context,
      "context.hpp needs: Context prepare(std::span<std::byte> stack, void (*function)(), "
      "void (*guard)())");
NEEDS(Context, switch_context(&it, a<const Context*>()), void,
      "context.hpp needs: extern \"C\" void switch_context(Context* from, const Context* to)");
