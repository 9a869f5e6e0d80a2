#pragma once
// The map of the course: its chapters and stages, and how a reader may name them.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace course {

struct Stage {
  std::string chapter;      // "ch04"
  std::string name;         // "a-epoll"
  std::string folder;       // "ch04-epoll-queue/a-epoll", seen from the root
  std::string title;        // "epoll: the kernel keeps the list"
  std::string predecessor;  // "ch03/f-poll", or empty
  bool server = false;      // it makes requests, and takes --server, --unit-ms and --trace
  bool written = false;     // it can be run; otherwise it is planned
  bool mechanism = false;   // the reader writes it; otherwise they run it and look
  std::string kernel;       // "io_uring": what it asks of the kernel, which may refuse
  bool threads = false;     // it has threads of its own

  [[nodiscard]] bool excursion() const;          // beside the trunk: an x-…, a tool
  [[nodiscard]] std::string short_name() const;  // "ch04/a", "ch04/x-asio"
  [[nodiscard]] std::string target() const { return chapter + "-" + name; }  // "ch04-a-epoll"
};

struct Chapter {
  std::string name;    // "ch04"
  std::string folder;  // "ch04-epoll-queue"
  std::string title;
  std::string text;           // its page, "docs/ch04-epoll-queue.md", or empty
  std::vector<Stage> stages;  // the trunk first, then the excursions

  [[nodiscard]] const Stage* last_written() const;  // of the trunk, or nullptr
};

// The answer to a name: a chapter, and the stage if one was named.
struct Place {
  const Chapter* chapter;
  const Stage* stage;  // nullptr: the whole chapter
  bool mine = false;   // it was named as a folder below mine/, the reader's own
};

// Reads every chapter.json below the root, and the list of what is still to come. Not changed
// afterwards.
class Map {
 public:
  explicit Map(std::filesystem::path root);  // throws Failure that names the file it cannot use

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] const std::vector<Chapter>& chapters() const { return chapters_; }

  // What ch04, ch04/a, ch04/a-epoll, ch04-epoll-queue/a-epoll/ or the path of such a folder, seen
  // from where the reader is, stands for. Throws Failure with the nearest name.
  [[nodiscard]] Place find(std::string_view name) const;
  // A stage that can be run; a chapter alone stands for its last one on the trunk. Throws Failure,
  // also for one that is only planned or has no sources.
  [[nodiscard]] const Stage& stage(std::string_view name) const;
  // nullptr if it has none. Throws Failure if the map names one that is not there.
  [[nodiscard]] const Stage* predecessor(const Stage& stage) const;

  // Throws Failure if there is no .cpp file in its folder.
  void require_sources(const Stage& stage) const;

 private:
  void add(const std::filesystem::path& file);
  [[nodiscard]] std::string suggestion(std::string_view name) const;

  std::filesystem::path root_;
  std::vector<Chapter> chapters_;
};

// What a reader typed, in quotes, for a message: its beginning if it is long.
[[nodiscard]] std::string in_quotes(std::string_view typed);

// The candidate that is spelled most like `word`; empty if none is near.
[[nodiscard]] std::string nearest(std::string_view word,
                                  const std::vector<std::string>& candidates);

}  // namespace course
