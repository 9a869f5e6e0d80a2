// text: writes the code, diffs and program output in the pages, and checks that they are current.

#include <CLI/CLI.hpp>

#include <iostream>

#include "text/tool.hpp"

namespace {

namespace fs = std::filesystem;

// The nearest folder above this one that looks like the repository.
std::string root_above(fs::path folder) {
  while (!fs::exists(folder / "common/cmake/course.cmake")) {
    if (folder == folder.root_path()) return ".";
    folder = folder.parent_path();
  }
  return folder.string();
}

int run(int argc, char** argv) {
  std::vector<fs::path> pages;
  std::string root = root_above(fs::current_path());
  bool all = false, no_runs = false;

  CLI::App app("Writes and checks the code, diffs and program output in the course's pages.",
               "text");
  CLI::App* update = app.add_subcommand("update", "write the blocks that have drifted");
  CLI::App* check =
      app.add_subcommand("check", "say which blocks have drifted, and what else is wrong");
  app.require_subcommand(1);
  for (CLI::App* command : {update, check}) {
    command->add_option("FILE", pages, "Markdown pages")->check(CLI::ExistingFile);
    command->add_flag("--all", all, "all pages of the repository");
    command->add_flag("--no-runs", no_runs, "leave out program output");
    command->add_option("--root", root, "the repository's root")->check(CLI::ExistingDirectory);
  }
  try {
    app.parse(argc, argv);
    if (all != pages.empty())
      throw CLI::ValidationError("FILE", "name some pages, or else give --all");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  text::Repository repository(root);
  if (all) pages = text::all_pages(repository.root());
  text::Runs runs = no_runs ? text::Runs::without : text::Runs::with;
  bool good = check->parsed() ? text::check(repository, pages, runs, std::cout)
                              : text::update(repository, pages, runs, std::cout);
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "text: " << error.what() << "\n";
    return 1;
  }
}
