// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product of all levels, for instruction sets that multiply and sum at once.
#pragma once
#include "activations.h"

namespace soupstate {
namespace {

constexpr int32_t kMiddle = 128;  // what may be added to a level to make it unsigned

// The recurrent weights for a vector type R, which has: Stored, a weight; kDepth levels of h for it, as many numbers
// Level, made by quantize, which takes those up to kQuiet for 0; start is the Sum before the first dot, which multiplies
// and sums kDepth weights and levels in each lane; Group is kDepth levels for all lanes, made by broadcast; kVectors, vectors of units in a panel.
// A panel's weights stand so: [j of H / kDepth][its gate values][kDepth].
template <class R>
class Dense {
 public:
  using Level = typename R::Level;
  using Sum = typename R::Sum;
  using Stored = typename R::Stored;
  static constexpr size_t kSums = 4 * R::kVectors;  // vectors of a panel's gate values
  static constexpr size_t kPanel = kSums * R::kLanes;
  static constexpr size_t kPanels = 1;  // that are multiplied at once

  // Of `units` units, `padded` up to whole panels.
  Dense(size_t units, size_t padded)
      : padded_(padded),
        groups_(up(units, R::kDepth) / R::kDepth),
        weights_(4 * padded * groups_ * R::kDepth),
        below_(4 * padded) {}

  // The weight that makes a gate value (its place in the panel) of a unit's level.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    weights_.get()[((panel * groups_ + unit / R::kDepth) * kPanel + at) * R::kDepth + unit % R::kDepth] =
        static_cast<Stored>(weight);
    below_.get()[panel * kPanel + at] -= kMiddle * weight;
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
      for (size_t q = 0; q < kSums; ++q) sums[p][q] = R::start(below_.get() + panel * kPanel + q * R::kLanes);
    const Stored* w = weights_.get() + panel * groups_ * kPanel * R::kDepth;
#pragma GCC unroll 2
    for (size_t j = 0; j < groups_; ++j, w += kPanel * R::kDepth) {
#pragma GCC unroll 16
      for (size_t p = 0; p < Pages; ++p) {
        const auto group = R::broadcast(levels[p] + j * R::kDepth);
#pragma GCC unroll 16
        for (size_t q = 0; q < kSums; ++q) sums[p][q] = R::dot(sums[p][q], w + q * R::kLanes * R::kDepth, group);
      }
    }
  }

 private:
  size_t padded_, groups_;  // groups of kDepth levels
  Buffer<Stored> weights_;
  Buffer<int32_t> below_;  // -kMiddle times the sum of the weights of a gate value
};

}  // namespace
}  // namespace soupstate
