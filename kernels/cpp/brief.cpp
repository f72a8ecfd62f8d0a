// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "brief.h"

#include <cstring>
#include <string_view>
#include <utility>

#include "byte_classes.h"

namespace soupstate {
namespace {

// Attributes that tell a mark, and elements none of whose attributes does. Those of brief.py.
constexpr std::string_view kTold[] = {"alt",  "colspan", "data-lazy-src", "data-src", "data-original", "hidden", "href",
                                      "open", "rel",     "rowspan",       "selected", "src",           "type"};
constexpr std::string_view kMute[] = {"link", "meta", "script", "style"};
constexpr std::string_view kBodies[] = {"script", "style", "svg"};  // elements whose texts stay whole

// Whether bytes are a name, in any case.
bool is_same(std::string_view name, const uint8_t* first, const uint8_t* last) {
  if (name.size() != static_cast<size_t>(last - first)) return false;
  for (const char c : name)
    if (lower(*first++) != lower(static_cast<uint8_t>(c))) return false;
  return true;
}

// Whether bytes are one of some names, in any case.
template <size_t N>
bool is_one_of(const std::string_view (&names)[N], const uint8_t* first, const uint8_t* last) {
  for (const auto& name : names)
    if (is_same(name, first, last)) return true;
  return false;
}

// Whether a byte goes on with a character of UTF-8.
bool goes_on(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// The class \w of regular expressions.
bool is_word(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || byte == '_' || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
}

// The end of the word that begins at `first`.
const uint8_t* word_end(const uint8_t* first, const uint8_t* last) {
  while (first < last && is_word(*first)) ++first;
  return first;
}

// The end of the comment or of the body that begins at `at` and whose next bracket is `bracket`; `at` where none does.
const uint8_t* body_end(const uint8_t* at, const uint8_t* bracket, const uint8_t* end) {
  constexpr std::string_view kOpen = "<!--", kClose = "-->";
  const std::string_view rest(reinterpret_cast<const char*>(at), static_cast<size_t>(end - at));
  if (rest.substr(0, kOpen.size()) == kOpen) {
    const size_t closed = rest.find(kClose, kOpen.size());
    return closed == rest.npos ? end : at + closed + kClose.size();
  }
  const uint8_t* named = word_end(at + 1, end);
  if (*at != '<' || *bracket != '>' || !is_one_of(kBodies, at + 1, named)) return at;
  const std::string_view name(reinterpret_cast<const char*>(at + 1), static_cast<size_t>(named - at - 1));
  for (size_t i = static_cast<size_t>(bracket - at); (i = rest.find("</", i)) != rest.npos; i += 2) {
    const uint8_t *first = at + i + 2, *last = word_end(first, end);
    if (is_same(name, first, last)) return last;
  }
  return end;
}

struct Cutter {
  const uint8_t *page, *end;
  std::vector<int64_t> cuts{};

  void cut(const uint8_t* from, const uint8_t* to) {
    if (from >= to) return;
    if (!cuts.empty() && cuts.back() == from - page) {
      cuts.back() = to - page;
    } else {
      cuts.push_back(from - page);
      cuts.push_back(to - page);
    }
  }

  // Cuts out what stands further than `kept` from either end, between characters.
  void middle(const uint8_t* first, const uint8_t* last, size_t kept) {
    const uint8_t *from = first + kept, *to = last - kept;
    while (from < to && goes_on(*from)) ++from;
    while (from < to && goes_on(*to)) --to;
    cut(from, to);
  }

  static const uint8_t* pass(const uint8_t* at, const uint8_t* last, int classes) {
    while (at < last && is(*at, classes)) ++at;
    return at;
  }
  static const uint8_t* pass_not(const uint8_t* at, const uint8_t* last, int classes) {
    while (at < last && !is(*at, classes)) ++at;
    return at;
  }

  // Cuts a tag that begins at *first and ends with *last, if `may`. Returns whether it is a whole start tag, with both
  // quotes of each value, or an end tag.
  bool tag(const uint8_t* first, const uint8_t* last, bool may) {
    constexpr int kEndsName = kSpace | kSlash | kQuote | kBracket | kEquals;
    const bool closing = first[1] == '/';
    const uint8_t letter = first[1 + closing] | 32;
    if (letter < 'a' || letter > 'z') return false;
    if (closing) return true;
    const uint8_t* name = pass_not(first + 1, last, kEndsName);
    const bool mute = is_one_of(kMute, first + 1, name);
    const size_t before = cuts.size();
    const int64_t joins = before ? cuts.back() : 0;
    const uint8_t* at = name;
    for (;;) {
      const uint8_t* begin = at;
      const uint8_t* named = pass(begin, last, kSpace | kSlash);
      const uint8_t* next = pass_not(named, last, kEndsName);
      if (named == begin || next == named) {
        at = named;
        break;
      }
      const uint8_t* quoted = nullptr;
      at = next;
      const uint8_t* equals = pass(next, last, kSpace);
      if (equals < last && *equals == '=') {
        const uint8_t *value = pass(equals + 1, last, kSpace), *stop = value;
        if (value < last && is(*value, kQuote)) {
          quoted = value;
          const void* closed = memchr(value + 1, *value, static_cast<size_t>(last - value - 1));
          if (closed) stop = static_cast<const uint8_t*>(closed) + 1;
        } else {
          while (stop < last && !is(*stop, kSpace | kQuote | kEquals) && *stop != '`') ++stop;
        }
        if (stop == value) break;  // no value, so this is no tag
        at = stop;
      }
      if (mute) continue;
      if (!is_one_of(kTold, named, next)) {
        cut(begin, at);
      } else if (quoted && static_cast<size_t>(at - quoted) - 2 > kLongestValue) {
        middle(quoted + 1, at - 1, kKeptOfValue);
      }
    }
    const bool well_formed = at == last;
    if (!well_formed || !may) {
      cuts.resize(before);
      if (before) cuts.back() = joins;
    } else if (mute) {
      cut(name, last);
    }
    return well_formed;
  }

  // Cuts white space at the ends of a text, and its middle.
  void text(const uint8_t* first, const uint8_t* last) {
    const uint8_t *begin = pass(first, last, kSpace), *stop = last;
    if (static_cast<size_t>(begin - first) > kLongestSpace) cut(first + 1, begin - 1);
    if (begin == last) return;
    while (is(stop[-1], kSpace)) --stop;
    if (static_cast<size_t>(stop - begin) > kLongestText) middle(begin, stop, kKeptOfText);
    if (static_cast<size_t>(last - stop) > kLongestSpace) cut(stop + 1, last - 1);
  }
};

}  // namespace

std::vector<int64_t> brief_cuts(const uint8_t* page, size_t n, const int64_t* whole, size_t k) {
  Cutter cutter{page, page + n};
  size_t next = 0;  // the first stretch of `whole` that does not end before
  const auto may = [&](const uint8_t* first, const uint8_t* last) {
    while (next < k && whole[2 * next + 1] < last - page) ++next;
    return next == k || whole[2 * next] >= first - page + static_cast<int64_t>(kBefore);
  };
  const uint8_t* body = page;  // the end of the last comment or body
  bool tagged = false;         // whether a well-formed tag ends at `at`
  const uint8_t* at = Cutter::pass_not(page, cutter.end, kBracket);
  while (at < cutter.end) {
    const uint8_t* bracket = Cutter::pass_not(at + 1, cutter.end, kBracket);  // the next one
    if (bracket == cutter.end) break;
    if (tagged && at + 1 >= body && *bracket == '<' && may(at + 1, bracket)) cutter.text(at + 1, bracket);
    if (at >= body) body = body_end(at, bracket, cutter.end);
    tagged = *at == '<' && *bracket == '>' && cutter.tag(at, bracket, may(at, bracket + 1));
    at = bracket;
  }
  return std::move(cutter.cuts);
}

}  // namespace soupstate
