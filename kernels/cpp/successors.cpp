// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "successors.h"

namespace soupstate {
namespace {

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

// The class of each run length, 1 to 255.
struct Classes {
  uint8_t of[256];
  constexpr Classes() : of() {
    for (uint32_t run = 0; run < 256; ++run)
      of[run] = static_cast<uint8_t>(run < 6 ? run : run < 9 ? 6 : run < 16 ? 7 : run < 32 ? 8 : run < 128 ? 9 : 10);
  }
};
constexpr Classes kClasses;

// Computes the hash of each context after the bytes read so far.
void hashes(const Contexts& s, uint32_t* hash) {
  const Markup& p = s.markup;
  const uint32_t last = s.bytes & 0xFF;
  hash[0] = add(1, last);
  hash[1] = add(2, s.bytes & 0xFFFF);
  hash[2] = add(3, s.bytes & 0xFFFFFF);
  hash[3] = add(4, s.bytes);
  hash[4] = add(add(5, s.bytes), s.bytes_before & 0xFFFF);
  hash[5] = add(add(6, p.word), last);
  hash[6] = add(add(add(7, p.word), p.word_before), last);
  hash[7] = add(add(add(add(8, p.in_tag), p.tag), p.attribute), p.segment);
  hash[8] = add(add(add(add(9, p.in_tag), p.tag), p.tag_before), p.since);
  hash[9] = add(add(add(add(10, p.word), p.tag), p.attribute), last);
}

uint32_t mix(uint32_t h) {
  h ^= h >> 15;
  h *= 0x85EBCA6Bu;  // the finalizer of MurmurHash3 (A. Appleby)
  return h ^ h >> 13;
}

// Returns the table entry after `byte` came in a context with that check. A branch on whether the context was known and
// the byte repeated would often be mispredicted, so this computes all three entries and selects one.
uint32_t updated(uint32_t entry, uint32_t check, uint8_t byte) {
  const uint32_t run = entry >> 24, newest = entry & 0xFF, older = entry >> 8 & 0xFF;
  const uint32_t base = check << 16 | byte, first = base | 1u << 24;
  const uint32_t again = base | (run + (run < 255)) << 24 | older << 8;
  const uint32_t known = newest == byte ? again : first | newest << 8;
  return (run != 0) & ((entry >> 16 & 0xFF) == check) ? known : first | static_cast<uint32_t>(byte) << 8;
}

}  // namespace

void read_successors(uint8_t byte, SuccessorState* s, uint8_t* predicted, uint8_t* length, uint16_t* slot,
                     Journal* journal) {
  Contexts& now = s->now;
  read_markup(byte, &now.markup);
  now.bytes_before = now.bytes_before << 8 | now.bytes >> 24;
  now.bytes = now.bytes << 8 | byte;
  uint32_t hash[kContexts];
  hashes(now, hash);
  for (int k = 0; k < kContexts; ++k) {
    if (now.slot[k]) {
      uint32_t* entry = &s->table[k][now.slot[k] - 1];
      if (journal) journal->emplace_back(entry, *entry);
      *entry = updated(*entry, now.check[k], byte);
    }
    const uint32_t mixed = mix(hash[k]);
    now.slot[k] = 1 + (mixed & (kContextSlots - 1));
    now.check[k] = mixed >> 24;
    slot[k] = static_cast<uint16_t>(mixed & (kContextSlots - 1));
    const uint32_t entry = s->table[k][now.slot[k] - 1];
    // Masks of all ones or zeros: whether the context is known, and whether two different bytes have followed it.
    const uint32_t known = 0u - ((entry >> 24 != 0) & ((entry >> 16 & 0xFF) == now.check[k]));
    const uint32_t newest = entry & 0xFF, older = entry >> 8 & 0xFF;
    const uint32_t changed = known & (0u - (newest != older));
    const uint32_t kind = kClasses.of[entry >> 24] + (changed & 10);
    predicted[k] = static_cast<uint8_t>(newest & known);
    length[k] = static_cast<uint8_t>(kind & known);
    predicted[kContexts + k] = static_cast<uint8_t>(older & changed);
    length[kContexts + k] = static_cast<uint8_t>(kind & changed);
  }
}

}  // namespace soupstate
