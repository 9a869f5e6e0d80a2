#include "course/thread_timeline.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <istream>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "course/timeline.hpp"
#include "narrate/printable.hpp"

namespace course {
namespace {

using nlohmann::json;

constexpr int most_lines = 100'000;  // of a trace: what is read within some seconds

// What a cell can hold, beside the marks of tasks. `root` is shown as r, which is also task-27's.
constexpr char idle = ' ', asleep = '.', polling = '=', running = '-', several = '*', another = '+',
               woke = '!', root = '0';
constexpr std::string_view task_marks =
    "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

char mark_of(const std::string& task) {
  if (task == "root") return root;
  for (std::size_t i = 0; i < task_marks.size(); ++i)
    if (task == "task-" + std::to_string(i + 1)) return task_marks[i];
  return another;
}

// All times in milliseconds, on the trace's clock.
struct Thread {
  struct Mark {
    double at;
    char mark;
  };
  struct Span {
    double from, to;
    char state;  // asleep, polling or running
  };
  std::string name;
  bool first = false;  // main()'s
  double begin = -1, end = -1;
  std::vector<Mark> polls;
  std::vector<double> wakes;
  std::vector<Span> spans;
  char state = idle;  // since `since`
  double since = 0;

  void turn(char next, double at) {
    if (state != idle) spans.push_back({since, at, state});
    state = next;
    since = at;
  }
  // Those that the picture has no marks for are left out.
  [[nodiscard]] bool shown() const {
    return !polls.empty() || !wakes.empty() ||
           std::ranges::any_of(spans, [](const Span& span) { return span.state == asleep; });
  }
  // main, executor-2, executor-10, reactor: threads start in another order in each run.
  [[nodiscard]] auto order() const {
    std::size_t number = name.find_last_not_of("0123456789") + 1;
    return std::tuple(!first, name.substr(0, number), name.size(), name);
  }
};

struct Trace {
  std::map<std::int64_t, Thread> threads;
  double begin = -1, end = -1;
  bool parked = false;
};

std::string text(const json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void add(Trace& trace, const json& event) {
  auto id = event.find("tid"), time = event.find("ts"), arguments = event.find("args");
  if (id == event.end() || !id->is_number_integer()) return;
  Thread& thread = trace.threads[id->get<std::int64_t>()];
  std::string phase = text(event, "ph"), verb = text(event, "name");
  if (verb == "thread_name" && arguments != event.end()) thread.name = text(*arguments, "name");
  if (auto process = event.find("pid"); process != event.end()) thread.first = *process == *id;
  if (time == event.end() || !time->is_number()) return;
  double at = time->get<double>() / 1000;
  if (!(at >= trace.end && at < 1e8)) return;  // times only grow, and a day is enough

  trace.end = thread.end = at;
  if (trace.begin < 0) trace.begin = at;
  if (thread.begin < 0) {
    thread.begin = at;
    thread.turn(running, at);
  }
  bool sleep = verb == "park" || verb == "wait";
  if (verb == "poll" && phase == "n") {
    thread.polls.push_back({at, mark_of(text(event, "id"))});
    thread.turn(polling, at);
  } else if (verb == "wake" && phase == "n") {
    thread.wakes.push_back(at);
  } else if (sleep && phase == "B") {
    trace.parked |= verb == "park";
    thread.turn(asleep, at);
  } else if (sleep && phase == "E") {
    thread.turn(running, at);
  }
}

std::vector<Thread> threads_of(Trace& trace) {
  std::vector<Thread> threads;
  for (auto& [id, thread] : trace.threads) {
    // A stage that was killed leaves those who slept asleep.
    if (thread.state == asleep) thread.end = trace.end;
    thread.turn(idle, thread.end);
    if (thread.name.empty()) thread.name = "thread " + std::to_string(id);
    if (thread.shown()) threads.push_back(std::move(thread));
  }
  std::sort(threads.begin(), threads.end(),
            [](const Thread& a, const Thread& b) { return a.order() < b.order(); });
  return threads;
}

// The cells of a thread's row.
std::string cells(const Thread& thread, const Trace& trace, std::size_t width) {
  auto place = [&](double at) {
    double part = (at - trace.begin) / std::max(trace.end - trace.begin, 1e-9);
    return part * static_cast<double>(width);
  };
  std::string row(width, idle);
  for (const Thread::Span& span : thread.spans) {
    auto from = static_cast<std::size_t>(std::lround(place(span.from)));
    auto to = static_cast<std::size_t>(std::lround(place(span.to)));
    // Only what takes long is worth looking at.
    if (span.state != asleep && to < from + 3) continue;
    row.replace(from, to - from, to - from, span.state);
  }
  auto cell = [&](double at) -> char& {
    return row[std::min(static_cast<std::size_t>(place(at)), width - 1)];
  };
  for (double at : thread.wakes) cell(at) = woke;
  // A poll counts for more than what else happened there.
  for (const Thread::Mark& poll : thread.polls) cell(poll.at) = idle;
  for (const Thread::Mark& poll : thread.polls) {
    char& mark = cell(poll.at);
    mark = mark == idle || mark == poll.mark ? poll.mark : several;
  }
  return row;
}

std::string shown(char mark, const Style& style) {
  if (mark == asleep && style.utf8) return "·";
  if ((mark == polling || mark == running) && style.utf8) return "━";
  return std::string(1, mark == root ? 'r' : mark);
}

std::string painted(std::string_view row, const Style& style) {
  auto colour = [](char mark) {
    return mark == idle ? "" : mark == asleep ? "2" : mark == woke ? "33" : "36";
  };
  std::string line, run;
  for (std::size_t i = 0; i < row.size(); ++i) {
    run += shown(row[i], style);
    const char* code = colour(row[i]);
    if (i + 1 < row.size() && colour(row[i + 1]) == std::string_view(code)) continue;
    line += *code ? style.paint(code, run) : run;
    run.clear();
  }
  return line;
}

// Only of the marks that occur; a digit and a letter explain all others.
std::string legend(const std::set<char>& marks, const Style& style) {
  std::string line;
  auto explain = [&](char mark, const std::string& meaning) {
    if (marks.contains(mark))
      line += (line.empty() ? "" : ", ") + shown(mark, style) + " " + meaning;
  };
  explain(asleep, "asleep");
  explain(root, "polls root");
  for (std::string_view kind : {task_marks.substr(0, 9), task_marks.substr(9)})
    if (std::size_t i = kind.find_first_of(std::string(marks.begin(), marks.end())); i != kind.npos)
      explain(kind[i], "polls task-" + std::to_string(task_marks.find(kind[i]) + 1));
  explain(another, "polls another task");
  explain(several, "polls several");
  explain(polling, "the poll goes on");
  explain(running, "does not sleep");
  explain(woke, "calls a waker");
  return line;
}

std::string count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

// What stands beside a thread's name.
std::string count(const Thread& thread) {
  if (!thread.polls.empty()) return count(thread.polls.size(), "poll");
  return thread.wakes.empty() ? "" : count(thread.wakes.size(), "wake");
}

}  // namespace

std::string thread_timeline(std::istream& file, const Style& style, std::size_t before) {
  Trace trace;
  int lines = 0;
  for (std::string line; std::getline(file, line);) {
    if (++lines > most_lines) return "";
    if (line.ends_with(',')) line.pop_back();
    // What is no event is the array's bracket, or a line that a crash has cut.
    if (json event = json::parse(line, nullptr, false); event.is_object()) add(trace, event);
  }
  std::vector<Thread> threads = threads_of(trace);
  std::size_t polls = 0, wakes = 0;
  double sleep = 0, life = 0;
  for (Thread& thread : threads) {
    thread.name = narrate::printable(thread.name, 15, "", style.utf8);
    before = std::max(before, 2 + columns(thread.name) + 2 + count(thread).size());
    polls += thread.polls.size();
    wakes += thread.wakes.size();
    life += thread.end - thread.begin;
    for (const Thread::Span& span : thread.spans)
      if (span.state == asleep) sleep += span.to - span.from;
  }
  if (threads.size() < 2 || !trace.parked) return "";

  std::size_t width = std::min<std::size_t>(style.width, 80);
  std::size_t room = width - std::min(width - 1, before + 2);
  std::string text = "What the threads did:\n";
  std::set<char> marks;
  std::size_t rows = threads.size() <= most_rows ? threads.size() : most_rows - 1;
  for (std::size_t i = 0; i < rows; ++i) {
    std::string row = cells(threads[i], trace, room), number = count(threads[i]);
    marks.insert(row.begin(), row.end());
    text += pad("  " + threads[i].name, before - number.size()) + number + " " +
            style.paint("2", style.utf8 ? "│" : "|") +
            painted(row.substr(0, row.find_last_not_of(idle) + 1), style) + "\n";
  }
  if (rows < threads.size())
    text += "  ... and " + std::to_string(threads.size() - rows) + " more\n";
  Milliseconds total(trace.end - trace.begin);
  text += std::string(before + 2, ' ') + style.paint("2", axis(total, room)) + "\n";
  text += narrate::wrapped(legend(marks, style), width, 2) + "\n";
  int share = static_cast<int>(100 * sleep / std::max(life, 1e-9));
  text += count(threads.size(), "thread") + ", ";
  if (polls + wakes > 0) text += count(polls, "poll") + ", " + count(wakes, "wake") + ", ";
  return text + "asleep " + std::to_string(share) + " % of the time\n";
}

}  // namespace course
