// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The copy input: the byte that followed the last time in a similar context, and how long the match has been. The
// predictions after each byte come in this order: those of the matchers, the newest byte of each context's successors,
// the older byte of each context's successors.
//
// The matchers are a match model as in the PAQ family of compressors (M. Mahoney, "Adaptive Weighing of Context Models
// for Lossless Data Compression", 2005, the section on long matches). Two matchers read the same history:
//   0 "follow" finds the last place where the last 5 bytes stood, and follows it until it is wrong.
//   1 "recent" finds, at every byte, the most recent place where the last 3 bytes stood.
// We chose orders and modes on 150 training pages by the bits that an adaptive model of hits and misses needs: follow 5
// alone 1.50, follow 5 + recent 4 1.37, follow 5 + recent 3 1.32.
#pragma once
#include <cstddef>
#include <cstdint>

#include "successors.h"

namespace soupstate {

constexpr int kMatchers = 2;
constexpr int kPredictions = kMatchers + 2 * kContexts;
// 0: no prediction; 1 to 15: length of a match; 1 to 20: length of a run, from 11 where another byte came before it.
constexpr int kLengthClasses = 24;
constexpr uint32_t kRing = 1u << 19;          // bytes of history
constexpr uint32_t kMatcherSlots = 1u << 18;  // hash table entries per matcher

// The history of one page, 5 MiB. Plain data: copy it to save it. All zeros is the state before the first byte.
struct CopyState {
  uint32_t count;                            // bytes read so far
  uint32_t pointer[kMatchers];               // 1 + index of the byte expected next, or 0
  uint32_t length[kMatchers];                // bytes matched so far
  uint32_t table[kMatchers][kMatcherSlots];  // hash of the last bytes -> 1 + index of the byte after them, or 0
  SuccessorState successors;
  uint8_t history[kRing];
};

// Reads ids [n] and updates `state` in place. After byte t it writes three rows: predicted [n, kPredictions], the bytes
// expected at t + 1; length [n, kPredictions], the class of each match or run; slot [n, kContexts], the hash of each
// context. Both predicted and length are 0 where nothing is expected. The arrays must not overlap.
void copies(const uint8_t* ids, size_t n, CopyState* state, uint8_t* predicted, uint8_t* length, uint16_t* slot);

// Writes the same outputs and restores `state` before it returns, for many short texts that might follow one place. n
// is at most kRing.
void peek_copies(const uint8_t* ids, size_t n, CopyState* state, uint8_t* predicted, uint8_t* length, uint16_t* slot);

}  // namespace soupstate
