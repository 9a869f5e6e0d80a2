#include "course/bench_table.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "narrate/printable.hpp"

namespace course {
namespace {

using nlohmann::json;

// "4.35", "43.5", "435", "43,500".
std::string number(double value) {
  char text[40];
  double size = std::abs(value);
  std::snprintf(text, sizeof text, "%.*f", size < 9.995 ? 2 : size < 99.95 ? 1 : 0, value);
  std::string number = text;
  if (number.find('.') == std::string::npos && number.size() > 4)
    for (std::size_t at = number.size(); at > 3; number.insert(at, ",")) at -= 3;
  return number;
}

// A goal of 1.02 is missed by 1.021, and the reader shall see that.
std::string ratio_of(double ratio) {
  char text[40];
  std::snprintf(text, sizeof text, "%.3f", ratio);
  return ratio < 9.9995 ? text : number(ratio);
}

std::string range(const json& range) { return number(range.at(0)) + " to " + number(range.at(1)); }

struct Line {
  std::string label, value, unit, range;
  double part = 0;           // of the longest bar in its row
  std::string colour = "2";  // of the bar, or the note
  std::string note = {};     // in the place of a unit and what follows it
};

void add_row(std::vector<Line>& lines, const json& row) {
  if (!row.contains("ours")) {
    lines.push_back(
        {"  " + row.value("name", ""), "-", "", "", 0, "33", "needs " + row.value("missing", "")});
    return;
  }
  std::string unit = row.at("unit");
  double ours = row.at("ours"), theirs = row.value("theirs", 0.0), most = std::max(ours, theirs);
  bool compared = row.contains("theirs") && most > 0;
  lines.push_back({"  " + row.value("name", ""), number(ours), unit, range(row.at("range")),
                   compared ? ours / most : 0, "36"});
  if (!row.contains("peer")) return;
  std::string peer = "    " + row.value("peer", "");
  if (row.contains("missing"))
    lines.push_back({peer, "-", "", "", 0, "33", "needs " + row.value("missing", "")});
  if (row.contains("theirs"))
    lines.push_back(
        {peer, number(theirs), unit, range(row.at("peer_range")), compared ? theirs / most : 0});
  if (!row.contains("ratio")) return;
  double ratio = row.at("ratio"), goal = row.value("goal", 0.0);
  Line line{"    ours / theirs", ratio_of(ratio), "", ""};
  if (goal != 0) {
    line.note = "goal " + number(goal) + (ratio <= goal ? ": met" : ": missed");
    line.colour = ratio <= goal ? "32" : "1;31";
  }
  lines.push_back(line);
}

std::string bar(double part, std::size_t width, const Style& style) {
  static constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  auto count = static_cast<std::size_t>(
      std::lround(std::clamp(part, 0.0, 1.0) * static_cast<double>(width) * 8));
  if (!style.utf8) return std::string((count + 4) / 8, '#');
  std::string text;
  for (std::size_t i = 0; i != count / 8; ++i) text += "█";
  return text + eighths[count % 8];
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, columns(text)), ' ') + text;
}

// What the lines have in common, and what there is room for.
struct Layout {
  std::size_t label = 0, value = 0, unit = 0, range = 0, bar = 0;

  Layout(const std::vector<Line>& lines, std::size_t width) {
    for (const Line& line : lines) {
      label = std::max(label, columns(line.label));
      value = std::max(value, columns(line.value));
      unit = std::max(unit, columns(line.unit));
      range = std::max(range, columns(line.range));
    }
    std::size_t figures = 1 + value + 1 + unit;
    label = std::min(label, width - std::min(width, figures));
    if (label + figures + 2 + range > width) range = 0;
    std::size_t used = label + figures + 2 + range + 2;
    constexpr std::size_t least = 8, most = 30;
    if (range != 0 && used + least <= width) bar = std::min(width - used, most);
  }
};

std::string drawn(const Line& line, const Layout& layout, const Style& style) {
  std::string text;
  std::string label = line.label;
  if (columns(label) > layout.label) {  // on lines of its own
    std::size_t indent = label.find_first_not_of(' ');
    text = std::string(indent, ' ') +
           narrate::wrapped(label.substr(indent), style.width - indent, indent) + "\n";
    label = "";
  }
  text += pad(label, layout.label) + " " + right(line.value, layout.value);
  if (!line.note.empty()) {
    bool fits = layout.label + layout.value + 2 + columns(line.note) <= style.width;
    return text + (fits ? " " : "\n      ") + style.paint(line.colour, line.note) + "\n";
  }
  if (line.unit.empty()) return text + "\n";
  std::string rest = " " + pad(line.unit, layout.unit);
  if (layout.range != 0) rest += "  " + pad(line.range, layout.range);
  std::string drawn_bar = bar(line.part, layout.bar, style);
  if (!drawn_bar.empty()) return text + rest + "  " + style.paint(line.colour, drawn_bar) + "\n";
  rest.erase(rest.find_last_not_of(' ') + 1);
  return text + rest + "\n";
}

}  // namespace

std::string bench_table(const std::string& measured, const Style& style) {
  json all = json::parse(measured);
  std::size_t rounds = 0;
  bool peers = false;
  std::string missing;
  std::vector<std::string> stages;
  std::vector<std::vector<Line>> blocks;
  std::vector<Line> lines;
  for (const json& row : all.at("rows")) {
    if (std::string stage = row.value("stage", ""); stages.empty() || stages.back() != stage) {
      stages.push_back(stage);
      blocks.emplace_back();
    }
    add_row(blocks.back(), row);
    rounds = std::max(rounds, row.value("rounds", std::size_t{0}));
    peers |= row.contains("peer");
    if (std::string package = row.value("missing", ""); missing.find(package) == std::string::npos)
      missing += " " + package;
  }
  for (const std::vector<Line>& block : blocks)
    lines.insert(lines.end(), block.begin(), block.end());

  std::string head =
      all.value("machine", "") + "; " + all.value("compiler", "") + ", " + all.value("build", "") +
      "; " + (rounds == 1 ? "one round only" : "medians of " + std::to_string(rounds) + " rounds") +
      ", and the range. Less is better.";
  if (peers) head += " The ratios count: other machines have other figures.";
  std::string text = narrate::wrapped(head, style.width, 0) + "\n";
  Layout layout(lines, style.width);
  for (std::size_t i = 0; i != blocks.size(); ++i) {
    text +=
        "\n" + style.paint("1", stages[i]) + (all.value("mine", false) ? ", your code\n" : "\n");
    for (const Line& line : blocks[i]) text += drawn(line, layout, style);
  }
  if (!missing.empty())
    text += "\n" +
            narrate::wrapped("For what is missing, as root, type: apt-get install -y" + missing,
                             style.width, 0) +
            "\n";
  return text;
}

}  // namespace course
