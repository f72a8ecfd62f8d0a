// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The copy input: what followed the last time, and how long the match has been. Predictions of a byte come in this order:
// the matchers', then the successors' newest byte, context by context, then their older bytes.
//
// A match model as in the PAQ family of compressors (M. Mahoney, "Adaptive weighing of context models for
// lossless data compression", 2005, the section on long matches). Two matchers read the same history:
//   0 "follow": finds the last place where the last 5 bytes stood, then follows it until it is wrong;
//   1 "recent": at every byte, the most recent place where the last 3 bytes stood.
// Orders and modes were chosen on 150 training pages, by the bits that an adaptive model of
// hit or miss needs: follow 5 alone 1.50, follow 5 + recent 4 1.37, follow 5 + recent 3 1.32.
#pragma once
#include <cstddef>
#include <cstdint>

#include "successors.h"

namespace soupstate {

constexpr int kMatchers = 2;
constexpr int kPredictions = kMatchers + 2 * kContexts;
// 0: no prediction; of a match 1..15, of a run 1..20 (from 11: of a context in which another byte came before), by steps.
constexpr int kLengthClasses = 24;
constexpr uint32_t kRing = 1u << 19;   // bytes of history kept
constexpr uint32_t kSlots = 1u << 18;  // hash table entries of each matcher

// One page's history. Plain data: copy it to save it. 5 MiB. Zero bytes are the empty state.
struct CopyState {
  uint32_t count;               // bytes read so far
  uint32_t pointer[kMatchers];  // 1 + index of the byte expected next; 0: none
  uint32_t length[kMatchers];   // bytes matched so far
  uint32_t table[kMatchers][kSlots];  // hash of the last bytes -> 1 + index of the byte after them
  SuccessorState successors;
  uint8_t history[kRing];
};

// Reads ids [n]; after byte t, predicted [n, kPredictions] are the bytes expected at t + 1 (0 where there is none) and
// length [n, kPredictions] the class of the match or run length (0 where there is none), and
// slot [n, kContexts] the hash of each context. `state` is updated in place. No aliasing.
void copies(const uint8_t* ids, size_t n, CopyState* state, uint8_t* predicted, uint8_t* length, uint16_t* slot);

// The same outputs, and `state` is as it was when it returns (what was written is taken back): for many short texts that
// might follow one place. n is at most kRing.
void peek_copies(const uint8_t* ids, size_t n, CopyState* state, uint8_t* predicted, uint8_t* length, uint16_t* slot);

}  // namespace soupstate
