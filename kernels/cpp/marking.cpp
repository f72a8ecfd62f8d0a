// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "marking.h"

#include <algorithm>
#include <vector>

#include "byte_classes.h"

namespace soupstate {
namespace {

// Reads one tag from left to right. It never goes back by more than one attribute.
struct Scanner {
  const uint8_t *at, *last;

  void pass(int classes) {
    while (at < last && is(*at, classes)) ++at;
  }
  // Passes bytes that are in none of the classes. Returns whether there are any.
  bool pass_not(int classes) {
    const uint8_t* before = at;
    while (at < last && !is(*at, classes)) ++at;
    return at > before;
  }
  // Passes a value with the `=` before it, or stays where it is.
  void value() {
    const uint8_t* before = at;
    pass(kSpace);
    if (at < last && *at == '=') {
      ++at;
      pass(kSpace);
      if (at < last && is(*at, kQuote)) {
        const uint8_t* end = std::find(at + 1, last, *at);
        if (end < last) {
          at = end + 1;
          return;
        }
      } else if (at < last && !is(*at, kEquals) && pass_not(kSpace | kQuote | kBracket)) {
        return;
      }
    }
    at = before;
  }
  // Passes white space and slashes, and the attribute after them. Returns whether there is one; if not, it stays.
  bool attribute() {
    const uint8_t* before = at;
    pass(kSpace | kSlash);
    if (at == before || !pass_not(kSpace | kSlash | kQuote | kBracket | kEquals)) {
      at = before;
      return false;
    }
    value();
    return true;
  }
  bool tag() {
    if (at == last || *at++ != '<') return false;
    if (at == last || (*at | 32) < 'a' || (*at | 32) > 'z') return false;
    pass_not(kSpace | kSlash | kQuote | kBracket | kEquals);
    while (attribute()) {
    }
    pass(kSpace | kSlash);
    return at < last && *at++ == '>';
  }
};

}  // namespace

void span_classes(const float* rows, size_t columns, const int64_t* first, const int64_t* last, size_t k,
                  const Columns* heads, size_t number_of_heads, uint8_t* classes) {
  std::vector<double> sums(columns);
  for (size_t i = 0; i < k; ++i) {
    const float* row = rows + static_cast<size_t>(first[i]) * columns;
    const float* end = rows + static_cast<size_t>(last[i]) * columns;
    std::fill(sums.begin(), sums.end(), 0.0);
    for (; row < end; row += columns)
      for (size_t j = 0; j < columns; ++j) sums[j] += row[j];
    for (size_t h = 0; h < number_of_heads; ++h) {
      const auto begin = sums.begin() + heads[h].first;
      *classes++ = static_cast<uint8_t>(std::max_element(begin, sums.begin() + heads[h].last) - begin);
    }
  }
}

void tag_ends(const uint8_t* page, size_t n, const int64_t* starts, size_t k, size_t longest, int64_t* ends) {
  for (size_t i = 0; i < k; ++i) {
    const size_t start = static_cast<size_t>(starts[i]);
    Scanner scanner{page + start, page + std::min(n, start + longest)};
    ends[i] = scanner.tag() ? scanner.at - page : 0;
  }
}

}  // namespace soupstate
