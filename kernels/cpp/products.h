// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The product of a block of states with one matrix, for lstm_body.h: logits, gains of the predictions, heads.
//
// Where V::kIntegers, inputs and weights are integers of 16 bits. Each column of weights has its own scale, as fine as
// a sum of 32 bits allows. Rounding changes an input and a typical weight by about 2^-12 of their size. No quality
// figure of the network shows it.
#pragma once
#include <math.h>

#include "activations.h"

namespace soupstate {
namespace {

// Besides what exponential() needs, a vector type V has: kIntegers; the types Input and Weight; add_products(), which
// adds kPairs products to each lane of a Total; nothing(), a Total of zeros; spread(), kPairs inputs in every lane;
// to_inputs(from, n, largest, to), which converts n inputs and may write up to kLanes more; total(), a Total as floats;
// kRows, the rows of a tile.
template <class V>
class Product {
 public:
  using Input = typename V::Input;
  using Weight = typename V::Weight;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kPanelColumns = 2 * kLanes;  // columns of a panel
  static constexpr float kLargestInput = 4095.0f;      // magnitude of an integer input

  Product(size_t columns, size_t depth)
      : columns_(up(columns, kPanelColumns)),
        depth_(up(depth, 2)),
        packed_(columns_ * depth_),
        scale_(columns_),
        bias_(columns_) {}

  size_t columns() const { return columns_; }
  size_t depth() const { return depth_; }  // of an input row; the caller sets numbers beyond the given depth to zero

  // Stores the weights [depth] of one column and the bias.
  void set(size_t column, const float* weights, size_t depth, float bias) {
    float scale = 1.0f;
    if (V::kIntegers) {
      float largest = 1e-30f, sum = 0.0f;
      for (size_t j = 0; j < depth; ++j) {
        largest = fmaxf(largest, fabsf(weights[j]));
        sum += fabsf(weights[j]);
      }
      scale = fmaxf(largest / 32767.0f, sum * kLargestInput / 2.14e9f);  // 2^31, less the rounding of 3000 weights
    }
    for (size_t j = 0; j < depth; ++j) {
      const float w = weights[j] / scale;
      packed_.get()[((column / kPanelColumns * depth_ + j / V::kPairs * V::kPairs) * kPanelColumns) +
                    column % kPanelColumns * V::kPairs + j % V::kPairs] =
          static_cast<Weight>(V::kIntegers ? rintf(w) : w);
    }
    scale_.get()[column] = scale;
    bias_.get()[column] = bias;
  }

  // Writes the columns `from` to `to`, which are whole panels, of out [n, columns()] for rows [n, depth()]. It computes
  // whole tiles, so both arrays have room for n rounded up to kRows. A row of the result does not depend on n.
  void multiply(const Input* rows, size_t n, size_t from, size_t to, float* out) const {
    multiply(rows, n, from, to, out + from, columns_);
  }

  // Writes the same columns to an array of these columns only, out [n, stride].
  void multiply(const Input* rows, size_t n, size_t from, size_t to, float* out, size_t stride) const {
    for (size_t column = from; column < to; column += kPanelColumns)
      for (size_t t = 0; t < n; t += V::kRows)
        tile(rows + t * depth_, column, out + t * stride + column - from, stride);
  }

 private:
  void tile(const Input* a, size_t column, float* out, size_t stride) const {
    const Weight* b = packed_.get() + column * depth_;
    typename V::Total sum[V::kRows][2];
#pragma GCC unroll 16
    for (size_t r = 0; r < V::kRows; ++r) sum[r][0] = sum[r][1] = V::nothing();
    for (size_t j = 0; j < depth_; j += V::kPairs, b += kPanelColumns * V::kPairs) {
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
        V::store(out + r * stride + v * kLanes, V::fma(V::total(sum[r][v]), V::load(scale_.get() + column + v * kLanes),
                                                       V::load(bias_.get() + column + v * kLanes)));
  }

  size_t columns_, depth_;
  Buffer<Weight> packed_;  // [panel][depth / kPairs][kPanelColumns][kPairs]
  Buffer<float> scale_, bias_;
};

}  // namespace
}  // namespace soupstate
