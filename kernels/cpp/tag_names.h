// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Which elements the tags of a page name. See tag_names.py, whose references say the same in regular expressions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace soupstate {

// Numbers of tags: a start tag or an end tag of a name that is not told apart, `/>`, then two for each name.
enum : int16_t { kOtherStart, kOtherEnd, kSelfClosing, kFirstName };

// The numbers of the start tags of names in lower case.
using NameNumbers = std::unordered_map<std::string, int16_t>;
NameNumbers numbers_of(const std::vector<std::string>& names);

// Writes numbers [k] of the tags that begin at starts [k] in page [n]. What is no tag, or has no name, counts as
// another.
void tag_names(const uint8_t* page, size_t n, const int64_t* starts, size_t k, const NameNumbers& names,
               int16_t* numbers);

// Appends the places of page [n] at which elements may open or close, ascending, and the number of each.
void tag_places(const uint8_t* page, size_t n, const NameNumbers& names, std::vector<int64_t>* places,
                std::vector<int16_t>* numbers);

}  // namespace soupstate
