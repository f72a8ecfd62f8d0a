// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The Viterbi algorithm (Viterbi 1967): the most likely path of classes through the bytes of a page.
#pragma once
#include <cstddef>
#include <cstdint>

namespace soupstate {

// All arrays but the emissions are dense; all are row-major and owned by the caller. No output may alias an input.
struct ViterbiInputs {
  size_t n, classes, n_tables;
  const float* emissions;    // [n, classes]: the log-likelihood of each class at each byte
  size_t stride;             // numbers from one row of emissions to the next
  const uint8_t* priced;     // [n]: the row of prices that is taken off the emissions of each byte
  const float* prices;       // [rows, classes]
  const uint8_t* tables;     // [n] < n_tables: the table that holds between byte t - 1 and byte t
  const float* transitions;  // [n_tables, classes, classes]: log-likelihood of each change, from class to class
};

// Updates scores [classes] in place: the scores of the best path to each class, from before byte 0 to after byte n - 1.
// The highest is then 0. Writes pointers [n, classes]: the class at byte t - 1 on the best path to each class at byte
// t.
void viterbi_forward(const ViterbiInputs& inputs, float* scores, uint8_t* pointers);

// Writes path [n], the classes of the best path that ends in class `last`. The pointers [n, classes] are < classes.
void viterbi_back(const uint8_t* pointers, size_t n, size_t classes, uint8_t last, uint8_t* path);

// Returns the number of first bytes whose class is the same on the best paths to all classes: nothing that follows can
// change them. The pointers [n, classes] are < classes.
size_t viterbi_settled(const uint8_t* pointers, size_t n, size_t classes);

}  // namespace soupstate
