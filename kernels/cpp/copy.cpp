// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "copy.h"

#include <utility>
#include <vector>

namespace soupstate {
namespace {

constexpr uint32_t kOrder[kMatchers] = {5, 3};
constexpr uint32_t kMaxVerified = 32;  // bytes compared before a new match counts
constexpr uint32_t kRingMask = kRing - 1;

uint8_t length_class(uint32_t length) {
  if (length < 8) return static_cast<uint8_t>(1 + length);
  if (length < 12) return 9;
  if (length < 16) return 10;
  if (length < 24) return 11;
  if (length < 32) return 12;
  if (length < 64) return 13;
  return length < 256 ? 14 : 15;
}

// Counts equal bytes backwards from index a and index b (a < b), up to kMaxVerified.
uint32_t common(const CopyState& s, uint32_t a, uint32_t b) {
  uint32_t n = 0;
  while (n < kMaxVerified && n <= a && s.history[(a - n) & kRingMask] == s.history[(b - n) & kRingMask]) ++n;
  return n;
}

void step(CopyState* s, int k, uint8_t byte, Journal* journal) {
  const uint32_t n = s->count;  // bytes read, including the new one
  if (s->pointer[k] && s->history[(s->pointer[k] - 1) & kRingMask] == byte) {
    ++s->pointer[k];
    if (s->length[k] < 65535) ++s->length[k];
  } else {
    s->pointer[k] = s->length[k] = 0;
  }
  if (n < kOrder[k]) return;
  uint32_t hash = 0;
  for (uint32_t j = 0; j < kOrder[k]; ++j) hash = (hash + s->history[(n - 1 - j) & kRingMask] + 1) * 0x2F0B4C47u;
  hash = (hash ^ (hash >> 15)) & (kMatcherSlots - 1);
  const uint32_t found = s->table[k][hash];
  if (journal) journal->emplace_back(&s->table[k][hash], found);
  s->table[k][hash] = n + 1;
  if (k == 0 && s->pointer[k]) return;
  s->pointer[k] = s->length[k] = 0;
  if (found < 2 || n + 1 - found >= kRing - kMaxVerified) return;
  const uint32_t length = common(*s, found - 2, n - 1);
  if (length >= kOrder[k]) {
    s->pointer[k] = found;
    s->length[k] = length;
  }
}

void run(const uint8_t* ids, size_t n, CopyState* s, uint8_t* predicted, uint8_t* length, uint16_t* slot,
         Journal* journal) {
  for (size_t t = 0; t < n; ++t) {
    s->history[s->count & kRingMask] = ids[t];
    ++s->count;
    for (int k = 0; k < kMatchers; ++k) {
      step(s, k, ids[t], journal);
      // The byte that a followed pointer expects may leave the ring. Stop before it is overwritten.
      if (s->pointer[k] && s->count + 1 - s->pointer[k] >= kRing - kMaxVerified) s->pointer[k] = s->length[k] = 0;
      const bool on = s->pointer[k] != 0;
      predicted[k] = on ? s->history[(s->pointer[k] - 1) & kRingMask] : 0;
      length[k] = on ? length_class(s->length[k]) : 0;
    }
    read_successors(ids[t], &s->successors, predicted + kMatchers, length + kMatchers, slot, journal);
    predicted += kPredictions;
    length += kPredictions;
    slot += kContexts;
  }
}

}  // namespace

void copies(const uint8_t* ids, size_t n, CopyState* state, uint8_t* predicted, uint8_t* length, uint16_t* slot) {
  run(ids, n, state, predicted, length, slot, nullptr);
}

void peek_copies(const uint8_t* ids, size_t n, CopyState* s, uint8_t* predicted, uint8_t* length, uint16_t* slot) {
  const uint32_t count = s->count;
  const std::pair<uint32_t, uint32_t> before[kMatchers] = {{s->pointer[0], s->length[0]},
                                                           {s->pointer[1], s->length[1]}};
  std::vector<uint8_t> overwritten(n);
  for (size_t t = 0; t < n; ++t) overwritten[t] = s->history[(count + t) & kRingMask];
  const Contexts contexts = s->successors.now;
  Journal journal;
  journal.reserve(n * (kMatchers + kContexts));
  run(ids, n, s, predicted, length, slot, &journal);
  for (auto entry = journal.rbegin(); entry != journal.rend(); ++entry) *entry->first = entry->second;
  for (size_t t = 0; t < n; ++t) s->history[(count + t) & kRingMask] = overwritten[t];
  s->count = count;
  for (int k = 0; k < kMatchers; ++k) {
    s->pointer[k] = before[k].first;
    s->length[k] = before[k].second;
  }
  s->successors.now = contexts;
}

}  // namespace soupstate
