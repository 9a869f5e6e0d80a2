// Stage ch01/d: the same three tasks on the same loop. New: a wait returns a promise, and what
// comes after it is chained to that, one step below the other. Values and errors go down the chain.

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>

#include "narrate/narrate.hpp"
#include "promise.hpp"
#include "stage/stage.hpp"
#include "timer_loop.hpp"

using namespace std::chrono_literals;

namespace {

// Makes a promise of a callback.
[[nodiscard]] Promise<Unit> sleep(TimerLoop& loop, std::chrono::milliseconds delay) {
  auto [promise, resolver] = make_promise<Unit>(loop);
  loop.after(delay, [resolver] { resolver.resolve({}); });
  return promise;
}

struct NoMilk : std::runtime_error {
  using runtime_error::runtime_error;
};

std::string look_for_milk() { throw NoMilk("the milk has turned"); }

void example() {
  TimerLoop loop;
  narrate::start("toast", "browns for 180 ms");
  sleep(loop, 180ms).then([] { narrate::done("toast", "jumps out"); });
  narrate::start("kettle", "heats for 70 ms");
  sleep(loop, 70ms)
      .then([] {
        narrate::done("kettle", "whistles");
        return 98;  // degrees: a value for the next step
      })
      .then([&loop](int degrees) {
        narrate::start("tea", "draws for 60 ms, at ", degrees, " degrees");
        return sleep(loop, 60ms);
      })
      .then(look_for_milk)  // an error: it skips the next step
      .then([](const std::string& milk) { return "with " + milk; })
      .or_else([](std::exception_ptr error) -> std::string {
        try {
          std::rethrow_exception(error);
        } catch (const NoMilk& reason) {  // any other error goes on
          return std::string("black: ") + reason.what();
        }
      })
      .then([](const std::string& how) { narrate::done("tea", "is served ", how); });
  narrate::print("breakfast is on its way");
  loop.run();
}

}  // namespace

int main() { return stage::run(example); }
