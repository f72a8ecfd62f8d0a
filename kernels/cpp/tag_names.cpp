// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "tag_names.h"

#include "byte_classes.h"

namespace soupstate {
namespace {

// Whether a byte ends the name of a tag (WHATWG HTML, 13.2.5.8).
bool ends_name(uint8_t b) {
  return b == '>' || b == '/' || b == ' ' || b == '\n' || b == '\t' || b == '\r' || b == '\f';
}

// Whether it does so in a tag that may be broken.
bool breaks_name(uint8_t b) { return is(b, kSpace | kSlash | kQuote | kBracket | kEquals); }

// What begins at a byte. named: a tag whose name begins with a letter. end: of its name, or the page's where nothing
// ends the name.
struct Named {
  bool closes, named;
  size_t start, end;

  template <class Ends>
  Named(const uint8_t* page, size_t n, size_t at, Ends ends) {
    const bool is_tag = page[at] == '<';
    closes = is_tag && at + 1 < n && page[at + 1] == '/';
    start = end = at + 1 + closes;
    named = is_tag && start < n && (page[start] | 32) >= 'a' && (page[start] | 32) <= 'z';
    while (named && end < n && !ends(page[end])) ++end;
  }

  int16_t number(const uint8_t* page, const NameNumbers& names) const {
    std::string name(page + start, page + end);
    for (char& c : name) c = static_cast<char>(lower(static_cast<uint8_t>(c)));
    const auto found = names.find(name);
    return static_cast<int16_t>((found == names.end() ? kOtherStart : found->second) + closes);
  }
};

}  // namespace

NameNumbers numbers_of(const std::vector<std::string>& names) {
  NameNumbers numbers;
  for (size_t i = 0; i < names.size(); ++i) numbers.emplace(names[i], static_cast<int16_t>(kFirstName + 2 * i));
  return numbers;
}

void tag_names(const uint8_t* page, size_t n, const int64_t* starts, size_t k, const NameNumbers& names,
               int16_t* numbers) {
  for (size_t i = 0; i < k; ++i) {
    numbers[i] = Named(page, n, static_cast<size_t>(starts[i]), breaks_name).number(page, names);
  }
}

void tag_places(const uint8_t* page, size_t n, const NameNumbers& names, std::vector<int64_t>* places,
                std::vector<int16_t>* numbers) {
  for (size_t at = 0; at < n; ++at) {
    if (page[at] == '>' && at && page[at - 1] == '/') {
      places->push_back(static_cast<int64_t>(at));
      numbers->push_back(kSelfClosing);
    } else if (page[at] == '<') {
      const Named tag(page, n, at, ends_name);
      if (!tag.named) continue;
      if (tag.end == n) return;  // nothing after it ends a name
      places->push_back(static_cast<int64_t>(tag.end));
      numbers->push_back(tag.number(page, names));
      at = tag.end;
    }
  }
}

}  // namespace soupstate
