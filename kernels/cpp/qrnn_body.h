// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The implementation of Qrnn for any vector types V and R; see lstm_body.h, whose rules hold here too. Only the table
// rows of R are used. Each block of bytes passes through all layers before the next. In each layer, one product
// computes the gates of the whole block for a few units; then the cells of these units run over the block in
// registers.
#pragma once
#include "activations.h"
#include "lstm.h"
#include "products.h"
#include "qrnn.h"
#include "tables.h"

namespace soupstate {
namespace {

template <class V, class R>
class QrnnOn final : public Qrnn {
  using Vec = typename V::Vec;
  using Input = typename V::Input;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kGates = 3;                                 // z, f, o
  static constexpr size_t kVectorValues = kGates * kLanes;            // gate values of a vector of units
  static constexpr size_t kPanelColumns = Product<V>::kPanelColumns;  // columns of a panel
  static constexpr size_t kVectorsAtOnce = 2;  // vectors of units whose gate values are whole panels
  static constexpr size_t kColumns = kVectorsAtOnce * kVectorValues;  // their gate values
  static constexpr size_t kBytesPerBlock = 96;                        // bytes
  static constexpr size_t kBytesLookedUp = 16;                        // bytes whose table rows are added at a time
  static_assert(kColumns % kPanelColumns == 0 && kBytesPerBlock % V::kRows == 0, "whole panels, whole tiles");
  static_assert(kPanelColumns % (2 * R::kLanes) == 0, "a panel is whole rows");

 public:
  explicit QrnnOn(const QrnnWeights& w)
      : units_(w.units),
        layers_(w.layers),
        padded_(up(w.units, kLanes)),
        width_(up(kGates * padded_, kPanelColumns)),
        kept_(w.kept),
        tables_(kTaps * width_),
        scale_(kTaps * width_),
        power_(width_),
        product_((w.layers - 1) * width_, 2 * w.units) {
    for (size_t i = 0; i < kGates * units_; ++i) power_.get()[place(i)] = power(i);
    for (size_t tap = 0; tap < kTaps; ++tap) {
      const auto at = [=](size_t i) { return tap * width_ + place(i); };
      const size_t values = kGates * units_;
      tables_.pack(w.byte + tap * kBytes * values, w.predicted + tap * kMatchers * kBytes * values,
                   w.length + tap * kMatchers * kClasses * values, values, at, scale_.get());
    }
    Buffer<float> column(2 * units_);
    for (size_t k = 0; k + 1 < layers_; ++k)
      for (size_t i = 0; i < kGates * units_; ++i) {
        const size_t at = k * kGates * units_ + i;
        const float steps = V::kIntegers ? Product<V>::kLargestInput : 1.0f;
        for (size_t j = 0; j < 2 * units_; ++j) column.get()[j] = power(i) * w.weight[at * 2 * units_ + j] / steps;
        product_.set(k * width_ + place(i), column.get(), 2 * units_, power(i) * w.bias[at]);
      }
  }

  size_t units() const override { return units_; }
  size_t layers() const override { return layers_; }

  void read(const QrnnCall& call) const override {
    if (!call.n) return;
    const size_t most = up(call.n < kBytesPerBlock ? call.n : kBytesPerBlock, V::kRows);
    Work work(*this, most);
    enter(call, &work);
    for (size_t from = 0; from < call.n; from += most) {
      const size_t n = call.n - from < most ? call.n - from : most;
      for (size_t t = 0; t < n; t += kBytesLookedUp)
        first_layer(call, from + t, n - t < kBytesLookedUp ? n - t : kBytesLookedUp, t, &work);
      for (size_t k = 1; k < layers_; ++k) layer(k, n, &work);
      for (size_t t = 0; t < n; ++t)
        memcpy(call.h + (from + t) * units_, work.h.get() + t * padded_, units_ * sizeof(float));
    }
    leave(call, work);
  }

 private:
  // The memory that a call needs, for n bytes at a time.
  struct Work {
    Work(const QrnnOn& of, size_t n)
        : c(of.layers_ * of.padded_),
          byte(of.width_),
          below(of.layers_ * of.padded_),
          h(n * of.padded_),
          looked_up(kBytesLookedUp * of.width_),
          gates(n * kColumns),
          inputs(n * of.product_.depth() + 2 * kLanes) {}
    Buffer<float> c, byte, below;    // the state; the last row of `below` is not used
    Buffer<float> h;                 // of the current layer
    Buffer<float> looked_up, gates;  // gates of a few bytes in the first layer, and of some units in the others
    Buffer<Input> inputs;            // of the product, with room for what to_inputs() writes beyond
  };

  // Returns where gate value i of [gate][units_] is: [vector of units][gate][kLanes].
  size_t place(size_t i) const {
    const size_t u = i % units_;
    return u / kLanes * kVectorValues + i / units_ * kLanes + u % kLanes;
  }

  // Returns the factor of a gate value z for which 2^(power z) is e^2z, or e^-z for f and o.
  float power(size_t i) const { return i / units_ ? -kLog2E : kTwice; }

  void enter(const QrnnCall& call, Work* work) const {
    for (size_t k = 0; k < layers_; ++k) {
      memcpy(work->c.get() + k * padded_, call.c + k * units_, units_ * sizeof(float));
      if (k + 1 < layers_) memcpy(work->below.get() + k * padded_, call.below + k * units_, units_ * sizeof(float));
    }
    for (size_t i = 0; i < kGates * units_; ++i) work->byte.get()[place(i)] = call.byte[i];
  }

  void leave(const QrnnCall& call, const Work& work) const {
    for (size_t k = 0; k < layers_; ++k) {
      memcpy(call.c + k * units_, work.c.get() + k * padded_, units_ * sizeof(float));
      if (k + 1 < layers_) memcpy(call.below + k * units_, work.below.get() + k * padded_, units_ * sizeof(float));
    }
    for (size_t i = 0; i < kGates * units_; ++i) call.byte[i] = work.byte.get()[place(i)];
  }

  // Runs the first layer over n bytes, at most kBytesLookedUp, and writes h from byte `at` of the block on.
  void first_layer(const QrnnCall& call, size_t from, size_t n, size_t at, Work* work) const {
    for (size_t t = 0; t < n; ++t) {
      const size_t input = (from + t) * kPredictions;
      const int16_t* rows[Tables::kMaxRows];
      const size_t count = tables_.rows(call.ids[from + t], call.predicted + input, call.length + input, rows);
      add(rows, count, work->byte.get(), work->looked_up.get() + t * width_);
    }
    for (size_t unit = 0; unit < padded_; unit += kLanes)
      pool(work->looked_up.get() + unit * kGates, width_, n, work->c.get() + unit, work->h.get() + at * padded_ + unit);
  }

  // Computes the gates of a byte from its table rows and `carried`, what the byte before adds. Then updates `carried`
  // to what this byte adds to the next.
  void add(const int16_t* const* rows, size_t count, float* carried, float* gates) const {
    constexpr size_t kHalf = R::kLanes;
    const float *scale = scale_.get(), *own_scale = scale + width_, *power = power_.get();
    for (size_t i = 0; i < width_; i += 2 * kHalf) {
      auto next = R::row(rows[0] + i), own = R::row(rows[0] + width_ + i);
      for (size_t r = 1; r < count; ++r) {
        next = R::add_rows(next, R::row(rows[r] + i));
        own = R::add_rows(own, R::row(rows[r] + width_ + i));
      }
      const auto lower = R::fma(R::lower(own), R::load(own_scale + i), R::load(carried + i));
      const auto upper = R::fma(R::upper(own), R::load(own_scale + i + kHalf), R::load(carried + i + kHalf));
      R::store(gates + i, R::mul(lower, R::load(power + i)));
      R::store(gates + i + kHalf, R::mul(upper, R::load(power + i + kHalf)));
      R::store(carried + i, R::mul(R::lower(next), R::load(scale + i)));
      R::store(carried + i + kHalf, R::mul(R::upper(next), R::load(scale + i + kHalf)));
    }
  }

  // Runs a further layer over n bytes. It reads h of the layer below and overwrites it.
  void layer(size_t k, size_t n, Work* work) const {
    float *below = work->below.get() + (k - 1) * padded_, *h = work->h.get();
    Input* row = work->inputs.get();
    V::to_inputs(below, units_, Product<V>::kLargestInput, row);
    for (size_t t = 0; t < n; ++t, row += 2 * units_) {
      if (t) memcpy(row, row - units_, units_ * sizeof(Input));
      V::to_inputs(h + t * padded_, units_, Product<V>::kLargestInput,
                   row + units_);  // it also writes beyond, where the next row will be
    }
    memcpy(below, h + (n - 1) * padded_, units_ * sizeof(float));
    const size_t first = (k - 1) * width_;
    for (size_t unit = 0; unit < padded_; unit += kVectorsAtOnce * kLanes) {
      const size_t end = unit + kVectorsAtOnce * kLanes < padded_ ? unit + kVectorsAtOnce * kLanes : padded_;
      product_.multiply(work->inputs.get(), n, first + unit * kGates, first + up(end * kGates, kPanelColumns),
                        work->gates.get(), kColumns);
      for (size_t u = unit; u < end; u += kLanes)
        pool(work->gates.get() + (u - unit) * kGates, kColumns, n, work->c.get() + k * padded_ + u, h + u);
    }
  }

  // Updates c and h of a vector of units over n bytes whose gates are `stride` apart. The gates are exponents of 2, see
  // power().
  void pool(const float* gates, size_t stride, size_t n, float* c, float* h) const {
    const Vec one = V::set1(1.0f), kept = V::set1(kept_);
    Vec cell = V::load(c);
    for (size_t t = 0; t < n; ++t, gates += stride, h += padded_) {
      const Vec z = power_of_gate<V>(V::load(gates));
      const Vec f = power_of_gate<V>(V::load(gates + kLanes));
      const Vec o = power_of_gate<V>(V::load(gates + 2 * kLanes));
      const Vec above = V::add(z, one);  // tanh is (z - 1) / above; 1 minus the forget gate is f / (1 + f)
      const Vec share = V::div(V::mul(kept, f), V::mul(V::add(one, f), above));
      cell = V::fma(share, V::sub(V::sub(z, one), V::mul(cell, above)), cell);
      V::store(h, V::div(cell, V::add(one, o)));
    }
    V::store(c, cell);
  }

  size_t units_, layers_;
  size_t padded_;  // H rounded up to whole vectors; the excess stays zero everywhere
  size_t width_;   // gate values of a layer, rounded up to whole panels
  float kept_;
  Tables tables_;                // rows of [tap][width_]
  Buffer<float> scale_, power_;  // [tap][width_] of the tables, and power()
  Product<V> product_;           // all further layers
};

}  // namespace
}  // namespace soupstate
