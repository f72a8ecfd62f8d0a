// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The sum of the heads' outputs over some bytes, from the sum of their states, for lstm_body.h.
//
// Outputs are linear in h, so one product of a sum replaces one product per byte.
#pragma once
#include <cstring>

#include "activations.h"

namespace soupstate {
namespace {

template <class V>
class HeadSums {
  // So many outputs have sums in registers. Fewer would wait for each other.
  static constexpr size_t kPanel = 80, kLanes = V::kLanes, kVectors = kPanel / kLanes;
  static_assert(kPanel % kLanes == 0, "a panel is whole vectors");

 public:
  // weights [outputs, units], bias [outputs]
  HeadSums(const float* weights, const float* bias, size_t outputs, size_t units)
      : outputs_(outputs), units_(units), weights_(up(outputs, kPanel) * units), bias_(up(outputs, kPanel)) {
    for (size_t k = 0; k < outputs; ++k) {
      bias_.get()[k] = bias[k];
      for (size_t j = 0; j < units; ++j)
        weights_.get()[(k / kPanel * units + j) * kPanel + k % kPanel] = weights[k * units + j];
    }
  }

  // Writes the sum [outputs] of the outputs for `size` states whose sum is h [units].
  void write(const float* h, size_t size, float* out) const {
    const auto times = V::set1(static_cast<float>(size));
    for (size_t k = 0; k < outputs_; k += kPanel) {
      const float* w = weights_.get() + k * units_;
      typename V::Vec sum[kVectors];
#pragma GCC unroll 10
      for (size_t v = 0; v < kVectors; ++v) sum[v] = V::mul(times, V::load(bias_.get() + k + v * kLanes));
      for (size_t j = 0; j < units_; ++j, w += kPanel) {
        const auto x = V::set1(h[j]);
#pragma GCC unroll 10
        for (size_t v = 0; v < kVectors; ++v) sum[v] = V::fma(x, V::load(w + v * kLanes), sum[v]);
      }
      float found[kPanel];
#pragma GCC unroll 10
      for (size_t v = 0; v < kVectors; ++v) V::store(found + v * kLanes, sum[v]);
      memcpy(out + k, found, (outputs_ - k < kPanel ? outputs_ - k : kPanel) * sizeof(float));
    }
  }

 private:
  size_t outputs_, units_;
  Buffer<float> weights_, bias_;  // weights_: [panel][units][kPanel]
};

}  // namespace
}  // namespace soupstate
