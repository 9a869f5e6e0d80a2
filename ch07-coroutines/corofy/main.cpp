// corofy: makes state machines of functions that wait.
//   corofy main.cpp                 writes main_corofied.cpp
//   corofy main.cpp out.cpp --hoist
//   corofy --explain main.cpp       shows the states instead

#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include "corofy.hpp"
#include "refusal.hpp"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream || fs::is_directory(file)) {
    int error = fs::is_directory(file) ? EISDIR : errno;
    throw std::system_error(error, std::generic_category(), "cannot read " + file.string());
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

void write(const fs::path& file, const std::string& text) {
  auto fail = [&](int error) {
    throw std::system_error(error, std::generic_category(), "cannot write " + file.string());
  };
  std::error_code none;
  // A pipe, a device, what /dev/stdout leads to: it stays what it is, with what it has.
  if (file.string().starts_with("/dev/") ||
      (fs::exists(file, none) && !fs::is_regular_file(file, none))) {
    std::ofstream stream(file, std::ios::binary | std::ios::app);
    stream << text << std::flush;
    if (!stream) fail(errno);
    return;
  }
  // A file that would be the same keeps its time, so that nothing is compiled again.
  if (fs::exists(file, none) && read(file) == text) return;
  // All or nothing: under another name first.
  // Where a link leads to is written, so that it stays a link.
  const fs::path finished = fs::is_symlink(file, none) ? fs::weakly_canonical(file) : file;
  fs::path unfinished = finished;
  unfinished += ".unfinished-" + std::to_string(::getpid());
  std::ofstream stream(unfinished, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream || std::rename(unfinished.c_str(), finished.c_str()) == -1) {
    int error = errno;
    fs::remove(unfinished, none);
    fail(error);
  }
}

// What a compiler says, so that editors jump there: the place, the reason, the line.
void report(const std::string& file, const std::string& source, const Refusal& refusal) {
  Position at = refusal.at();
  std::cerr << file << ':' << at.line << ':' << at.column << ": error: " << refusal.what() << '\n';
  std::istringstream lines(source);
  std::string line;
  for (int i = 0; i < at.line; ++i)
    if (!std::getline(lines, line)) return;
  while (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.size() > 200 || line.empty()) return;
  std::string mark;
  for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(at.column) && i < line.size(); ++i)
    if ((line[i] & '\xc0') != '\x80') mark += line[i] == '\t' ? '\t' : ' ';
  std::cerr << "  " << line << "\n  " << mark << "^\n";
}

const char* const help =
    "usage: corofy [options] IN [OUT]\n"
    "\n"
    "Makes a state machine of each coroutine in the C++ file IN: a function that begins with the\n"
    "word coroutine, and that waits for futures with the word wait. Writes OUT, or else\n"
    "main_corofied.cpp for main.cpp.\n"
    "\n"
    "  --hoist         locals live across waits, as members\n"
    "  --waker         poll(const Waker&), as from chapter 8 on\n"
    "  --pin           Pinned futures that never move, as from chapter 9 on\n"
    "  --name NAME     what the first line of OUT calls IN; else its file name\n"
    "  --check         write nothing; is OUT what it should be?\n"
    "  --explain [mermaid]\n"
    "                  write nothing; print the states and the ways between them, as a table or\n"
    "                  in Mermaid's language\n"
    "  --help          print this\n";

struct CommandLine {
  std::string in, out, name;
  Options options;
  bool check = false;
  std::optional<Explanation> explain;
};

// What can't be meant ends the program.
CommandLine command_line(int argc, char** argv) {
  enum : int { hoist = 1, waker, pin, check, name, explain, print_help };
  constexpr std::array<option, 8> known = {{{"hoist", no_argument, nullptr, hoist},
                                            {"waker", no_argument, nullptr, waker},
                                            {"pin", no_argument, nullptr, pin},
                                            {"check", no_argument, nullptr, check},
                                            {"name", required_argument, nullptr, name},
                                            {"explain", optional_argument, nullptr, explain},
                                            {"help", no_argument, nullptr, print_help},
                                            {nullptr, 0, nullptr, 0}}};
  auto fail = [](const std::string& why) {
    std::cerr << "corofy: " << why << "; see corofy --help\n";
    std::exit(2);
  };
  if (argc == 1) {
    std::cout << help;
    std::exit(0);
  }
  CommandLine result;
  auto set_form = [&](const std::string& form) {
    if (form != "table" && form != "mermaid") fail("--explain prints a table or mermaid");
    result.explain = form == "table" ? Explanation::table : Explanation::mermaid;
  };
  opterr = 0;
  for (int found = 0; (found = getopt_long(argc, argv, "", known.data(), nullptr)) != -1;) {
    switch (found) {
      case hoist:
        result.options.hoist = true;
        break;
      case waker:
        result.options.waker = true;
        break;
      case pin:
        result.options.pin = true;
        break;
      case check:
        result.check = true;
        break;
      case name:
        result.name = optarg;
        break;
      case explain:
        set_form(optarg ? optarg : "table");
        if (optarg || optind >= argc) break;
        if (std::string form = argv[optind]; form == "table" || form == "mermaid") {
          set_form(form);
          ++optind;
        }
        break;
      case print_help:
        std::cout << help;
        std::exit(0);
      default:
        fail(std::string(argv[optind - 1]) + " can't be understood");
    }
  }
  if (optind == argc) fail("which file?");
  result.in = argv[optind++];
  if (optind < argc) result.out = argv[optind++];
  if (optind < argc) fail(std::string(argv[optind]) + " is one file too many");
  return result;
}

fs::path beside(const fs::path& in) {
  fs::path out = in;
  return out.replace_filename(in.stem().string() + "_corofied" + in.extension().string());
}

}  // namespace

int main(int argc, char** argv) {
  const CommandLine line = command_line(argc, argv);
  const fs::path in = line.in;
  const fs::path out = line.out.empty() ? beside(in) : fs::path(line.out);
  std::string source;
  try {
    source = read(in);
    if (line.explain) {
      std::cout << explain(source, *line.explain, line.options) << std::flush;
      return std::cout ? 0 : 1;
    }
    std::error_code none;
    if (fs::equivalent(in, out, none)) {
      std::cerr << "corofy: OUT is IN, which would be lost; name another file\n";
      return 2;
    }
    std::string text =
        corofy(source, line.name.empty() ? in.filename().string() : line.name, line.options);
    if (!line.check) {
      write(out, text);
    } else if (read(out) != text) {
      std::cerr << "corofy: " << out.string() << " is not what " << line.in
                << " becomes; run corofy again\n";
      return 1;
    }
    return 0;
  } catch (const Refusal& refusal) {
    report(line.in, source, refusal);
  } catch (const std::exception& error) {
    std::cerr << "corofy: " << error.what() << '\n';
  }
  return 1;
}
