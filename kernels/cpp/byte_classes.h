// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// What each byte is in a tag, and letters in lower case.
#pragma once
#include <cstdint>

namespace soupstate {

enum : uint8_t { kSpace = 1, kSlash = 2, kQuote = 4, kBracket = 8, kEquals = 16 };

struct ByteClasses {
  uint8_t of[256];
  constexpr ByteClasses() : of() {
    for (const char c : {' ', '\t', '\n', '\r', '\f', '\v'}) of[static_cast<uint8_t>(c)] = kSpace;
    of[static_cast<uint8_t>('/')] = kSlash;
    of[static_cast<uint8_t>('"')] = of[static_cast<uint8_t>('\'')] = kQuote;
    of[static_cast<uint8_t>('<')] = of[static_cast<uint8_t>('>')] = kBracket;
    of[static_cast<uint8_t>('=')] = kEquals;
  }
};
inline constexpr ByteClasses kByteClasses;

// Whether a byte is in one of the classes.
inline bool is(uint8_t byte, int classes) { return kByteClasses.of[byte] & classes; }

inline uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte | 32 : byte; }

}  // namespace soupstate
