// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Products of a block of states with one matrix, for lstm_body.h: the next byte, what weighs its predictions, the
// heads.
//
// Where V::kWhole, the product is one of whole numbers of 16 bits: of inputs that are, and of rows of the matrix that
// each have a number of their own to be multiplied by, as small as sums of 32 bits allow. An input and a usual weight
// are thereby off by about 2^-12 of their size, which no figure of the network shows.
#pragma once
#include <math.h>

#include "activations.h"

namespace soupstate {
namespace {

// A vector type V for it has, besides what exponential() needs: kWhole; kPairs numbers Input and Weight, whose products
// add_products sums into each lane of a Total, from nothing() on; spread is kPairs inputs for all lanes;
// to_inputs(from, n, largest, to) makes n inputs, and up to kLanes more; total() is a Total as floats; kRows, rows of a
// tile.
template <class V>
class Product {
 public:
  using Input = typename V::Input;
  using Weight = typename V::Weight;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kSide = 2 * kLanes;  // columns of a panel
  static constexpr float kLargest = 4095.0f;   // of inputs that are whole numbers

  Product(size_t columns, size_t depth)
      : columns_(up(columns, kSide)),
        depth_(up(depth, 2)),
        packed_(columns_ * depth_),
        scale_(columns_),
        bias_(columns_) {}

  size_t columns() const { return columns_; }
  size_t depth() const { return depth_; }  // of an input row; the excess is to be zero

  // The weights [depth] that make one column, and what is added to it.
  void set(size_t column, const float* weights, size_t depth, float bias) {
    float scale = 1.0f;
    if (V::kWhole) {
      float largest = 1e-30f, sum = 0.0f;
      for (size_t j = 0; j < depth; ++j) {
        largest = fmaxf(largest, fabsf(weights[j]));
        sum += fabsf(weights[j]);
      }
      scale = fmaxf(largest / 32767.0f, sum * kLargest / 2.14e9f);  // 2^31 but for the rounding of 3000 weights
    }
    for (size_t j = 0; j < depth; ++j) {
      const float w = weights[j] / scale;
      packed_.get()[((column / kSide * depth_ + j / V::kPairs * V::kPairs) * kSide) + column % kSide * V::kPairs +
                    j % V::kPairs] = static_cast<Weight>(V::kWhole ? rintf(w) : w);
    }
    scale_.get()[column] = scale;
    bias_.get()[column] = bias;
  }

  // out [n up to whole tiles, columns()]: columns `from` up to `to`, both whole panels, of rows [.., depth()]. Whole
  // tiles are computed: a row does not depend on how many there are.
  void multiply(const Input* rows, size_t n, size_t from, size_t to, float* out) const {
    multiply(rows, n, from, to, out + from, columns_);
  }

  // The same into an array of those columns alone: out [n up to whole tiles, stride].
  void multiply(const Input* rows, size_t n, size_t from, size_t to, float* out, size_t stride) const {
    for (size_t column = from; column < to; column += kSide)
      for (size_t t = 0; t < n; t += V::kRows) tile(rows + t * depth_, column, out + t * stride + column - from, stride);
  }

 private:
  void tile(const Input* a, size_t column, float* out, size_t stride) const {
    const Weight* b = packed_.get() + column * depth_;
    typename V::Total sum[V::kRows][2];
#pragma GCC unroll 16
    for (size_t r = 0; r < V::kRows; ++r) sum[r][0] = sum[r][1] = V::nothing();
    for (size_t j = 0; j < depth_; j += V::kPairs, b += kSide * V::kPairs) {
      const auto b0 = V::weights(b), b1 = V::weights(b + kLanes * V::kPairs);
#pragma GCC unroll 16
      for (size_t r = 0; r < V::kRows; ++r) {
        const auto value = V::spread(a + r * depth_ + j);
        sum[r][0] = V::add_products(sum[r][0], b0, value);
        sum[r][1] = V::add_products(sum[r][1], b1, value);
      }
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < V::kRows; ++r)
      for (size_t v = 0; v < 2; ++v)
        V::store(out + r * stride + v * kLanes,
                 V::fma(V::total(sum[r][v]), V::load(scale_.get() + column + v * kLanes),
                        V::load(bias_.get() + column + v * kLanes)));
  }

  size_t columns_, depth_;
  Buffer<Weight> packed_;  // [panel][depth / kPairs][kSide][kPairs]
  Buffer<float> scale_, bias_;
};

}  // namespace
}  // namespace soupstate
