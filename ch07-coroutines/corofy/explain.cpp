#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "corofy.hpp"
#include "names.hpp"
#include "parser.hpp"
#include "reader.hpp"
#include "simplify.hpp"
#include "token.hpp"

namespace {

using Kind = Statement::Kind;
using States = std::set<std::size_t>;  // numbers of waits
using Edges = std::set<std::pair<std::size_t, std::size_t>>;

// One way to leave a statement: behind which waits, and also without any?
struct Way {
  States last;
  bool passes = false;
};

// What is known of a statement: with which waits it may begin, and how it may be left.
struct Flow {
  States first;
  Way end, left, again, returned;  // to its end, by break, continue, return
};

void add(Way& way, const Way& other, const Way& before) {
  way.last.insert(other.last.begin(), other.last.end());
  if (other.passes) way.last.insert(before.last.begin(), before.last.end());
  way.passes = way.passes || (other.passes && before.passes);
}

// The states and edges of one coroutine: each part once, and what follows what from the parts.
class Graph {
 public:
  explicit Graph(const Reader& reader) : reader_(reader) {}

  Flow of(const Statement& statement) {
    switch (statement.kind) {
      case Kind::block: {
        Flow all = nothing();
        for (const Statement& part : statement.parts) all = then(all, of(part));
        return all;
      }
      case Kind::branch: {
        Flow taken = of(statement.parts[0]);
        Flow other = statement.parts.size() == 2 ? of(statement.parts[1]) : nothing();
        return then(waiting(statement), either(taken, other));
      }
      case Kind::loop:
      case Kind::each:
        return loop(statement);
      case Kind::other:
        return switch_or_try(statement);
      case Kind::break_statement:
        return leaving(&Flow::left);
      case Kind::continue_statement:
        return leaving(&Flow::again);
      case Kind::return_statement:
        return then(waiting(statement), leaving(&Flow::returned));
      case Kind::expression:
        if (!completes(statement, reader_)) return {};  // a throw: every state can come to that
        return waiting(statement);
      default:
        return waiting(statement);
    }
  }

  [[nodiscard]] const Edges& edges() const { return edges_; }

 private:
  static Flow nothing() {
    Flow flow;
    flow.end.passes = true;
    return flow;
  }
  static Flow leaving(Way Flow::* way) {
    Flow flow;
    (flow.*way).passes = true;
    return flow;
  }
  static Flow waiting(const Statement& statement) {
    if (!statement.wait) return nothing();
    Flow flow;
    flow.first = flow.end.last = {*statement.wait};
    return flow;
  }

  void connect(const States& from, const States& to) {
    for (std::size_t one : from)
      for (std::size_t other : to) edges_.emplace(one, other);
  }
  Flow then(const Flow& before, const Flow& after) {
    connect(before.end.last, after.first);
    Flow both = before;
    if (before.end.passes) both.first.insert(after.first.begin(), after.first.end());
    both.end = {};
    add(both.end, after.end, before.end);
    add(both.left, after.left, before.end);
    add(both.again, after.again, before.end);
    add(both.returned, after.returned, before.end);
    return both;
  }
  static Flow either(Flow one, const Flow& other) {
    one.first.insert(other.first.begin(), other.first.end());
    for (Way Flow::* way : {&Flow::end, &Flow::left, &Flow::again, &Flow::returned}) {
      (one.*way).last.insert((other.*way).last.begin(), (other.*way).last.end());
      (one.*way).passes = (one.*way).passes || (other.*way).passes;
    }
    return one;
  }

  // The end of a round, also by continue, is the beginning of the next one. It ends where the
  // condition is false, and by break.
  Flow loop(const Statement& statement) {
    Flow body = of(statement.parts.front());
    Flow round = body;
    round.end = either(to_end(body.end), to_end(body.again)).end;
    round.again = {};
    if (statement.tests_last) round = then(round, waiting(statement));
    connect(round.end.last, round.first);
    Flow all = round;
    bool endless = statement.kind == Kind::loop && is_true(statement.expression.range);
    if (endless) all.end = {};
    if (!endless && !statement.tests_last) all.end.passes = true;  // no round at all
    all.end = either(to_end(all.end), to_end(round.left)).end;
    all.left = {};
    return all;
  }
  static Flow to_end(const Way& way) {
    Flow flow;
    flow.end = way;
    return flow;
  }
  [[nodiscard]] bool is_true(Range range) const {
    return range.empty() || (range.first + 1 == range.last && reader_.is(range.first, "true"));
  }
  // Nothing in it waits; all ways out of its parts are possible.
  Flow switch_or_try(const Statement& statement) {
    Flow all = nothing();
    for (const Statement& part : statement.parts) all = either(all, of(part));
    if (statement.is_switch) all.left = {};
    return all;
  }

  const Reader& reader_;
  Edges edges_;
};

struct State {
  std::string name;
  std::string line;
  std::string waits_for;
  std::vector<std::string> next;
};

std::string operand(const Reader& reader, Range range) {
  std::string text;
  for (std::size_t i = range.first; i < range.last; ++i) {
    if (i > range.first && reader.token(i).offset > reader.token(i - 1).end_offset()) text += ' ';
    text += reader.token(i).text;
  }
  return text;
}

std::vector<State> states(const Coroutine& coroutine, const Reader& reader) {
  Graph graph(reader);
  Flow flow = graph.of(coroutine.body);
  auto name = [](std::size_t wait) { return "wait_" + std::to_string(wait + 1); };
  std::vector<State> list{{"start", "", "", {}}};
  for (std::size_t i = 0; i < coroutine.waits.size(); ++i)
    list.push_back({name(i),
                    std::to_string(reader.token(coroutine.waits[i].at).at.line),
                    operand(reader, coroutine.waits[i].operand.range),
                    {}});
  for (std::size_t one : flow.first) list[0].next.push_back(name(one));
  for (auto [from, to] : graph.edges()) list[from + 1].next.push_back(name(to));
  if (flow.end.passes || flow.returned.passes) list[0].next.emplace_back("resolved");
  for (std::size_t i = 0; i < coroutine.waits.size(); ++i)
    if (flow.end.last.contains(i) || flow.returned.last.contains(i))
      list[i + 1].next.emplace_back("resolved");
  return list;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

std::string table(const std::vector<State>& list) {
  std::size_t operands = 9;
  for (const State& one : list)
    operands = std::max(operands, std::min<std::size_t>(50, one.waits_for.size()));
  std::string text = "  " + padded("state", 8) + padded("line", 4) + padded("waits for", operands) +
                     "may stop next in\n";
  for (const State& one : list)
    text += "  " + padded(one.name, 8) + padded(one.line, 4) + padded(one.waits_for, operands) +
            joined(one.next) + "\n";
  return text + "  resolved\n";
}

std::string graph(const std::vector<State>& list) {
  std::string text = "stateDiagram-v2\n  [*] --> start\n";
  for (const State& one : list) {
    if (!one.waits_for.empty()) {
      std::string label;
      for (char c : one.waits_for)
        label += c == ':' ? std::string("#58;") : c == ';' ? "#59;" : std::string(1, c);
      text += "  " + one.name + " : " + one.name + " (line " + one.line + "), " + label + "\n";
    }
    for (const std::string& next : one.next) text += "  " + one.name + " --> " + next + "\n";
  }
  return text + "  resolved --> [*]\n";
}

}  // namespace

std::string explain(std::string_view source, Explanation form, const Options& options) {
  (void)corofy(source, "", options);  // what is refused there is refused here
  std::vector<Token> tokens = tokenize(source);
  Reader reader(tokens);
  std::string text;
  for (Coroutine& one : parse(reader)) {
    if (one.only_declared) continue;
    simplify(one.body);
    std::vector<State> list = states(one, reader);
    text += text.empty() ? "" : "\n";
    text += form == Explanation::table ? one.name + "()\n" + table(list)
                                       : "%% " + one.name + "()\n" + graph(list);
  }
  return text;
}
