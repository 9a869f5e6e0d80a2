#include "own_names.hpp"

#include <set>
#include <string_view>

bool is_own_name(std::string_view name) {
  for (std::string_view form : {"Wait", "each_", "end_"}) {
    if (!name.starts_with(form)) continue;
    std::string_view rest = name.substr(form.size());
    if (form != "Wait") {
      if (!rest.ends_with('_')) return false;
      rest.remove_suffix(1);
    }
    return !rest.empty() && rest.find_first_not_of("0123456789") == std::string_view::npos;
  }
  return name == "state_";
}

OwnNames::OwnNames(const Coroutine& coroutine, const Reader& reader, const Options& options) {
  std::set<std::string_view> used;
  for (std::size_t i = coroutine.range.first; i < coroutine.range.last; ++i) {
    if (!reader.is_name(i)) continue;
    used.insert(reader.token(i).text);
    bool fixed = reader.is(i, "poll") || reader.is(i, "Output") ||
                 (options.waker && reader.is(i, "waker")) || is_own_name(reader.token(i).text);
    if (fixed && reader.stands_alone(i))
      throw Refusal(reader.token(i).at,
                    "in a coroutine " + std::string(reader.token(i).text) +
                        " would mean the member of the future; use another name");
  }
  for (const Variable& one : coroutine.variables) used.insert(one.kept_name);
  for (std::string* name :
       {&states, &resume, &finish, &resolve, &ready, &test, &made, &start, &resolved}) {
    std::string plain = *name;
    for (int number = 2; used.contains(*name); ++number) *name = plain + std::to_string(number);
  }
}
