// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "successors.h"

namespace soupstate {
namespace {

constexpr int kLanes = 12;  // contexts, and as many more as make whole vectors of four
constexpr uint32_t kFactor = 0x2F0B4C47u;

uint32_t add(uint32_t hash, uint32_t value) { return (hash + value + 1) * kFactor; }

bool in_word(uint8_t b) { return (b >= '0' && b <= '9') || ((b | 32) >= 'a' && (b | 32) <= 'z') || b >= 128; }

bool separates(uint8_t b) {
  switch (b) {
    case '"':
    case '\'':
    case '=':
    case ' ':
    case '/':
    case '&':
    case '?':
    case ',':
    case ';':
    case '{':
    case '(':
    case '\n':
      return true;
    default:
      return false;
  }
}

void read_markup(uint8_t b, Markup* p) {
  if (in_word(b)) {
    p->word = add(p->word, b);
  } else if (p->word) {
    p->word_before = p->word;
    p->word = 0;
  }
  if (b == '<') {
    p->in_tag = p->in_name = 1;
    p->tag_before = p->tag;
    p->tag = p->attribute = p->segment = p->since = 0;
    return;
  }
  if (b == '>') {
    p->in_tag = p->in_name = 0;
    p->attribute = p->segment = p->since = 0;
    return;
  }
  p->since = add(p->since, b);
  if (p->in_name) {
    if (in_word(b) || b == '/' || b == '!')
      p->tag = add(p->tag, b);
    else
      p->in_name = 0;
  }
  if (p->in_tag && !p->in_name && b == '=') p->attribute = p->word_before;
  p->segment = separates(b) ? 0 : add(p->segment, b);
}

// The class of a run's length, 1 to 255.
uint32_t class_of(uint32_t run) { return (run < 6 ? run : 6) + (run > 8) + (run > 15) + (run > 31) + (run > 127); }

uint32_t mix(uint32_t h) {
  h ^= h >> 15;
  h *= 0x85EBCA6Bu;  // the finalizer of MurmurHash3 (A. Appleby)
  return h ^ h >> 13;
}

// Returns the table entry after `byte` came in a context with that check. A branch on whether the context was known and
// the byte repeated would often be mispredicted, so this computes all three entries and selects one.
uint32_t updated(uint32_t entry, uint32_t check, uint32_t byte) {
  const uint32_t run = entry >> 24, newest = entry & 0xFF, older = entry >> 8 & 0xFF;
  const uint32_t base = check << 16 | byte, first = base | 1u << 24;
  const uint32_t again = base | (run + (run < 255)) << 24 | older << 8;
  const uint32_t repeated = 0u - (newest == byte), known = 0u - ((run != 0) & ((entry >> 16 & 0xFF) == check));
  const uint32_t after = (again & repeated) | ((first | newest << 8) & ~repeated);
  return (after & known) | ((first | byte << 8) & ~known);
}

}  // namespace

void look_ahead(const uint8_t* bytes, size_t n, SuccessorState* s, ContextsAhead* ahead) {
  Contexts& now = s->now;
  // One array per input of the hashes, so that a processor computes several hashes at once.
  uint32_t last[kAhead] = {}, two[kAhead] = {}, three[kAhead] = {}, four[kAhead] = {}, before[kAhead] = {};
  uint32_t word[kAhead] = {}, word_before[kAhead] = {}, tag[kAhead] = {}, tag_before[kAhead] = {};
  uint32_t attribute[kAhead] = {}, segment[kAhead] = {}, since[kAhead] = {}, in_tag[kAhead] = {};
  for (size_t t = 0; t < n; ++t) {
    read_markup(bytes[t], &now.markup);
    now.bytes_before = now.bytes_before << 8 | now.bytes >> 24;
    now.bytes = now.bytes << 8 | bytes[t];
    const Markup& p = now.markup;
    last[t] = bytes[t];
    two[t] = now.bytes & 0xFFFF;
    three[t] = now.bytes & 0xFFFFFF;
    four[t] = now.bytes;
    before[t] = now.bytes_before & 0xFFFF;
    word[t] = p.word;
    word_before[t] = p.word_before;
    tag[t] = p.tag;
    tag_before[t] = p.tag_before;
    attribute[t] = p.attribute;
    segment[t] = p.segment;
    since[t] = p.since;
    in_tag[t] = p.in_tag;
  }
  uint32_t h[kContexts][kAhead];
  for (size_t t = 0; t < kAhead; ++t) {  // the contexts as `successors.h` lists them
    h[0][t] = add(1, last[t]);
    h[1][t] = add(2, two[t]);
    h[2][t] = add(3, three[t]);
    h[3][t] = add(4, four[t]);
    h[4][t] = add(add(5, four[t]), before[t]);
  }
  for (size_t t = 0; t < kAhead; ++t) {
    h[5][t] = add(add(6, word[t]), last[t]);
    h[6][t] = add(add(add(7, word[t]), word_before[t]), last[t]);
    h[7][t] = add(add(add(add(8, in_tag[t]), tag[t]), attribute[t]), segment[t]);
    h[8][t] = add(add(add(add(9, in_tag[t]), tag[t]), tag_before[t]), since[t]);
    h[9][t] = add(add(add(add(10, word[t]), tag[t]), attribute[t]), last[t]);
  }
  for (int k = 0; k < kContexts; ++k) {
    for (size_t t = 0; t < kAhead; ++t) {
      const uint32_t mixed = mix(h[k][t]);
      ahead->slot[k][t] = mixed & (kContextSlots - 1);
      ahead->check[k][t] = mixed >> 24;
    }
    for (size_t t = 0; t < n; ++t) fetch(&s->table[k][ahead->slot[k][t]]);
  }
}

void read_successors(uint8_t byte, const ContextsAhead& ahead, size_t t, SuccessorState* s, uint8_t* predicted,
                     uint8_t* length, uint16_t* slot, Journal* journal) {
  Contexts& now = s->now;
  uint32_t entry[kLanes] = {}, check[kLanes] = {};
  uint32_t newest[kLanes], older[kLanes], kind[kLanes], kind_of_older[kLanes];
  if (now.slot[0]) {
    for (int k = 0; k < kContexts; ++k) {
      entry[k] = s->table[k][now.slot[k] - 1];
      check[k] = now.check[k];
      if (journal) journal->emplace_back(&s->table[k][now.slot[k] - 1], entry[k]);
    }
    for (int k = 0; k < kLanes; ++k) entry[k] = updated(entry[k], check[k], byte);
    for (int k = 0; k < kContexts; ++k) s->table[k][now.slot[k] - 1] = entry[k];
  }
  for (int k = 0; k < kContexts; ++k) {
    const uint32_t at = ahead.slot[k][t];
    now.slot[k] = 1 + at;
    slot[k] = static_cast<uint16_t>(at);
    now.check[k] = check[k] = ahead.check[k][t];
    entry[k] = s->table[k][at];
  }
  for (int k = 0; k < kLanes; ++k) {
    // Masks of all ones or zeros: whether the context is known, and whether two different bytes have followed it.
    const uint32_t run = entry[k] >> 24;
    const uint32_t known = 0u - ((run != 0) & ((entry[k] >> 16 & 0xFF) == check[k]));
    newest[k] = entry[k] & 0xFF & known;
    older[k] = entry[k] >> 8 & 0xFF & known;
    const uint32_t changed = 0u - (newest[k] != older[k]);
    kind[k] = (class_of(run) + (changed & 10)) & known;
    older[k] &= changed;
    kind_of_older[k] = kind[k] & changed;
  }
  for (int k = 0; k < kContexts; ++k) {
    predicted[k] = static_cast<uint8_t>(newest[k]);
    length[k] = static_cast<uint8_t>(kind[k]);
    predicted[kContexts + k] = static_cast<uint8_t>(older[k]);
    length[kContexts + k] = static_cast<uint8_t>(kind_of_older[k]);
  }
}

}  // namespace soupstate
