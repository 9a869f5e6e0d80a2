// ./course, without the part that the shell script does: reads the command line and hands over.

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>

#include "course/commands.hpp"
#include "course/failure.hpp"
#include "course/foreground.hpp"
#include "course/terminal.hpp"
#include "narrate/printable.hpp"
#include "net/fd.hpp"

namespace course {
namespace {

using Words = std::vector<std::string>;

const Words commands{"list",  "run",  "diff",  "test",  "start",
                     "check", "hint", "break", "bench", "serve"};

// A first word that is no command: a stage, or misspelled.
[[noreturn]] void refuse(const Map& map, const std::string& word) {
  if (word.find('/') != std::string::npos || word.starts_with("ch0") || word.starts_with("ch1"))
    throw Failure(
        in_quotes(word) + " is no command; to run it: ./course run " + map.stage(word).short_name(),
        2);
  std::string near = nearest(word, commands);
  throw Failure(
      "there is no command " + in_quotes(word) + "; " +
          (near.empty() ? "./course --help shows all" : "did you mean ./course " + near + "?"),
      2);
}

// Words that this command has no use for.
[[noreturn]] void refuse(const std::string& command, const Words& words) {
  std::string list;
  for (const std::string& word : words) {
    if (word.starts_with("-B"))
      throw Failure("-B stands in front of the command: ./course -B DIR " + command, 2);
    list += " " + word;
  }
  throw Failure("./course " + command + " does not take " + in_quotes(list.substr(1)) +
                    "; its help: " + "./course " + command + " --help",
                2);
}

// A file name or an option may hold any bytes, and a terminal obeys some of them.
std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return narrate::printable(text, text.size());
}

int dispatch(int argc, char** argv) {
  // What stands behind "--" belongs to the stage, or to the delayserver.
  Words words(argv + 1, argv + argc);
  auto dashes = std::find(words.begin(), words.end(), "--");
  Words passed(dashes == words.end() ? dashes : dashes + 1, words.end());
  words.erase(dashes, words.end());

  CLI::App app("The reader's command.", "./course");
  std::string root, build_folder;
  app.add_option("--root", root)->required()->group("");  // both are given by the script
  app.add_option("--build", build_folder)->required()->group("");
  app.require_subcommand(0, 1);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  // Such as "$SERVER", where that is not set.
  auto not_empty = [](const std::string& value) { return value.empty() ? "it is empty" : ""; };

  CLI::App* list_command = app.add_subcommand("list", "every stage");

  RunOptions run_options;
  int unit_ms = 0;
  CLI::App* run_command = app.add_subcommand("run", "builds and runs a stage");
  run_command->footer("What stands behind -- is passed on to the stage.\n");
  run_command->add_option("STAGE", run_options.stage, "such as ch04/a; ch04 is its last one");
  run_command->add_flag("--all", run_options.all, "the tour: every stage, with short delays");
  CLI::Option* unit =
      run_command->add_option("--unit-ms", unit_ms, "what the stage calls a second (1000)")
          ->type_name("N")
          ->check(CLI::Range(1, 60'000));
  run_command
      ->add_option("--server", run_options.server,
                   "HOST:PORT of another delayserver; there is no timeline then")
      ->check(not_empty);
  run_command->add_option("--trace", run_options.trace, "a file for a Chrome trace of the run")
      ->check(not_empty);
  run_command->add_flag("--mine", run_options.mine, "your own code, in mine/");

  DiffOptions diff_options;
  CLI::App* diff_command = app.add_subcommand("diff", "what is new in a stage");
  diff_command->add_option("STAGE", diff_options.stage, "such as ch04/a");
  diff_command->add_option("--from", diff_options.from, "from this stage, not the predecessor")
      ->check(not_empty);
  diff_command->add_option("--color", diff_options.colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  bool stat = false, by_words = false, side_by_side = false;
  diff_command->add_flag("--stat", stat, "only how much changed in which file");
  diff_command->add_flag("--words", by_words, "word by word");
  diff_command->add_flag("--side-by-side", side_by_side, "in two columns");
  diff_command->add_flag("--mine", diff_options.mine, "our code and your own, in mine/");
  diff_command->add_flag("--generated", diff_options.generated, "also what corofy has made");

  std::string suites_of;
  CLI::App* test_command = app.add_subcommand("test", "runs our suites");
  test_command->add_option("NAME", suites_of, "a chapter or a stage; without it: all")
      ->check(not_empty);

  StartOptions start_options;
  std::string start_from;
  CLI::App* start_command = app.add_subcommand("start", "makes your own folder of a stage");
  start_command->add_option("STAGE", start_options.stage, "such as ch04/a");
  start_command
      ->add_option("--from", start_from, "ours: our predecessor, even if yours is finished")
      ->check(CLI::IsMember({"ours"}));

  CheckOptions check_options;
  CLI::App* check_command = app.add_subcommand("check", "runs a stage's suite on your own code");
  check_command->add_option("STAGE", check_options.stage, "such as ch04/a");
  check_command->add_flag("--watch", check_options.watch, "again after every save");

  std::string hint_for;
  CLI::App* hint_command = app.add_subcommand("hint", "one more hint for the case that failed");
  hint_command->add_option("STAGE", hint_for, "such as ch04/a");

  std::string break_in, mistake;
  CLI::App* break_command = app.add_subcommand("break", "shows what a known mistake breaks");
  break_command->add_option("STAGE", break_in, "such as ch04/a");
  break_command->add_option("MISTAKE", mistake, "its name; without it: all mistakes of the stage");

  BenchOptions bench_options;
  CLI::App* bench_command = app.add_subcommand("bench", "what a chapter's code costs");
  bench_command->add_option("CHAPTER", bench_options.chapter, "such as ch05");
  bench_command->add_flag("--mine", bench_options.mine, "your own code, in mine/");
  bench_command->add_flag("--json", bench_options.json, "one JSON object instead of a table");

  // Everything behind `serve` is the delayserver's, --help too.
  CLI::App* serve_command = app.add_subcommand("serve", "the delayserver")->prefix_command();
  serve_command->set_help_flag();

  // What is left over, refuse() explains. (For `serve` it is everything.)
  app.allow_extras();
  for (CLI::App* command : {list_command, run_command, diff_command, test_command, start_command,
                            check_command, hint_command, break_command, bench_command})
    command->allow_extras();
  Words reversed(words.rbegin(), words.rend());  // this is how CLI11 wants them
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp& help) {
    std::ifstream text(root + "/common/tools/course/help.txt");
    print(app.get_subcommands().empty() ? std::string(std::istreambuf_iterator<char>(text), {})
                                        : app.help());
    return 0;
  } catch (const CLI::ArgumentMismatch& error) {
    std::string what = error.what();
    throw Failure(what.substr(0, what.find(':')) + " needs a value", 2);
  } catch (const CLI::ParseError& error) {
    throw Failure(error.what(), 2);
  }

  Workshop workshop{Map(root), build_folder};
  Words extras = app.remaining();
  if (app.get_subcommands().empty() && !extras.empty()) refuse(workshop.map, extras.front());
  std::string command = app.get_subcommands().empty() ? "" : app.get_subcommands()[0]->get_name();
  if (!*serve_command && !command.empty())
    for (const std::string& word : app.get_subcommands()[0]->remaining()) extras.push_back(word);
  if (!extras.empty()) refuse(command, extras);
  if (!passed.empty() && !*run_command && !*serve_command)
    throw Failure("only run and serve pass on what stands behind --", 2);

  // A shell's completion leads to mine/…: then their own code is meant, or the command says so.
  auto is_mine = [&](const std::string& name) {
    return !name.empty() && name != "tools" && workshop.map.find(name).mine;
  };
  run_options.mine |= is_mine(run_options.stage);
  diff_options.mine |= is_mine(diff_options.stage);
  bench_options.mine |= is_mine(bench_options.chapter);
  for (const std::string& name : {suites_of, break_in, diff_options.from})
    if (is_mine(name))
      throw Failure(in_quotes(name) + " is your code, and " +
                        (command == "diff" ? "--from" : "./course " + command) +
                        " is about ours; yours: ./course " +
                        (command == "diff" ? "diff STAGE --mine" : "check " + name),
                    2);

  if (*list_command) return list(workshop);
  if (*run_command) {
    if (run_options.stage.empty() != run_options.all)
      throw Failure("run needs a stage, such as ./course run ch04/a, or else --all", 2);
    if (run_options.all && !run_options.trace.empty())
      throw Failure("--trace is for one stage: with --all each would overwrite the last one's", 2);
    if (run_options.all && run_options.mine)
      throw Failure("--mine is for one stage, such as ./course run ch04/a --mine", 2);
    if (*unit) run_options.unit_ms = unit_ms;
    run_options.arguments = passed;
    return run(workshop, run_options);
  }
  if (*diff_command) {
    if (diff_options.stage.empty())
      throw Failure("diff needs a stage, such as ./course diff ch04/a", 2);
    using Form = DiffOptions::Form;
    if (stat + by_words + side_by_side > 1)
      throw Failure("--stat, --words and --side-by-side exclude each other", 2);
    diff_options.form = stat           ? Form::stat
                        : by_words     ? Form::words
                        : side_by_side ? Form::side_by_side
                                       : Form::patch;
    return diff(workshop, diff_options);
  }
  auto need_stage = [&](const std::string& stage) {
    if (stage.empty())
      throw Failure(command + " needs a stage, such as ./course " + command + " ch04/a", 2);
  };
  if (*start_command) {
    need_stage(start_options.stage);
    start_options.from_ours = !start_from.empty();
    return start(workshop, start_options);
  }
  if (*check_command) {
    need_stage(check_options.stage);
    return check(workshop, check_options);
  }
  if (*hint_command) {
    need_stage(hint_for);
    return hint(workshop, hint_for);
  }
  if (*break_command) {
    need_stage(break_in);
    return break_stage(workshop, break_in, mistake);
  }
  if (*bench_command) {
    if (bench_options.chapter.empty())
      throw Failure("bench needs a chapter, such as ./course bench ch01", 2);
    return bench(workshop, bench_options);
  }
  if (*test_command) return test(workshop, suites_of);
  if (*serve_command) {
    Words arguments = serve_command->remaining();
    arguments.insert(arguments.end(), passed.begin(), passed.end());
    return serve(workshop, arguments);
  }
  return overview(workshop);
}

}  // namespace
}  // namespace course

int main(int argc, char** argv) {
  net::reserve_standard_descriptors();
  try {
    return course::dispatch(argc, argv);
  } catch (const course::Interrupted& interrupted) {
    const char* after_echo = course::on_terminal(STDERR_FILENO) ? "\n" : "";  // of the ^C
    course::complain(std::string(after_echo) + "course: interrupted");
    return 128 + interrupted.signal;
  } catch (const course::OutputClosed&) {
    return 128 + SIGPIPE;  // as a shell reports a program that SIGPIPE has ended
  } catch (const course::Failure& failure) {
    course::complain(course::one_line(std::string("course: ") + failure.what()));
    return failure.status();
  } catch (const std::exception& error) {
    course::complain(course::one_line(std::string("course: ") + error.what()));
    return 1;
  }
}
