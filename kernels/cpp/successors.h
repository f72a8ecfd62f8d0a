// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Successors: which byte followed in a context, and how many times in a row.
//
// This is the run model of the PAQ family of compressors (M. Mahoney, "Adaptive Weighing of Context Models for Lossless
// Data Compression", 2005). A table maps each context to the byte that followed last, to the different byte that
// followed before it, and to the length of the run of the former. The contexts are hashes of what the page has shown so
// far:
//   0 .. 4  the last 1, 2, 3, 4 or 6 bytes
//   5       the current word and the last byte; a word is letters, digits and bytes from 128
//   6       the same and the word before
//   7       whether inside a tag, the tag name, the attribute name, the bytes since the last separator
//   8       whether inside a tag, this tag name, the tag name before, the bytes since the last `<` or `>`
//   9       the current word, the tag name, the attribute name, the last byte
// We chose them on 128 training pages, fitting only the outputs of a network. It needed 1.407 bits without
// contexts, 1.32 with these and 1.313 with seventeen.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace soupstate {

constexpr int kContexts = 10;
constexpr uint32_t kContextSlots = 1u << 16;  // table entries per context

// The position in the markup, found by a simple lexer in which quotes do not hide a `>`.
struct Markup {
  uint32_t word, word_before;           // hashes, or 0
  uint32_t tag, tag_before, attribute;  // hashes of names, or 0
  uint32_t segment, since;              // hashes of the bytes since the last separator and since the last `<` or `>`
  uint32_t in_tag, in_name;             // 0 or 1
};

// The contexts in which the next byte will come.
struct Contexts {
  Markup markup;
  uint32_t bytes;             // the last four, the newest lowest
  uint32_t bytes_before;      // the four bytes before those
  uint32_t slot[kContexts];   // 1 + index in the table, or 0 before the first byte
  uint32_t check[kContexts];  // 8 bits that tell apart the contexts of one slot
};

// Plain data: copy it to save it. All zeros is the state before the first byte.
struct SuccessorState {
  Contexts now;
  uint32_t table[kContexts][kContextSlots];  // 8 bits each: run, check, the different byte before, the last byte
};

// Tells the processor that the entry will be written soon.
inline void fetch(const uint32_t* entry) {
#if defined(__GNUC__)
  __builtin_prefetch(entry, 1);
#else
  (void)entry;
#endif
}

// Table entries before they were overwritten, in order.
using Journal = std::vector<std::pair<uint32_t*, uint32_t>>;

// Bytes whose contexts are computed together, ahead of the tables. They depend on the bytes alone, so the processor can
// fetch the entries meanwhile.
constexpr size_t kAhead = 32;

// The contexts after each of the next bytes.
struct ContextsAhead {
  uint32_t slot[kContexts][kAhead], check[kContexts][kAhead];
};

// Computes the contexts after each of bytes [n], n at most kAhead, and begins to fetch their entries.
void look_ahead(const uint8_t* bytes, size_t n, SuccessorState* state, ContextsAhead* ahead);

// Reads one byte, after which the contexts are ahead [t]. Writes predicted [2 kContexts], the byte that followed last
// in each context and the different byte before it; length [2 kContexts], the class of the run or 0; slot [kContexts],
// the hash of each context.
void read_successors(uint8_t byte, const ContextsAhead& ahead, size_t t, SuccessorState* state, uint8_t* predicted,
                     uint8_t* length, uint16_t* slot, Journal* journal);

}  // namespace soupstate
