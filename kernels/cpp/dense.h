// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product of all levels in floats, which runs on every machine.
#pragma once
#include "activations.h"

namespace soupstate {
namespace {

// The recurrent weights for a vector type R. Besides the operations in lstm_body.h, R has quantize(), which rounds
// kLanes levels of h and sets those up to kQuiet to 0. All factors are integers. Up to 1040 units their sums stay below
// 2^24, so they are exact.
template <class R>
class Dense {
 public:
  using Level = float;
  using Sum = typename R::Vec;
  static constexpr size_t kSums = 4 * R::kVectors;  // vectors of gate values in a panel
  static constexpr size_t kPanelValues = kSums * R::kLanes;
  static constexpr size_t kPanelsAtOnce = 1;  // panels multiplied together

  // `padded` is the number of units, rounded up to whole panels.
  Dense(size_t units, size_t padded) : units_(units), padded_(padded), weights_(4 * padded * units) {}

  // Stores the weight from a unit's level to gate value `at` of a panel.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    weights_.get()[(panel * units_ + unit) * kPanelValues + at] = weight;
  }

  // Returns how many numbers prepare() writes for a page.
  size_t levels() const { return padded_; }

  // Rounds h [padded], between -1 and 1, to multiples of 1 / `largest`.
  void prepare(const float* h, float largest, Level* to) const {
    for (size_t j = 0; j < padded_; j += R::kLanes) R::quantize(R::mul(R::load(h + j), R::set1(largest)), to + j);
  }

  // Multiplies a panel by the levels of several pages. Each sum is a vector of gate values.
  template <size_t Pages, size_t>
  void multiply(size_t panel, const Level* const (&levels)[Pages], Sum (&sums)[Pages][kSums]) const {
#pragma GCC unroll 16
    for (size_t p = 0; p < Pages; ++p)
#pragma GCC unroll 16
      for (size_t q = 0; q < kSums; ++q) sums[p][q] = R::set1(0.0f);
    const float* w = weights_.get() + panel * units_ * kPanelValues;
#pragma GCC unroll 2
    for (size_t j = 0; j < units_; ++j, w += kPanelValues) {
#pragma GCC unroll 16
      for (size_t p = 0; p < Pages; ++p) {
        const auto level = R::set1(levels[p][j]);
#pragma GCC unroll 16
        for (size_t q = 0; q < kSums; ++q) sums[p][q] = R::fma(R::load(w + q * R::kLanes), level, sums[p][q]);
      }
    }
  }

 private:
  size_t units_, padded_;
  Buffer<float> weights_;  // [panel][unit][kPanelValues]
};

}  // namespace
}  // namespace soupstate
