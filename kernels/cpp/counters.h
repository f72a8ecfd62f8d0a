// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Counters that a small layer moves: the depth layer, see soupstate.model.net.depth.
//
// The layer is evaluated at some places of a page only, about one in forty bytes. All its numbers are integers, so
// every build computes the same counts from the same h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace soupstate {

constexpr int kCounterLevels = 127;  // h, between -1 and 1, is rounded to multiples of 1 / kCounterLevels
constexpr int kMoves = 6;            // of a cell: keep, one more, one less, none, two more, two less
constexpr int kMostCounted = 6;      // the layer takes greater counts for this one
constexpr int kCountedValues = 7;    // rows of a table of counts; a difference of -3 to 3 has as many

// H units, M of the layer, C cells, D differences, T kinds of tags. All arrays are dense and row-major.
struct Counters {
  size_t units, width, cells, differences;
  const int16_t* hidden;      // [M, H]
  const int32_t* tags;        // [T, M], with the bias
  const int8_t* pairs;        // [D, C]: a difference is a sum of cells, each times -1, 0 or 1
  const int32_t* open;        // [C + D, 7, M]
  int shift;                  // bits that the layer's sums lose
  const int16_t* moves;       // [C kMoves, M]
  const int32_t* moves_bias;  // [T, C kMoves]
  const uint8_t* most;        // [C], what a cell holds at most
};

// At each of n places, with h [n, H] and the kind of its tag, tags [n] < T:
//   z = hidden . round(127 h) + tags[tag] + sum over cells of open[k, min(c_k, 6)]
//       + sum over differences of open[C + d, 3 + the difference, between -3 and 3]
//   m = z >> shift, between 0 and 32767
//   each cell moves by the first of the greatest of its numbers in moves . m + moves_bias[tag], and stays within 0 and
//   most
// Updates cells [C] and writes them to counted [n, C] after each place. The weights are such that no sum overflows.
void count_open(const Counters& w, size_t n, const float* h, const uint8_t* tags, uint8_t* cells, uint8_t* counted);

}  // namespace soupstate
