#include "course/timeline.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "narrate/printable.hpp"

namespace course {
namespace {

std::string message_of(const delay::Exchange& one, const Style& style) {
  return narrate::printable(one.message, 20, "", style.utf8);
}

std::string repeat(std::string_view piece, std::size_t count) {
  std::string text;
  while (count-- > 0) text += piece;
  return text;
}

// "4.0 s" or "450 ms": all times of a picture in the unit that suits the whole of it.
bool in_seconds(Milliseconds total) { return total.count() >= 999.5; }

std::string duration(Milliseconds time, Milliseconds total) {
  char text[32];
  if (in_seconds(total))
    std::snprintf(text, sizeof text, "%.1f s", time.count() / 1000);
  else
    std::snprintf(text, sizeof text, "%.0f ms", time.count());
  return text;
}

// The least of 1, 2, 5, 10, 20, … milliseconds that gives the labels of an axis room.
double tick(Milliseconds total, std::size_t width) {
  double most = std::max(1.0, static_cast<double>(width) / 9);
  for (double power = 1;; power *= 10)
    for (double step : {1 * power, 2 * power, 5 * power})
      if (total.count() / step <= most) return step;
}

}  // namespace

std::string axis(Milliseconds total, std::size_t width) {
  double step = tick(total, width);
  bool seconds = in_seconds(total);
  std::string line;
  for (double at = 0; at <= total.count() * 1.0001; at += step) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", seconds && step < 1000 ? 1 : 0,
                  seconds ? at / 1000 : at);
    auto place = static_cast<std::size_t>(
        std::lround(static_cast<double>(width) * at / std::max(total.count(), 1.0)));
    std::string label = text;
    if (at + step > total.count() * 1.0001) label += seconds ? " s" : " ms";
    line = pad(line, std::min(place, width - std::min(width, label.size()))) + label;
  }
  return line;
}

std::size_t columns_before_bars(const std::vector<delay::Exchange>& seen, const Style& style) {
  std::size_t label_width = 0;
  for (const delay::Exchange& one : seen)
    label_width = std::max(label_width, columns(message_of(one, style)));
  // Two blanks in front and two between, and eight columns for the time.
  return 2 + label_width + 2 + 8;
}

std::string timeline(const std::vector<delay::Exchange>& seen, std::uint64_t peak,
                     delay::Clock::time_point now, const Style& style) {
  if (seen.empty()) return "The server saw no request.\n";
  auto over = [](const delay::Exchange& one) { return one.answered >= one.received; };
  auto end_of = [&](const delay::Exchange& one) { return over(one) ? one.answered : now; };
  auto answered = [&](const delay::Exchange& one) { return over(one) && !one.lost; };

  delay::Clock::time_point begin = seen.front().received, end = begin;
  for (const delay::Exchange& one : seen) {
    begin = std::min(begin, one.received);
    end = std::max(end, end_of(one));
  }
  Milliseconds total = end - begin;
  std::size_t before = columns_before_bars(seen, style);
  std::size_t bars = std::min<std::size_t>(style.width, 80);
  bars -= std::min(bars - 1, before + 2);  // a blank, and the line that the bars stand on
  auto cell = [&](delay::Clock::time_point at) {
    Milliseconds since = at - begin;
    double part = since.count() / std::max(total.count(), 1e-9);
    return static_cast<std::size_t>(std::lround(part * static_cast<double>(bars)));
  };

  std::string text = "What the server saw:\n";
  std::size_t rows = seen.size() <= most_rows ? seen.size() : most_rows - 1;
  for (std::size_t row = 0; row < rows; ++row) {
    const delay::Exchange& one = seen[row];
    std::size_t from = std::min(cell(one.received), bars - 1);
    std::size_t length = std::max<std::size_t>(cell(end_of(one)), from + 1) - from;
    std::string time = answered(one) ? duration(one.answered - one.received, total) : "lost";
    std::string bar = repeat(style.utf8 ? "█" : "#", length);
    text += pad("  " + message_of(one, style), before - std::min<std::size_t>(10, time.size())) +
            time + " " + style.paint("2", style.utf8 ? "│" : "|") + std::string(from, ' ') +
            style.paint(answered(one) ? "36" : "31", bar) + "\n";
  }
  if (rows < seen.size()) text += "  ... and " + std::to_string(seen.size() - rows) + " more\n";
  text += std::string(before + 2, ' ') + style.paint("2", axis(total, bars)) + "\n";
  return text + std::to_string(seen.size()) + (seen.size() == 1 ? " request" : " requests") +
         ", at most " + std::to_string(peak) + " in flight at once, " + duration(total, total) +
         "\n";
}

}  // namespace course
