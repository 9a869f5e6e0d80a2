// Programs in the language of corofy, each with its arguments: every statement that may wait, every
// kind of variable that is kept. What corofy makes of this file does the same as the compiler's own
// coroutines do.

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness.hpp"

namespace {

int twice_of(int n) { return 2 * n; }
bool ready_at(int attempt, int n) { return attempt > n; }

// ---- Waits, one after the other

coroutine int nothing_to_wait_for(int n) { return n + 1; }
PROGRAM(nothing_to_wait_for(n));

coroutine Unit no_result(int n) {
  wait later(n);
  if (n == 1) return;
  if (n == 2) return Unit{};
  if (n == 3) return {};
  say("to the end");
}
PROGRAM(no_result(n));

coroutine int without_end(int n) {
  int x = wait later(n);
  if (x > 3) return x;
}
PROGRAM(without_end(n));

coroutine Unit positions(int n) {
  Counted a("a");
  int x = wait later(n);
  Counted b("b");
  x += wait later(2);
  say(show(x));
  wait later("statement");
  std::string text = "say ";
  text += wait later("more");
  text = wait later(text + '!');
  Counted c(text);
  int direct(wait later(n + 1));
  int braced{wait later(n + 2)};
  auto copied = wait later(n + 3);
  const auto fixed = wait later(n + 4);
  const int constant = wait later(fixed);
  wait later();
  say(show(direct + braced + copied + fixed + constant));
}
PROGRAM(positions(n));

coroutine std::string return_wait(int n) {
  Counted guard("guard");
  if (n % 2 == 0) return wait later("even");
  Counted inner("inner");
  return wait later("odd");
}
PROGRAM(return_wait(n));

coroutine int thrown(int n) {
  Counted a("a");
  if (n == 0) throw std::runtime_error("before");
  int x = wait later(n);
  Counted b("b");
  if (n == 1) throw std::runtime_error("between");
  while (x-- > 0) {
    Counted c("c");
    wait later(x);
    if (n == 4 && x == 2) throw std::logic_error("in a loop");
  }
  if (n == 2) throw std::runtime_error("after");
  return x;
}
PROGRAM(thrown(n));

// ---- Branches

coroutine int chain(int n) {
  Counted all("all");
  if (n == 0) {
    Counted zero("zero");
    wait later(0);
    return 10;
  } else if (n < 3) {
    Counted few("few");
    int x = wait later(n);
    say(show(x));
  } else if (n == 3) {
    say("three");
  } else if (n < 6)
    wait later("some");
  else {
    Counted many("many");
    wait later("many");
    Counted more("more");
    wait later("more");
  }
  Counted behind("behind");
  wait later();
  return n;
}
PROGRAM(chain(n));

coroutine int dangling(int n) {
  if (n > 2)
    if (n > 4)
      wait later("more than four");
    else
      wait later("three or four");
  else if (n == 2)
    return 2;
  if (n != 7) {
  } else
    wait later("seven");
  return n;
}
PROGRAM(dangling(n));

coroutine int with_initializer(int n) {
  if (int x = wait later(n); x > 3) {
    wait later("then");
    say(show(x));
  } else if (Counted guard("guard " + show(x)); x == 2) {
    wait later(x);
    return x;
  } else if (std::string text = show(x); wait later(x == 1)) {
    wait later(text);
    say(text + guard.name());
  }
  if (wait later(); n > 10) return 10;
  if (std::unique_ptr<int> p = n % 2 == 0 ? std::make_unique<int>(n) : nullptr) {
    wait later(*p);
    say(show(*p));
  }
  if (auto text = wait later(n % 3 == 0 ? std::optional<std::string>("yes") : std::nullopt)) {
    wait later(*text);
    return static_cast<int>(text->size());
  } else {
    wait later(text);
  }
  if (Counted no(n % 4 == 0 ? "no" : "yes"); no) wait later(no.name());
  return 0;
}
PROGRAM(with_initializer(n));

coroutine int conditions(int n) {
  Counted guard("guard");
  if (wait later(n > 5)) {
    Counted then("then");
    wait later("large");
  } else if (wait later(n > 2)) {
    say("medium");
  } else {
    if (wait later(n)) return 1;
    say("none");
  }
  if (wait later(std::make_unique<int>(1))) say("a pointer");
  if (wait later(n == 3)) return 3;
  return 2;
}
PROGRAM(conditions(n));

// ---- Loops

coroutine int sum(std::string name, int n) {
  Counted guard{"guard"};
  int total = 0;
  for (int i = 0; i < n; ++i) {
    Counted inner{"inner"};
    auto v = wait later(i);
    if (v == 2) continue;
    while (v > 3) {
      Counted deep{"deep"};
      auto one = wait later(1);
      v -= one;
      if (v == 5) break;
      if (v == 8) return total + v;
    }
    total += v;
    if (total > 90) throw std::runtime_error("too much");
  }
  say(name);
  return total;
}
PROGRAM(sum("sum", n));

coroutine int while_conditions(int n) {
  int left = n;
  while (wait later(left > 0)) {
    Counted round("round " + show(left));
    --left;
    if (left == 3) continue;
    if (left == 1) break;
    wait later(left);
  }
  while (int x = wait later(left)) {
    --left;
    if (x == 5) continue;
    wait later("x");
    if (x == 7) break;
  }
  while (std::unique_ptr<Counted> p = left < n ? std::make_unique<Counted>("p") : nullptr) {
    ++left;
    if (left % 3 == 0) continue;
    wait later(p->name());
    if (left == 11) return left;
  }
  while (wait later(left++ < 2));
  return left;
}
PROGRAM(while_conditions(n));

coroutine int do_loops(int n) {
  int i = 0;
  do {
    Counted round("round");
    if (i % 3 == 1) continue;
    wait later(i);
    if (i == 7) break;
  } while (++i < n);
  do {
    if (i == 5) continue;
    say(show(i));
  } while (wait later(--i > 0));
  do {
    Counted inner("inner");
    std::string text = wait later("text");
    if (n == 4) continue;
    Counted late("late");
    if (n == 5) return 5;
    if (n == 6) break;
  } while (wait later(++i < 3));
  do wait later(i);
  while (i-- > 0);
  return i;
}
PROGRAM(do_loops(n));

coroutine int for_loops(int n) {
  for (;;) {
    wait later("once");
    break;
  }
  int i = 0;
  for (; i < n;) {
    wait later(++i);
    if (i == 4) break;
  }
  for (int j = 0, k = n; j < k; ++j, --k) wait later(j * k);
  for (Counted c("c"); wait later(i > 0); --i) {
    if (i == 2) continue;
    say(c.name());
  }
  for (int start = wait later(2); start < n; start += 2) {
    Counted round("round");
    if (start == 6) continue;
    wait later(start);
    if (start == 10) return start;
  }
  for (std::string text; text.size() < 3; text += 'x') {
    if (n == 1 && text.size() == 1) throw std::runtime_error("in for");
    wait later(text);
  }
  for (wait later("init"); i < 2; ++i) say("no wait in here");
  for (const int limit = n % 4; i < limit; ++i) wait later(i);
  return i;
}
PROGRAM(for_loops(n));

coroutine int nested(int n) {
  int count = 0;
  for (int i = 0; i < 3; ++i) {
    Counted outer("outer " + show(i));
    for (int j = 0; j < n % 5; ++j) {
      Counted middle("middle " + show(j));
      do {
        Counted inner("inner");
        ++count;
        if (count % 5 == 0) break;
        wait later(count);
        if (count % 7 == 0) continue;
        Counted last("last");
        wait later(last.name());
      } while (count % 3 != 0);
      if (j == 1) continue;
      if (j == 2) break;
      wait later(j);
    }
    if (i == n) return count;
    if (i == 1) continue;
    wait later(i);
  }
  return count;
}
PROGRAM(nested(n));

coroutine int plain_inside(int n) {
  int total = 0;
  for (int i = 0; i < n; ++i) {
    Counted round("round");
    wait later(i);
    switch (i % 6) {
      case 0:
        total += 1;
        break;
      case 1: {
        Counted inner("inner");
        continue;
      }
      case 2:
        for (int j = 0; j < 5; ++j) {
          if (j == 1) continue;
          if (j == 3) break;
          total += j;
        }
        break;
      case 3:
        if (n == 10) return total;
        [[fallthrough]];
      default:
        total += 100;
    }
    for (int j = 0; j < 3; ++j) {
      Counted plain("plain");
      if (j == 1) break;
    }
    int k = 0;
    while (true) {
      if (++k < 2) continue;
      break;
    }
    if (total > 1000) break;
    wait later(total);
  }
  return total;
}
PROGRAM(plain_inside(n));

coroutine int blocks(int n) {
  Counted a("a");
  {
    Counted b("b");
    wait later("b");
    {
      Counted c("c");
      if (n == 1) return 1;
      wait later("c");
    }
    {
      Counted c("another c");
      wait later("another c");
    }
  }
  for (int i = 0; i < n; ++i) {
    {
      Counted d("d");
      if (i == 1) continue;
      wait later("d");
      if (i == 3) break;
    }
    {
      int twice = 2 * i;
      wait later(twice);
      say(show(twice));
    }
    wait later(i);
  }
  {};
  return 0;
}
PROGRAM(blocks(n));

coroutine int endless(int n) {
  Counted guard("guard");
  int i = 0;
  while (true) {
    Counted round("round");
    wait later(i);
    if (++i > n) return i;
  }
}
PROGRAM(endless(n));

coroutine int all_ways_out(int n) {
  Counted guard("guard");
  while (true) {
    Counted round("round");
    if (wait later(n > 4)) {
      Counted then("then");
      if (n % 2 == 0) return 1;
      break;
    } else {
      Counted other("other");
      wait later("other");
      throw std::runtime_error("small");
    }
  }
  return 2;
}
PROGRAM(all_ways_out(n));

coroutine int ranges(int n) {
  std::vector<int> list = {1, 2, 3, n};
  int total = 0;
  for (int x : list) {
    if (x == 2) continue;
    total += wait later(x);
  }
  for (int& x : list) {
    wait later(x);
    x *= 2;
    if (x == 10) break;
  }
  const std::vector<std::string> words{"one", "two", "three"};
  for (const std::string& word : words) {
    Counted guard(word);
    if (n == 3 && word == "two") continue;
    wait later(word);
    if (n == 4 && word == "two") return 4;
  }
  for (const auto& word : words) wait later(word);
  for (auto word : words) {
    word += '!';
    wait later(word);
    say(word);
  }
  for (std::string word : words) {
    if (word == "two") continue;
    wait later(word);
    if (word == "one" && n == 5) break;
  }
  std::map<std::string, int> map = {{"a", 1}, {"b", n}};
  for (auto& entry : map) {
    entry.second += wait later(entry.second);
    say(entry.first + show(entry.second));
  }
  for (int round = 0; round < 2; ++round)
    for (int x : list) wait later(x + round);
  for (auto* p : std::array<int*, 1>{&total}) ++*p;
  return total + list[3];
}
PROGRAM(ranges(n));

// What ends at the end of a block: what is kept, and what is not, the youngest first.
coroutine int youngest_first(int n) {
  for (int i = 0; i < n; ++i) {
    Counted kept("kept");
    wait later(i);
    while (wait later(false)) say("never");
    Counted local("local");
    if (i == 3) break;
    Counted last("last");
  }
  std::vector<std::string> words = {"one", "two"};
  for (auto word : words) {
    if (n > 2) wait later(word);
    Counted local(word);
    word.clear();
  }
  if (Counted test("test"); wait later(n > 2)) {
    Counted kept("kept");
    wait later("then");
    Counted local("local");
  }
  do {
    Counted local("local");
    int count = n;
    say(show(count));
    if (count == 5) continue;
  } while (wait later(false));
  return n;
}
PROGRAM(youngest_first(n));

// In these, nothing is waited for but in the head.
coroutine int only_in_the_head(int n) {
  for (int i = wait later(2); i < n; ++i) {
    if (i == 4) continue;
    say(show(i));
  }
  if (int x = wait later(n); x > 3) say(show(x));
  if (auto x = wait later(n)) {
    say(show(x));
  } else {
    say("no" + show(x));
  }
  int left = n;
  while (int x = wait later(left--)) {
    if (x == 5) continue;
    say(show(x));
    if (x == 2) break;
  }
  for (int i = wait later(1), k = 3; i < k; ++i) say(show(i));
  for (std::vector<int> list = wait later(std::vector<int>{n, 2}); int& x : list) {
    if (++x == 4) continue;
    say(show(x));
  }
  for (wait later(left); const auto& [number, text] : std::map<int, std::string>{{n, "text"}})
    say(show(number) + text);
  if (wait later(); left > 2) return left;
  return 0;
}
PROGRAM(only_in_the_head(n));

// ---- What is kept

enum class Colour { red, green };
struct Point {
  int x = 0;
  int y = 0;
  std::vector<int> more = {};
};
int value_of(const Point& point) { return point.x * 100 + point.y; }

coroutine int kinds(int n) {
  bool flag = n % 2 == 0;
  unsigned long size{5};
  double half(0.5);
  char letter = 'a';
  int zero{};
  Colour colour = flag ? Colour::red : Colour::green;
  Point point{n, 2};
  Point named = {.x = 1, .y = n};
  auto third = Point{.x = n};
  std::string text(3, 'x');
  std::string empty;
  std::vector<int> list{3, n};
  std::vector<int> three(3, n);
  std::vector<std::string> words = {"a", text};
  std::array<int, 2> pair = {n, 1};
  const std::string fixed = text + "y";
  auto sum = n + 1;
  auto view = &text;
  const char* literal = "literal";
  char const* other_way = "other way";
  int* pointer = &point.x;
  const int* reader = &point.y;
  auto* again = pointer;
  const auto* constant = reader;
  int* const stays = &pair[0];
  std::unique_ptr<int> owner = std::make_unique<int>(n);
  std::unique_ptr<int[]> numbers(new int[2]{n, 4});
  std::function<int(int)> twice = [](int x) { return 2 * x; };
  std::optional<int> maybe = n;
  std::optional<std::string> none;
  long a = 1, *b = &a, c(3), d{4};
  wait later("kept");
  flag = !flag;
  size += 2;
  ++letter;
  *pointer += 10;
  *view += "z";
  *again += 1;
  *b = 2;
  *stays += 1;
  wait later(text);
  text += letter;
  text += *literal;
  text += *other_way;
  text += fixed + words[1] + empty;
  if (colour == Colour::red) text += "red";
  say(text);
  say(show(value_of(point) + value_of(named) + value_of(third)));
  say(show(static_cast<int>(size) + zero + sum + *reader + *constant + pair[0]));
  say(show(list) + show(three) + show(owner) + show(maybe) + show(none));
  say(show(numbers[1] / list[0] + twice(n)));
  say(show(static_cast<int>(half * 2) + static_cast<int>(a + c + d)));
  return (flag ? 1 : 0) - static_cast<int>(words.size());
}
PROGRAM(kinds(n));

coroutine std::string operators(int n) {
  std::vector<int> list = {n, 2};
  auto x = n;
  auto y = 3;
  auto p = std::make_unique<Point>();
  auto one = Point{.x = 4};
  auto member = &Point::y;
  wait later();
  x++;
  ++x;
  y = x / y + -x * y - (x & y) + !x;
  y += x ? y : -y;
  p->x = x--;
  one.more.push_back(x);
  one.y = one.x - x;
  one.*member += p.get()->*member + (*p).*member + (&one)->*member;
  list[0]++;
  list.push_back(static_cast<int>(sizeof x));
  wait later(y);
  std::string text = show(x) + show(y) + show(p->x) + show(list);
  text += show(value_of(one));
  bool both = x > 0 && y < x;
  wait later(both);
  return text + show(both);
}
PROGRAM(operators(n));

coroutine Token moves(int n) {
  Token first(n);
  Token second = wait later(Token(n + 100));
  auto third = wait later(Token(n + 200));
  std::unique_ptr<Token> owner = std::make_unique<Token>(n + 300);
  wait later();
  second = std::move(first);
  third = wait later(std::move(*owner));
  if (n == 1) return second;
  if (n == 2) return std::move(third);
  if (n == 3) return wait later(Token(5));
  return Token(third.value() + 1);
}
PROGRAM(moves(n));

coroutine std::unique_ptr<int> moved_result(int n) {
  std::unique_ptr<int> result = std::make_unique<int>(n);
  wait later(*result);
  return result;
}
PROGRAM(moved_result(n));

coroutine std::unique_ptr<int> moved_at_once(std::unique_ptr<int> parameter, int n) {
  if (wait later(n > 3)) return parameter;
  std::unique_ptr<int> local = wait later(std::make_unique<int>(n));
  if (n == 2) return nullptr;
  return local;
}
PROGRAM(moved_at_once(std::make_unique<int>(42), n));

std::unique_ptr<int[]> two_numbers(int n) { return std::unique_ptr<int[]>(new int[2]{n, n + 1}); }
coroutine std::optional<int> array_owner(std::unique_ptr<int[]> numbers) {
  wait later(numbers[0]);
  std::unique_ptr<int[]> mine = std::move(numbers);
  wait later();
  if (mine[0] == 3) return std::nullopt;
  return mine[1];
}
PROGRAM(array_owner(two_numbers(n)));

coroutine std::string static_result(int n) {
  wait later(n);
  static std::string same = "always the same";
  return same;
}
PROGRAM(static_result(n));

coroutine std::vector<int> braces(int n) {
  std::vector<int> one{wait later(n)};
  const std::vector<int> two_of{wait later(n)};
  wait later(one);
  std::vector<int> three(3);
  if (wait later(n == 2)) return {1, 2};
  std::vector<int> two = {n, twice_of(n)};
  wait later(two);
  std::vector<int> made = wait later(std::vector<int>{7, n});
  for (int x : two) made.push_back(x + static_cast<int>(three.size()));
  return made;
}
PROGRAM(braces(n));

coroutine int references(int n) {
  Point point{n, 1, {1, 2, 3}};
  std::vector<Point> list(2);
  std::unique_ptr<Point> owner = std::make_unique<Point>();
  int& x = point.x;
  const int& y = point.y;
  auto& more = point.more;
  const auto& constant = list[1].y;
  auto& behind = owner->x;
  Point& same = point;
  Point& second = list[1];
  wait later(x);
  x += 5;
  more.push_back(n);
  second.y = 3;
  wait later(show(point.x + y + constant));
  behind = x;
  same.y = static_cast<int>(more.size());
  int& again = x;
  wait later(again);
  again *= 2;
  return value_of(same) + *&behind + constant;
}
PROGRAM(references(n));

coroutine std::string parameters(std::string text, const std::string& reference, int* pointer,
                                 const int fixed, int, Point point = {1, 2}, std::string = "none") {
  wait later(text);
  text += reference;
  *pointer += fixed;
  wait later(*pointer);
  return text + show(value_of(point));
}
const std::string outside = "outside";
int shared = 0;
PROGRAM(parameters("text", outside, &(shared = n), n, 1));
PROGRAM(parameters("text", outside, &(shared = n), n, 1, Point{3, 4}));

coroutine int siblings(int n) {
  if (n > 3) {
    std::string x = "text";
    wait later(x);
    say(x);
  } else {
    int x = 3;
    wait later(x);
    say(show(x));
  }
  for (int x = 0; x < 2; ++x) wait later(x);
  for (Token x(n); x.value() > 5; x = Token(0)) {
    wait later("token");
  }
  {
    Counted x("x");
    wait later();
  }
  int x = wait later(1);
  return x;
}
PROGRAM(siblings(n));

coroutine int own_types(int n) {
  int total = n;
  wait later(total);
  struct Pair {
    int total;
    int other = 1;
    [[nodiscard]] int sum() const { return total + other; }
  };
  using Numbers = std::vector<int>;
  Pair pair{.total = 5};
  Numbers numbers{total};
  total += pair.total + pair.sum() + static_cast<int>(numbers.size());
  return total;
}
PROGRAM(own_types(n));

// The class has such names for itself.
coroutine int names(int state, int resume) {
  int finish = 1;
  std::string resolve = "resolve";
  bool ready = wait later(true);
  if (wait later(ready)) ++finish;
  auto test = wait later(finish);
  int start = test;
  std::vector<int> each_1 = {1, 2};
  int end_1 = 0;
  int value = 0;
  int result = 0;
  for (int next_1 : each_1) {
    std::string make = "make";
    if (next_1 == state) continue;
    end_1 += wait later(next_1);
  }
  std::string made{"made"};
  wait later(made + resolve);
  return state + resume + end_1 + start + value + result;
}
PROGRAM(names(n, 2));

coroutine int bindings(int n) {
  std::pair<int, std::string> pair(n, "second");
  wait later(pair.second);
  auto [number, text] = pair;
  auto& [first, second] = pair;
  first += number;
  second += text;
  say(pair.second);
  return number;
}
PROGRAM(bindings(n));

coroutine int attributes(int n) {
  [[maybe_unused]] int nobody = n;
  [[maybe_unused]] const std::string nothing = "nothing";
  if (n > 3) [[likely]] {
    wait later(n);
  } else [[unlikely]]
    wait later("small");
  [[maybe_unused]] auto last = wait later(2);
  return n;
}
PROGRAM(attributes(n));

coroutine int many_declared(int n) {
  int a = wait later(n), b = 2, c = wait later(a + b);
  std::string text = "a", more = wait later(text);
  int *p = &a, *q = wait later(&b);
  wait later(more);
  *p += *q;
  const auto x = wait later(a), y = c;
  wait later(x);
  return x + y + static_cast<int>(text.size());
}
PROGRAM(many_declared(n));

coroutine int results_in_place(int n) {
  {
    auto [number, text] = wait later(std::pair<int, std::string>(n, "text"));
    say(text + show(number));
  }
  {
    const auto& reference = wait later("reference");
    say(reference);
  }
  {
    auto&& other = wait later(std::make_unique<int>(n));
    *other += 1;
    say(show(other));
  }
  if (const auto& text = wait later("long"); text.size() > 2) say(text);
  std::vector<std::vector<int>> deep = wait later(std::vector<std::vector<int>>{{1}, {n}});
  std::pair<int, std::string> pair{n, "x"};
  std::array<std::pair<int, int>, 2> pairs = {{{1, 2}, {n, 4}}};
  unsigned char small = 'a';
  long long large = 1LL << 40;
  const char* const* names = nullptr;
  const std::vector<std::string>* nowhere = nullptr;
  wait later(deep[0]);
  say(R"(raw "string"
   of two lines)" +
      pair.second);
  return pairs[1].first + small + (large > 5 && !names && !nowhere ? 1 : 2);
}
PROGRAM(results_in_place(n));

coroutine std::string caught(int n) {
  std::string text = "text";
  for (int i = 0; i < n; ++i) {
    Counted round("round");
    wait later(i);
    try {
      Counted inner("inner");
      if (i == 1) continue;
      if (i == 2) throw std::runtime_error(text + "2");
      if (i == 5) break;
      if (i == 6 || n == 4) return text;
    } catch (const std::runtime_error& error) {
      text += error.what();
      if (n == 7) throw;
      if (n == 8) continue;
    } catch (...) {
      throw;
    }
    wait later(text);
  }
  switch (int half = n / 2; half) {
    case 1:
    case 2: {
      std::string text_in_here = text;
      return text_in_here;
    }
    default:
      text += "default";
  }
  Colour colour = n > 3 ? Colour::red : Colour::green;
  wait later(text);
  switch (colour) {
    case Colour::red:
      return n > 10 ? text : "red";
    case Colour::green:
      break;
  }
  return text = "green", text + "!";
}
PROGRAM(caught(n));

inline namespace deeper {
static inline coroutine int overloaded(int n) { return wait later(n); }
coroutine int overloaded(std::string text) {
  int n = wait later(3);
  wait later(text);
  return n;
}
}  // namespace deeper
PROGRAM(overloaded(n));
PROGRAM(overloaded("text"));

// ---- Lambdas

coroutine int lambdas(int n) {
  int total = 0;
  std::string text = "text";
  std::vector<int> list = {3, 1, 2};
  wait later(text);
  int result = 0;
  {
    auto add = [&](int x) {
      for (int i = 0; i < 3; ++i) {
        if (i == 1) continue;
        if (x == 100) return;
        total += x;
      }
    };
    add(n);
    add(100);
    auto copy = [text] { return text + "!"; };
    text += "more";
    auto by_reference = [&text, total](const std::string& suffix) mutable {
      text += suffix + show(++total);
      return text.size();
    };
    auto renamed = [text = text + "?", owner = std::make_unique<int>(n), &list] {
      list.push_back(*owner);
      return text;
    };
    say(copy() + show(static_cast<int>(by_reference("x"))) + renamed());
    auto shadows = [](int total, std::string text) {
      int list = total;
      return text + show(list);
    };
    say(shadows(1, "a"));
    result = [&] {
      while (true) {
        if (total > 5) break;
        ++total;
      }
      return [&total] { return total; }();
    }();
  }
  std::function<int(int)> kept = [total](int x) { return total + x; };
  std::function<void()> change = [&] { ++total; };
  wait later(result);
  change();
  say(show(kept(1)) + show(total));
  for (int x : list) say(show(x));
  return result;
}
PROGRAM(lambdas(n));

// ---- Futures with a name, and coroutines that wait for each other

coroutine std::string child(std::string name, int n) {
  Token guard(n);  // not Counted: what is waited for is moved
  for (int i = 0; i < n; ++i) wait later(i);
  if (n == 5) throw std::runtime_error(name);
  return name + show(n);
}

coroutine std::string parent(int n) {
  Counted guard("parent");
  std::string text = wait child("first", n % 3);
  text += wait child("second", n % 7);
  auto task = child("third", 1);
  wait later(n);
  return text + (twice_of(n) > 2 ? "" : "-");
}
PROGRAM(parent(n));

coroutine int named_future(int n) {
  auto task = child("task", n);
  auto never = child("never", n);
  Counted guard("guard");
  say("not yet");
  auto leaf = later(n);
  int x = wait leaf;
  std::string text = wait task;
  say(text);
  return x;
}
PROGRAM(named_future(n));

coroutine Unit grandchild(int n, std::string& buffer) {
  for (int i = 0; i < n; ++i) {
    buffer += show(i);
    wait later(buffer);
  }
}
coroutine int with_buffer(int n) {
  std::string buffer;
  std::string& writer = buffer;
  wait grandchild(n, buffer);
  writer += "|";
  wait grandchild(2, writer);
  say(buffer);
  return static_cast<int>(writer.size());
}
PROGRAM(with_buffer(n));

coroutine std::string joined(int n) {
  std::vector<Box<std::string>> futures;
  for (int i = 0; i < n % 6; ++i) futures.push_back(box(child("task " + show(i), i)));
  Counted guard("guard");
  std::vector<std::string> results = wait join_all(std::move(futures));
  return show(results);
}
PROGRAM(joined(n));

// ---- As in the book, chapters 7 to 9

coroutine Unit counter_and_buffer(int n) {
  int counter = 0;
  std::string buffer = "\nBUFFER:\n----\n";
  auto text = wait later("HelloAsyncAwait-" + show(n));
  buffer += text;
  counter += 1;
  std::string& writer = buffer;
  text = wait later("second");
  writer += text + "\n";
  counter += 1;
  buffer += "----\n";
  say(buffer + show(counter));
}
PROGRAM(counter_and_buffer(n));

coroutine std::string fetch_with_retries(int n) {
  constexpr int most = 3;
  for (int attempt = 1; attempt <= most; ++attempt) {
    Counted connection("connection " + show(attempt));
    if (!ready_at(attempt, n)) {
      wait later("pause");
      continue;
    }
    const auto answer = wait later("answer " + show(attempt));
    if (answer.ends_with('2') && n == 2) throw std::runtime_error("lost");
    return answer;
  }
  return "gave up";
}
PROGRAM(fetch_with_retries(n));

// What is const can be moved with the rest; what is constexpr stays one; arguments of templates are
// found out.
coroutine int keeps_constants(int n) {
  const auto owner = std::make_unique<int>(n);
  constexpr std::size_t two = 2;
  std::vector numbers{n, 4};
  std::pair both(n, true);
  wait later(n);
  std::array<int, two> more{1, 2};
  return *owner + numbers[0] + both.first + more[1];
}
PROGRAM(keeps_constants(n));

coroutine int waits_for_constants(int n) { return wait keeps_constants(n); }
PROGRAM(waits_for_constants(n));

coroutine int waits_for_what_is_global(int n) {
  int sum = wait ::keeps_constants(n);
  wait ::no_result(n);
  while (wait ::nothing_to_wait_for(sum)) {
    if (wait ::waits_for_constants(n)) break;
  }
  sum += wait ::nothing_to_wait_for(n);
  return wait ::nothing_to_wait_for(sum);
}
PROGRAM(waits_for_what_is_global(n));

// What a condition declares by a wait ends with its statement, and leaves the name to the next.
coroutine int declares_by_wait_in_conditions(int n) {
  int sum = 0;
  if (int x = wait later(n)) {
    sum += x;
  } else {
    sum -= wait later(x + 1);
  }
  int x = 10;
  while (int y = wait later(n - sum % 3)) {
    sum += x + y;
    if (sum > 20) break;
  }
  std::string y = "later";
  if (auto z = wait later(y); z.size() == 5) sum += wait later(static_cast<int>(z.size()));
  return sum + x + static_cast<int>(y.size());
}
PROGRAM(declares_by_wait_in_conditions(n));

}  // namespace
