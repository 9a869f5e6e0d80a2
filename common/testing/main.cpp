// The one main function of all suites: doctest costs seconds to compile, so it is compiled once.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "narrate/narrate.hpp"
#include "testing/program.hpp"

namespace {

const char* case_name = "";

void say(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) == -1) return;
}

void case_hangs(int) {
  say("\nTEST CASE:  ");
  say(case_name);
  say("\n  HANGS: it did not end within its time\n");
  ::_exit(1);
}

// Keeps failures readable, and turns a hang into a verdict that names the case.
class Watchdog : public doctest::IReporter {
 public:
  explicit Watchdog(const doctest::ContextOptions&) {}
  void test_run_start() override {
    narrate::set_silent(true);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what was said before a hang is not lost
    std::signal(SIGALRM, case_hangs);
    ::unsetenv("COLUMNS");          // nor are its lines broken to fit into a narrow terminal
    std::signal(SIGCHLD, SIG_DFL);  // ignored, it would let nobody wait for a child
  }
  void test_case_start(const doctest::TestCaseData& data) override {
    case_name = data.m_name;
    ::alarm(static_cast<unsigned>(testing::case_limit().count()));
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override { ::alarm(0); }

  void report_query(const doctest::QueryData&) override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

DOCTEST_REGISTER_LISTENER("watchdog", 1, Watchdog);
