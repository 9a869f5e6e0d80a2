#include "text/tool.hpp"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <system_error>
#include <tuple>

#include "text/links.hpp"
#include "text/page.hpp"

namespace text {
namespace {

namespace fs = std::filesystem;

// How much of a drift a message shows: the place and the first lines tell what happened.
constexpr std::size_t max_shown = 6;

struct Drift {
  const Block* block;
  Lines lines;  // what should stand there
  std::string difference;
};

struct Result {
  Page page;
  std::vector<Drift> drifts;
  std::vector<Problem> problems;
};

void show(std::string& text, const Lines& lines, std::size_t first, std::size_t last, char sign) {
  for (std::size_t i = first; i < std::min(last, first + max_shown); ++i)
    text += std::string("\n    ") + sign + " " + lines[i];
  if (last > first + max_shown)
    text += "\n    " + std::string(1, sign) + " … " + std::to_string(last - first - max_shown) +
            " more";
}

// What is left of both when the lines that they begin and end with alike are gone.
std::string difference(const Lines& old_lines, const Lines& new_lines) {
  std::size_t shorter = std::min(old_lines.size(), new_lines.size()), same = 0, same_end = 0;
  while (same < shorter && old_lines[same] == new_lines[same]) ++same;
  while (same_end < shorter - same &&
         old_lines[old_lines.size() - 1 - same_end] == new_lines[new_lines.size() - 1 - same_end])
    ++same_end;
  std::string text;
  show(text, old_lines, same, old_lines.size() - same_end, '-');
  show(text, new_lines, same, new_lines.size() - same_end, '+');
  return text;
}

Result compare(Repository& repository, const fs::path& file, Runs runs) {
  fs::path path = fs::canonical(file), name = path.lexically_relative(repository.root());
  if (name.empty() || *name.begin() == "..")
    return {{}, {}, {{file.string(), 1, "this page is outside the repository"}}};

  Result result{parse_page(name.string(), read_file(path)), {}, {}};
  const Page& page = result.page;
  result.problems = page.problems;
  for (const Block& block : page.blocks) {
    bool is_run = block.marker.kind == Marker::Kind::run;
    if (is_run && runs == Runs::without) continue;
    try {
      Content content = repository.content(block.marker);
      Lines wanted = fenced(content.lines, content.language, block.indent);
      Lines there(page.lines.begin() + static_cast<std::ptrdiff_t>(block.first),
                  page.lines.begin() + static_cast<std::ptrdiff_t>(block.last));
      Lines one = is_run ? masked(there, block.marker) : there;
      Lines other = is_run ? masked(wanted, block.marker) : wanted;
      if (one != other) result.drifts.push_back({&block, wanted, difference(one, other)});
    } catch (const std::exception& error) {
      result.problems.push_back({page.name, block.line, block.marker.text + ": " + error.what()});
    }
  }
  return result;
}

// Beside it first, then renamed: whoever reads the page meanwhile sees the old or the new one.
void replace_file(const fs::path& file, const std::string& content) {
  fs::path beside = file.parent_path() / ("." + file.filename().string() + ".new");
  std::ofstream stream(beside, std::ios::binary | std::ios::trunc);
  stream << content;
  stream.close();
  if (!stream) {
    std::error_code ignored;
    fs::remove(beside, ignored);
    throw std::system_error(std::make_error_code(std::errc::io_error), file.string());
  }
  fs::permissions(beside, fs::status(file).permissions());
  fs::rename(beside, file);
}

std::string with_drifts_written(const Page& page, const std::vector<Drift>& drifts) {
  Lines lines;
  std::size_t copied = 0;
  auto copy_up_to = [&](std::size_t end) {
    while (copied < end) lines.push_back(page.lines[copied++]);
  };
  for (const Drift& drift : drifts) {
    copy_up_to(drift.block->first);
    lines.insert(lines.end(), drift.lines.begin(), drift.lines.end());
    copied = drift.block->last;
  }
  copy_up_to(page.lines.size());
  return join_lines(lines);
}

void print(std::ostream& out, std::vector<Problem> problems) {
  std::sort(problems.begin(), problems.end(), [](const Problem& one, const Problem& other) {
    return std::tie(one.line, one.what) < std::tie(other.line, other.what);
  });
  for (const Problem& problem : problems)
    out << problem.file << ":" << problem.line << ": " << problem.what << "\n";
}

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

bool update(Repository& repository, const std::vector<fs::path>& pages, Runs runs,
            std::ostream& out) {
  std::size_t written = 0, problems = 0;
  for (const fs::path& file : pages) {
    Result result = compare(repository, file, runs);
    print(out, result.problems);
    problems += result.problems.size();
    if (!result.problems.empty()) {
      out << result.page.name << ": left as it is\n";
    } else if (!result.drifts.empty()) {
      replace_file(fs::canonical(file), with_drifts_written(result.page, result.drifts));
      out << result.page.name << ": " << plural(result.drifts.size(), "block") << " written\n";
      written += result.drifts.size();
    }
  }
  out << "text update: " << plural(written, "block") << " written, " << plural(problems, "mistake")
      << ", in " << plural(pages.size(), "page") << "\n";
  return problems == 0;
}

bool check(Repository& repository, const std::vector<fs::path>& pages, Runs runs,
           std::ostream& out) {
  LinkChecker links(repository.root());
  std::size_t drifts = 0, mistakes = 0, blocks = 0;
  for (const fs::path& file : pages) {
    Result result = compare(repository, file, runs);
    std::vector<Problem> problems = std::move(result.problems);
    for (const auto& more : {links.check(result.page), untidy_lines(result.page)})
      problems.insert(problems.end(), more.begin(), more.end());
    mistakes += problems.size();
    drifts += result.drifts.size();
    blocks += result.page.blocks.size();
    for (const Drift& drift : result.drifts)
      problems.push_back({result.page.name, drift.block->line,
                          "has drifted: " + drift.block->marker.text + drift.difference});
    print(out, problems);
  }
  out << "text check: " << plural(blocks, "block") << " in " << plural(pages.size(), "page")
      << ": ";
  if (drifts + mistakes == 0)
    out << "all as it should be\n";
  else
    out << drifts << " drifted (text update writes them anew), " << plural(mistakes, "mistake")
        << "\n";
  return drifts + mistakes == 0;
}

std::vector<fs::path> all_pages(const fs::path& root) {
  std::vector<fs::path> pages;
  for (fs::recursive_directory_iterator entry(root), end; entry != end; ++entry) {
    std::string name = entry->path().filename();
    if (entry->is_directory()) {
      if (name.starts_with('.') || fs::exists(entry->path() / "CMakeCache.txt") ||
          (entry.depth() == 0 && (name == "build" || name == "mine")))
        entry.disable_recursion_pending();
    } else if (entry->path().extension() == ".md") {
      pages.push_back(entry->path());
    }
  }
  std::sort(pages.begin(), pages.end());
  return pages;
}

}  // namespace text
