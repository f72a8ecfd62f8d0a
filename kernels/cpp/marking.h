// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// What the marks of a page need for each of its bytes, beside the network and the best path.
#pragma once
#include <cstddef>
#include <cstdint>

namespace soupstate {

// Columns of rows: the numbers of one head. first is below last.
struct Columns {
  int64_t first, last;
};

// Writes classes [k, heads]. For each span, rows first .. last - 1 of rows [n, columns] are summed; of each head's
// columns of the sum, the first of the greatest is its class. The rows of each span are within n; it may have none.
void span_classes(const float* rows, size_t columns, const int64_t* first, const int64_t* last, size_t k,
                  const Columns* heads, size_t number_of_heads, uint8_t* classes);

// Writes ends [k]: the end of the start tag that begins at each of starts [k] in page [n], or 0 where what begins there
// is no well-formed tag of at most `longest` bytes. See TAG in marking.py. The starts are below n.
void tag_ends(const uint8_t* page, size_t n, const int64_t* starts, size_t k, size_t longest, int64_t* ends);

}  // namespace soupstate
