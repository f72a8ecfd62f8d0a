// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The best path of classes through a page (Viterbi 1967): evidence of each byte plus the likelihood of each change of
// class, given the bytes on both sides of it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace soupstate {

// evidence [n, classes]: log-likelihood of each class at each byte. kinds [n] < tables: which one of `changes`
// [tables, classes, classes] (from, to) holds between byte t - 1 and byte t. scores [classes]: of the best path to each class
// before byte 0, updated in place to those after byte n - 1, the best of them 0. pointers [n, classes] (out): the class
// at byte t - 1 on the best path to each class at byte t. No aliasing; the caller owns everything.
void path_forward(const float* evidence, const uint8_t* kinds, const float* changes, size_t tables, size_t n,
                  size_t classes, float* scores, uint8_t* pointers);

// path [n] (out): the classes of the best path that ends in class `last`. pointers [n, classes] < classes.
void path_back(const uint8_t* pointers, size_t n, size_t classes, uint8_t last, uint8_t* path);

}  // namespace soupstate
