// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "copy.h"

#include <utility>
#include <vector>

namespace soupstate {
namespace {

constexpr uint32_t kOrder[kMatchers] = {5, 3};
constexpr uint32_t kMaxVerified = 32;  // bytes compared before a new match counts
constexpr uint32_t kRingMask = kRing - 1;
// A place so far back is forgotten. Bytes that are compared, and bytes that `read` writes ahead, need the rest.
constexpr uint32_t kReach = kRing - kMaxVerified - kAhead;

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

// The entry of the last bytes in a matcher's table, once n bytes have been read.
uint32_t slot_of(const CopyState& s, int k, uint32_t n) {
  uint32_t hash = 0;
  for (uint32_t j = 0; j < kOrder[k]; ++j) hash = (hash + s.history[(n - 1 - j) & kRingMask] + 1) * 0x2F0B4C47u;
  return (hash ^ (hash >> 15)) & (kMatcherSlots - 1);
}

// Moves matcher k past a byte, after which n bytes have been read. at: from `slot_of`.
void step(CopyState* s, int k, uint8_t byte, uint32_t n, uint32_t at, Journal* journal) {
  if (s->pointer[k] && s->history[(s->pointer[k] - 1) & kRingMask] == byte) {
    ++s->pointer[k];
    if (s->length[k] < 65535) ++s->length[k];
  } else {
    s->pointer[k] = s->length[k] = 0;
  }
  if (n < kOrder[k]) return;
  const uint32_t found = s->table[k][at];
  if (journal) journal->emplace_back(&s->table[k][at], found);
  s->table[k][at] = n + 1;
  if (k == 0 && s->pointer[k]) return;
  const uint32_t before = s->pointer[k] == found ? s->length[k] : 0;
  s->pointer[k] = s->length[k] = 0;
  if (found < 2 || n + 1 - found >= kReach) return;
  // A match that goes on is as long as it was, and one.
  const uint32_t length = before ? (before < kMaxVerified ? before : kMaxVerified) : common(*s, found - 2, n - 1);
  if (length >= kOrder[k]) {
    s->pointer[k] = found;
    s->length[k] = length;
  }
}

// Reads bytes [n], n at most kAhead. What depends on the bytes alone comes first, so that the processor fetches the
// entries of all tables meanwhile.
void read(const uint8_t* ids, size_t n, CopyState* s, uint8_t* predicted, uint8_t* length, uint16_t* slot,
          Journal* journal) {
  ContextsAhead ahead;
  uint32_t at[kAhead][kMatchers];
  const uint32_t count = s->count;
  for (size_t t = 0; t < n; ++t) {
    s->history[(count + t) & kRingMask] = ids[t];
    for (int k = 0; k < kMatchers; ++k) {
      at[t][k] = slot_of(*s, k, count + static_cast<uint32_t>(t) + 1);
      fetch(&s->table[k][at[t][k]]);
    }
  }
  look_ahead(ids, n, &s->successors, &ahead);
  for (size_t t = 0; t < n; ++t) {
    ++s->count;
    for (int k = 0; k < kMatchers; ++k) {
      step(s, k, ids[t], s->count, at[t][k], journal);
      // The byte that a followed pointer expects may leave the ring. Stop before it is overwritten.
      if (s->pointer[k] && s->count + 1 - s->pointer[k] >= kReach) s->pointer[k] = s->length[k] = 0;
      const bool on = s->pointer[k] != 0;
      predicted[k] = on ? s->history[(s->pointer[k] - 1) & kRingMask] : 0;
      length[k] = on ? length_class(s->length[k]) : 0;
    }
    read_successors(ids[t], ahead, t, &s->successors, predicted + kMatchers, length + kMatchers, slot, journal);
    predicted += kPredictions;
    length += kPredictions;
    slot += kContexts;
  }
}

void run(const uint8_t* ids, size_t n, CopyState* s, uint8_t* predicted, uint8_t* length, uint16_t* slot,
         Journal* journal) {
  for (size_t t = 0; t < n; t += kAhead) {
    read(ids + t, n - t < kAhead ? n - t : kAhead, s, predicted + t * kPredictions, length + t * kPredictions,
         slot + t * kContexts, journal);
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
