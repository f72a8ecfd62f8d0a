// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The words of texts and the names in tags. See words.py, whose references say the same in regular expressions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace soupstate {

// Bits of a character's class: it is part of a word, it is a word of its own, and what else is counted.
enum : uint8_t { kWordPart = 1, kWordAlone = 2, kDigit = 4, kCapital = 8, kPunctuation = 16 };
constexpr size_t kCounted = 3;  // digits, capitals, punctuation

// The classes of the code points below `size`. Those beyond have none.
struct CharacterClasses {
  const uint8_t* of;
  size_t size;
};

// Texts in valid UTF-8, one after the other. Text i ends before byte ends[i].
struct Texts {
  const uint8_t* bytes;
  const int64_t* ends;
  size_t count;
};

// Writes how many digits, capitals and signs of punctuation each text has: counts [count][kCounted].
void count_characters(const Texts& texts, const CharacterClasses& classes, int64_t* counts);

// Writes for each text the number of its words, of those that differ, and of the title's among them: counts [count][3].
// Appends the hashes below `buckets` of its first and of its last words, and writes how many these are: sizes [count].
void count_words(const Texts& texts, std::string_view title, const CharacterClasses& classes, size_t first, size_t last,
                 uint32_t buckets, int64_t* counts, std::vector<int64_t>* hashes, int64_t* sizes);

// Writes for each tag page[starts[i]:ends[i]] the hash of its first name, or 0: firsts [k]. Appends the hashes below
// `buckets` of what it tells by its first `most` names, and writes how many these are: sizes [k].
void tell_names(const uint8_t* page, const int64_t* starts, const int64_t* ends, size_t k,
                const std::unordered_set<std::string>& untold, size_t most, uint32_t buckets, uint32_t* firsts,
                std::vector<int64_t>* hashes, int64_t* sizes);

}  // namespace soupstate
