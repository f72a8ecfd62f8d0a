// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Successors: which byte followed in a context, and how often in a row.
//
// The run model of the PAQ family of compressors (M. Mahoney, "Adaptive weighing of context models for lossless data
// compression", 2005): a table from contexts to the byte that came last, the one before it that differed, and the length
// of the run of the former. Contexts, all hashed, of what a page has shown so far:
//   0 .. 4  the last 1, 2, 3, 4, 6 bytes
//   5       the word so far, and the last byte        (a word: letters, digits, bytes from 128)
//   6       the same, and the word before
//   7       inside a tag or not, the tag's name, the attribute's name, what came since the last separator
//   8       inside a tag or not, this tag's name, the name of the tag before, all since the last `<` or `>`
//   9       the word so far, the tag's name, the attribute's name, the last byte
// Chosen on 128 training pages by the bits of a network whose outputs alone were fitted to them: none 1.407, these
// 1.32, seventeen contexts 1.313.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace soupstate {

constexpr int kContexts = 10;
constexpr uint32_t kContextSlots = 1u << 16;  // table entries of each context

// Where in the markup a byte stands, by the simplest of lexers: quotes do not hide a `>`.
struct Place {
  uint32_t word, word_before;             // hashes; 0: none
  uint32_t tag, tag_before, attribute;    // hashes of names
  uint32_t segment, since;                // hashes of bytes since the last separator, since the last `<` or `>`
  uint32_t in_tag, in_name;               // 0 or 1
};

// The contexts that the next byte will come in.
struct Contexts {
  Place place;
  uint32_t bytes;             // the last four, newest lowest
  uint32_t bytes_before;      // the four before those
  uint32_t slot[kContexts];   // 1 + index in the table; 0: before the first byte
  uint32_t check[kContexts];  // 8 bits that tell contexts of one slot apart
};

// Plain data: copy it to save it. Zero bytes are the empty state.
struct SuccessorState {
  Contexts now;
  uint32_t table[kContexts][kContextSlots];  // run, check, byte before, byte that came last: 8 bits each
};

// Table entries as they were before they were written, in order.
using Journal = std::vector<std::pair<uint32_t*, uint32_t>>;

// Reads one byte; then predicted [2 kContexts] are the bytes that came last in the contexts now, and those before them,
// length [2 kContexts] the class of the run, 0 where there is none, slot [kContexts] the hashes of the contexts.
void read_successors(uint8_t byte, SuccessorState* state, uint8_t* predicted, uint8_t* length, uint16_t* slot,
                     Journal* journal);

}  // namespace soupstate
