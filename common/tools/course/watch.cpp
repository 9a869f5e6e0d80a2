#include "course/watch.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "course/exercise.hpp"

namespace course {
namespace {

using std::chrono::milliseconds;

bool readable(const net::Fd& fd, milliseconds time) {
  pollfd entry{fd.get(), POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(time.count())) == 1;
}

}  // namespace

FolderWatch::FolderWatch(const std::filesystem::path& folder)
    : queue_(net::Fd::checked(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify_init1")) {
  // Some editors write the file, others write a new one and rename it.
  std::uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |
                         IN_MOVE_SELF | IN_ONLYDIR;
  if (::inotify_add_watch(queue_.get(), folder.c_str(), events) == -1)
    throw net::last_error(folder.c_str());
}

// Everything that is there.
FolderWatch::News FolderWatch::read() const {
  News news = News::none;
  alignas(inotify_event) std::array<char, 4096> buffer;
  for (;;) {
    ssize_t count = ::read(queue_.get(), buffer.data(), buffer.size());
    if (count == -1 && errno == EINTR) continue;
    if (count <= 0) return news;
    for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += sizeof(inotify_event) + event->len;
      if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0)
        news = News::gone;
      else if (news == News::none &&
               ((event->mask & IN_Q_OVERFLOW) != 0 || (event->len > 0 && !is_scratch(event->name))))
        news = News::changed;
    }
  }
}

FolderWatch::News FolderWatch::wait(milliseconds time) {
  if (!readable(queue_, time)) return News::none;
  News news = read();
  // "Save all" is many events, and so is a file that is written, renamed and given its rights back.
  constexpr milliseconds quiet{50};
  constexpr int longest = 20;
  for (int i = 0; news == News::changed && i < longest && readable(queue_, quiet); ++i)
    if (read() == News::gone) news = News::gone;
  return news;
}

}  // namespace course
