#include "render.hpp"

#include <algorithm>

using Place = Variable::Place;

namespace {

// What lies between two tokens, its line ends moved by so many columns.
std::string shifted(std::string_view gap, long columns) {
  std::string result;
  for (std::size_t i = 0; i < gap.size(); ++i) {
    if (gap[i] == '\r') continue;
    result += gap[i];
    if (gap[i] != '\n') continue;
    long blanks = columns;
    for (; i + 1 < gap.size() && gap[i + 1] == ' '; ++i) ++blanks;
    bool empty_line = i + 1 < gap.size() && (gap[i + 1] == '\n' || gap[i + 1] == '\r');
    if (!empty_line) result.append(static_cast<std::size_t>(std::max(0L, blanks)), ' ');
  }
  return result;
}

}  // namespace

std::string Renderer::written(Range range) const {
  std::string result;
  for (std::size_t i = range.first; i < range.last; ++i) {
    if (i > range.first && follows_blank(i)) result += ' ';
    result += reader_.token(i).text;
  }
  return result;
}

std::string Renderer::type_of(const Variable& variable) const {
  bool own_const = variable.is_const && !variable.is_pointer && variable.place != Place::member;
  return (own_const ? "const " : "") + value_type_of(variable);
}

std::string Renderer::value_type_of(const Variable& variable) const {
  if (variable.is_auto && variable.wait) {
    std::string future = "Wait" + std::to_string(*variable.wait + 1);
    return options_.pin ? future + "::element_type::Output" : future + "::Output";
  }
  if (variable.is_auto) {
    std::string value =
        variable.from_range ? "*" + variable.iterator : unevaluated(variable.initializer);
    return variable.reference.empty() ? "std::decay_t<decltype(" + value + ")>"
                                      : "std::remove_reference_t<decltype((" + value + "))>";
  }
  if (deduces_arguments(variable)) {
    bool braces = variable.form == Variable::Form::braces;
    return "decltype(" + written(variable.type) + (braces ? "{" : "(") +
           unevaluated(variable.initializer) + (braces ? "})" : "))");
  }
  std::string type = variable.is_const && variable.is_pointer ? "const" : "";
  for (std::size_t i = variable.type.first; i < variable.type.last;) {
    std::size_t behind = std::max(i + 1, reader_.behind_angles(i));
    bool qualifies = reader_.is(i, "const") || reader_.is(i, "constexpr") ||
                     reader_.is(i, "static") || reader_.is(i, "constinit");
    bool begins = type.empty() || type == "const";
    if (!qualifies)
      type += (type.empty() || (!begins && !follows_blank(i)) ? "" : " ") + written({i, behind});
    i = behind;
  }
  // What is before the name, but for the reference and a const of its own.
  std::size_t last = variable.at;
  while (last > variable.declarator.first && !reader_.is(last - 1, "*")) --last;
  return type + written({variable.declarator.first, last});
}

// std::lock_guard lock(mutex): an object finds out the arguments of its template, a member can't.
bool Renderer::deduces_arguments(const Variable& variable) const {
  if (variable.form == Variable::Form::none || variable.type.last < variable.type.first + 3)
    return false;
  std::size_t name = variable.type.last - 1;
  if (!reader_.is(name - 1, "::") || !reader_.is(name - 2, "std")) return false;
  for (std::string_view word :
       {"array", "function", "list", "lock_guard", "map", "optional", "pair", "scoped_lock", "set",
        "shared_lock", "tuple", "unique_lock", "vector"})
    if (reader_.is(name, word)) return true;
  return false;
}

bool Renderer::follows_blank(std::size_t token) const {
  return reader_.token(token).offset > reader_.token(token - 1).end_offset();
}

// `takes_dot`: a "." follows, and is part of what is returned.
std::string Renderer::name_of(std::size_t token, bool unevaluated, bool& takes_dot) const {
  std::string word(reader_.token(token).text);
  std::optional<std::size_t> index = meanings_.of(token);
  if (!index) return word;
  const Variable& variable = coroutine_.variables[*index];
  if (variable.in_lambda) return word;
  if (variable.place == Place::local) {
    if (!unevaluated) return word;
    std::string type = type_of(variable);
    constexpr std::size_t most = 4'000;  // auto b = a + a; auto c = b + b; … doubles with each line
    if (type.size() > most)
      throw Refusal(reader_.token(token).at,
                    "the type of " + word + " follows from that of too many others; write it down");
    return "std::declval<" + type + "&>()";
  }
  if (variable.place == Place::member) return variable.kept_name;
  // The member is not const: a const one could not be moved with the rest.
  if (variable.place == Place::optional && variable.is_const && !variable.is_pointer)
    return "std::as_const(*" + variable.kept_name + ")";
  if (reader_.is(token + 1, ".")) {
    takes_dot = true;
    return variable.kept_name + "->";
  }
  for (std::string_view next : {"[", "(", "++", "--", "->"})
    if (reader_.is(token + 1, next)) return "(*" + variable.kept_name + ")";
  if (token > 0 && reader_.is(token - 1, "/")) return "(*" + variable.kept_name + ")";
  return "*" + variable.kept_name;
}

std::string Renderer::print(Range range, bool unevaluated, std::size_t column) const {
  std::string result;
  if (range.empty()) return result;
  long shift = static_cast<long>(column) + 1 - reader_.token(range.first).at.column;
  bool glued = true;
  for (std::size_t i = range.first; i < range.last;) {
    if (!glued) {
      std::size_t from = reader_.token(i - 1).end_offset();
      std::string_view gap = source_.substr(from, reader_.token(i).offset - from);
      if (!unevaluated)
        result += shifted(gap, shift);
      else if (!gap.empty() && !result.ends_with('('))
        result += ' ';
    }
    glued = false;
    if (auto found = replaced_.find(i); found != replaced_.end()) {
      result += found->second.text;
      i = found->second.last;
      glued = found->second.text.ends_with('(') || found->second.text.empty();
    } else if (unevaluated && (reader_.is(i, "++") || reader_.is(i, "--"))) {
      ++i;  // clang warns that it is never done; the type is the same without
    } else {
      bool takes_dot = false;
      result += name_of(i, unevaluated, takes_dot);
      i += takes_dot ? 2 : 1;
      glued = takes_dot;
    }
    if (auto found = behind_.find(i - 1); found != behind_.end()) result += found->second;
  }
  return result;
}
