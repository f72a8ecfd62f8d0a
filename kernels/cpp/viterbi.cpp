// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "viterbi.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "processors.h"

namespace soupstate {
namespace {

// GCC vector types. The compiler maps them to the instructions of each processor.
using Four = float __attribute__((vector_size(16)));
using FourInts = int32_t __attribute__((vector_size(16)));
constexpr size_t kLanes = 4, kVectors = 4, kPanel = kLanes * kVectors;  // classes whose scores stay in registers
constexpr float kImpossible = -1e30f;

constexpr size_t up(size_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

inline Four load(const float* p) {
  Four v;
  memcpy(&v, p, sizeof v);
  return v;
}

// Writes the best score of a path to each of kPanel classes, and the class before it on that path. table [classes,
// width] has one row for each class before.
inline __attribute__((always_inline)) void best(const float* scores, const float* table, size_t classes, size_t width,
                                                float* next, int32_t* from) {
  Four most[kVectors];
  FourInts found[kVectors];
  for (size_t v = 0; v < kVectors; ++v) {
    most[v] = Four{kImpossible, kImpossible, kImpossible, kImpossible};
    found[v] = FourInts{0, 0, 0, 0};
  }
  for (size_t a = 0; a < classes; ++a, table += width) {
    const Four score = {scores[a], scores[a], scores[a], scores[a]};
    const auto i = static_cast<int32_t>(a);
    const FourInts index = {i, i, i, i};
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      const Four s = score + load(table + v * kLanes);
      const FourInts better = s > most[v];
      most[v] = better ? s : most[v];
      found[v] = better ? index : found[v];
    }
  }
  memcpy(next, most, sizeof most);
  memcpy(from, found, sizeof found);
}

}  // namespace

SOUPSTATE_FOR_EACH_PROCESSOR
void viterbi_forward(const ViterbiInputs& inputs, float* scores, uint8_t* pointers) {
  const size_t classes = inputs.classes, width = up(classes);
  std::vector<float> padded(inputs.n_tables * classes * width, kImpossible), next(width);
  std::vector<int32_t> from(width);
  for (size_t row = 0; row < inputs.n_tables * classes; ++row)
    std::copy_n(inputs.transitions + row * classes, classes, &padded[row * width]);
  for (size_t t = 0; t < inputs.n; ++t) {
    const float* table = padded.data() + inputs.tables[t] * classes * width;
    for (size_t b = 0; b < width; b += kPanel) best(scores, table + b, classes, width, &next[b], &from[b]);
    const float* emissions = inputs.emissions + t * inputs.stride;
    const float* prices = inputs.prices + inputs.priced[t] * classes;
    float highest = kImpossible;
    for (size_t b = 0; b < classes; ++b) {
      pointers[t * classes + b] = static_cast<uint8_t>(from[b]);
      next[b] += emissions[b] - prices[b];
      highest = std::max(highest, next[b]);
    }
    for (size_t b = 0; b < classes; ++b) scores[b] = next[b] - highest;
  }
}

void viterbi_back(const uint8_t* pointers, size_t n, size_t classes, uint8_t last, uint8_t* path) {
  for (size_t t = n; t--;) {
    path[t] = last;
    last = pointers[t * classes + last];
  }
}

size_t viterbi_settled(const uint8_t* pointers, size_t n, size_t classes) {
  std::vector<uint8_t> at(classes);
  std::iota(at.begin(), at.end(), uint8_t{0});
  for (size_t t = n; t--;) {
    if (std::all_of(at.begin(), at.end(), [&](uint8_t a) { return a == at[0]; })) return t + 1;
    for (uint8_t& a : at) a = pointers[t * classes + a];
  }
  return 0;
}

}  // namespace soupstate
