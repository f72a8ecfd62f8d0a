// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Finds what the network need not read of a page. See brief.py, whose reference says the same in regular expressions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace soupstate {

constexpr size_t kKeptOfValue = 4;  // bytes kept at either end of a value, inside its quotes
constexpr size_t kKeptOfText = 16;  // the same of the text between two tags
constexpr size_t kLongestValue = 2 * kKeptOfValue + 4, kLongestText = 2 * kKeptOfText + 8;  // what stays whole
constexpr size_t kLongestSpace = 2;  // bytes of white space at either end of a text that stay whole
constexpr size_t kBefore = 10'000;   // bytes before a stretch of `whole` in which nothing is cut either

// Returns the start and the end of each cut of page [n], flat: ascending, and none touches the next. whole [k, 2]:
// where nothing is cut, ascending.
std::vector<int64_t> brief_cuts(const uint8_t* page, size_t n, const int64_t* whole, size_t k);

}  // namespace soupstate
