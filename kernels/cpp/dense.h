// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product of all levels, in floats, for machines of which nothing is known.
#pragma once
#include "activations.h"

namespace soupstate {
namespace {

// The recurrent weights for a vector type R, which has also: quantize, kLanes levels of h, those up to kQuiet taken
// for 0. All are whole numbers, whose sums stay below 2^24 up to 1040 units, and so are exact.
template <class R>
class Dense {
 public:
  using Level = float;
  using Sum = typename R::Vec;
  static constexpr size_t kSums = 4 * R::kVectors;  // vectors of a panel's gate values
  static constexpr size_t kPanel = kSums * R::kLanes;
  static constexpr size_t kPanels = 1;  // that are multiplied at once

  // Of `units` units, `padded` up to whole panels.
  Dense(size_t units, size_t padded) : units_(units), padded_(padded), weights_(4 * padded * units) {}

  // The weight that makes a gate value (its place in the panel) of a unit's level.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    weights_.get()[(panel * units_ + unit) * kPanel + at] = weight;
  }

  // Numbers Level of a page.
  size_t levels() const { return padded_; }

  // Levels of h [padded], between -1 and 1, in `largest` parts.
  void prepare(const float* h, float largest, Level* to) const {
    for (size_t j = 0; j < padded_; j += R::kLanes) R::quantize(R::mul(R::load(h + j), R::set1(largest)), to + j);
  }

  // The products of a panel with the levels of Pages pages, by vectors of gate values.
  template <size_t Pages, size_t>
  void multiply(size_t panel, const Level* const (&levels)[Pages], Sum (&sums)[Pages][kSums]) const {
#pragma GCC unroll 16
    for (size_t p = 0; p < Pages; ++p)
#pragma GCC unroll 16
      for (size_t q = 0; q < kSums; ++q) sums[p][q] = R::set1(0.0f);
    const float* w = weights_.get() + panel * units_ * kPanel;
#pragma GCC unroll 2
    for (size_t j = 0; j < units_; ++j, w += kPanel) {
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
  Buffer<float> weights_;  // [panel][unit][its gate values]
};

}  // namespace
}  // namespace soupstate
