// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The body of Lstm, for any vector type. Included by one source file per instruction set, each with its own flags: all of
// it stands in an anonymous namespace and uses no inline function of the standard library, so that the linker cannot
// share code made for one instruction set with another.
//
// A vector type has: Vec, kLanes; load, store, set1, add, sub, mul, div, fma(a, b, c) = a b + c, min, max,
// round, scale(a, n) = a 2^n. One for the recurrence, R, has also kVectors, vectors of units in a panel, and the product of
// whole numbers: Stored, a recurrent weight; Level, a level of h, made by quantize; kDepth of both are multiplied and summed
// in each lane of a Sum by dot; Group is kDepth levels for all lanes, made by broadcast; value() is the Sum as floats. One
// for the block products, V, has kRows, rows of a tile.
//
// Recurrent weights are kept in panels of kSide units: [panel][j of H / kDepth][gate][kSide][kDepth]. A step streams them
// once, front to back, one group of levels for 4 kVectors vectors, and ends each panel with its gates.
// Output and heads are products of a block of states with a matrix in panels [panel][j of H][kSide].
#pragma once
#include <math.h>
#include <string.h>

#include <new>

#include "lstm.h"

namespace soupstate {
namespace {

constexpr size_t kBytes = 256;
constexpr size_t kClasses = kLengthClasses;
constexpr size_t kGates = 4;
constexpr float kLevels = 127.0f;  // h, between -1 and 1, is rounded to so many parts for the recurrence
constexpr float kLog2 = 0.693147181f;
constexpr float kGateLimit = 40.0f;  // beyond it gates are 0 or 1 to float precision; products of two exponentials stay finite

// Zeroed, aligned to cache lines.
template <class T>
class Buffer {
 public:
  explicit Buffer(size_t size) {
    const size_t bytes = (size ? size : 1) * sizeof(T);
    data_ = static_cast<T*>(::operator new(bytes, std::align_val_t(64)));
    memset(static_cast<void*>(data_), 0, bytes);
  }
  ~Buffer() { ::operator delete(data_, std::align_val_t(64)); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* get() const { return data_; }

 private:
  T* data_;
};

constexpr size_t up(size_t n, size_t step) { return (n + step - 1) / step * step; }

// e^x for |x| <= 87, to 1e-7 relative: x = n ln 2 + r, a polynomial in r (coefficients of Cephes expf), times 2^n.
template <class V>
inline typename V::Vec exponential(typename V::Vec x) {
  const auto n = V::round(V::mul(x, V::set1(1.44269504f)));
  auto r = V::fma(n, V::set1(-0.693359375f), x);
  r = V::fma(n, V::set1(2.12194440e-4f), r);
  auto p = V::set1(1.9875691500e-4f);
  p = V::fma(p, r, V::set1(1.3981999507e-3f));
  p = V::fma(p, r, V::set1(8.3334519073e-3f));
  p = V::fma(p, r, V::set1(4.1665795894e-2f));
  p = V::fma(p, r, V::set1(1.6666665459e-1f));
  p = V::fma(p, r, V::set1(5.0000001201e-1f));
  p = V::fma(V::mul(r, r), p, V::add(r, V::set1(1.0f)));
  return V::scale(p, n);
}

template <class V>
inline typename V::Vec exponential_of_gate(typename V::Vec x, float factor) {
  x = V::mul(x, V::set1(factor));
  return exponential<V>(V::max(V::min(x, V::set1(kGateLimit)), V::set1(-kGateLimit)));
}

// sigmoid(a) tanh(b) with one division, from e^-a and e^2b.
template <class V>
inline typename V::Vec sigmoid_tanh(typename V::Vec minus_a, typename V::Vec twice_b) {
  const auto one = V::set1(1.0f);
  return V::div(V::sub(twice_b, one), V::mul(V::add(one, minus_a), V::add(twice_b, one)));
}

template <class V, class R>
class LstmOn final : public Lstm {
  using Vec = typename V::Vec;
  using Stored = typename R::Stored;
  using Level = typename R::Level;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kSide = 2 * kLanes;       // units of a panel, columns of a block panel
  static constexpr size_t kPanel = kGates * kSide;  // gate values of a panel
  static constexpr size_t kBlock = 96;              // bytes read before their output and heads are computed
  // Columns of one product: logits, then the predictions' gains, then the gate's input.
  static constexpr size_t kGains = kBytes, kGateAt = kGains + up(kPredictions, kLanes);
  static constexpr size_t kScores = up(kGateAt + kGate, kSide);
  static_assert(kGate % kLanes == 0, "a gate is whole vectors");
  static_assert(kSide == R::kVectors * R::kLanes, "one padding of H for both");
  static_assert(kBlock % V::kRows == 0, "a block is whole tiles");

 public:
  explicit LstmOn(const LstmWeights& w)
      : units_(w.units), outputs_(w.outputs), padded_(up(w.units, kSide)), columns_(up(w.outputs, kSide)),
        features_(w.units + kEmbedded), groups_(up(w.units, R::kDepth) / R::kDepth), byte_(kBytes * row()), predicted_(kMatchers * kBytes * row()),
        length_(kMatchers * kClasses * row()), recurrent_(padded_ * kGates * groups_ * R::kDepth), scale_(row()), output_(kScores * features_),
        output_bias_(kScores), copy_bias_(kPredictions * kClasses), gate_length_(kKinds * kClasses * kGate),
        gate_gain_(kPredictions * kGate), context_(kTables * kContextSlots * kEmbedded), heads_(columns_ * units_),
        heads_bias_(columns_) {
    pack_table(w.byte, kBytes, byte_.get());
    pack_table(w.predicted, kMatchers * kBytes, predicted_.get());
    pack_table(w.length, kMatchers * kClasses, length_.get());
    for (size_t gate = 0; gate < kGates; ++gate)
      for (size_t u = 0; u < units_; ++u)
        for (size_t j = 0; j < units_; ++j)
          recurrent_.get()[((u / kSide * groups_ + j / R::kDepth) * kPanel + gate * kSide + u % kSide) * R::kDepth +
                           j % R::kDepth] = static_cast<Stored>(w.recurrent[(gate * units_ + u) * units_ + j]);
    pack_table(w.recurrent_scale, 1, scale_.get());
    for (size_t i = 0; i < row(); ++i) scale_.get()[i] /= kLevels;
    pack_matrix(w.output, kBytes, units_, 0, 0, features_, output_.get());
    pack_matrix(w.context_output, kBytes, kEmbedded, 0, units_, features_, output_.get());
    pack_matrix(w.copy_gain, kPredictions, units_, kGains, 0, features_, output_.get());
    pack_matrix(w.gate, kGate, units_, kGateAt, 0, features_, output_.get());
    pack_matrix(w.heads, outputs_, units_, 0, 0, units_, heads_.get());
    memcpy(output_bias_.get(), w.output_bias, kBytes * sizeof(float));
    memcpy(output_bias_.get() + kGateAt, w.gate_bias, kGate * sizeof(float));
    memcpy(heads_bias_.get(), w.heads_bias, outputs_ * sizeof(float));
    memcpy(copy_bias_.get(), w.copy_bias, kPredictions * kClasses * sizeof(float));
    memcpy(gate_length_.get(), w.gate_length, kKinds * kClasses * kGate * sizeof(float));
    memcpy(gate_gain_.get(), w.gate_gain, kPredictions * kGate * sizeof(float));
    memcpy(context_.get(), w.context, kTables * kContextSlots * kEmbedded);
  }

  size_t units() const override { return units_; }
  size_t outputs() const override { return outputs_; }

  double read(const LstmCall& call) const override {
    const size_t most = up(call.n < kBlock ? call.n : kBlock, V::kRows);
    Buffer<float> states((most + 1) * padded_);  // row 0: h before the block, row t + 1: after its byte t
    Buffer<float> cell(padded_);
    Buffer<Level> levels(up(padded_, R::kDepth));
    Buffer<float> features(most * features_);
    Buffer<float> product(most * (columns_ > kScores ? columns_ : kScores));
    memcpy(states.get(), call.h, units_ * sizeof(float));
    memcpy(cell.get(), call.c, units_ * sizeof(float));
    double total = 0;
    for (size_t start = 0; start < call.n; start += kBlock) {
      const size_t n = call.n - start < kBlock ? call.n - start : kBlock;
      float* h = states.get();
      for (size_t t = 0; t < n; ++t, h += padded_) {
        step(call.ids[start + t], call.found.predicted + kPredictions * (start + t),
             call.found.length + kPredictions * (start + t), h, levels.get(), cell.get(),
             h + padded_);
        for (size_t u = 0; u < call.n_units; ++u)
          call.traces[(start + t) * call.n_units + u] = h[padded_ + call.units[u]];
      }
      total += surprise(call, start, n, states.get(), features.get(), product.get());
      if (call.heads && outputs_) {
        multiply(states.get() + padded_, padded_, units_, n, heads_.get(), heads_bias_.get(), columns_, product.get());
        for (size_t t = 0; t < n; ++t)
          memcpy(call.heads + (start + t) * outputs_, product.get() + t * columns_, outputs_ * sizeof(float));
      }
      memcpy(states.get(), h, padded_ * sizeof(float));
    }
    memcpy(call.h, states.get(), units_ * sizeof(float));
    memcpy(call.c, cell.get(), units_ * sizeof(float));
    return total;
  }

 private:
  size_t row() const { return kGates * padded_; }  // floats of a packed table's row: [panel][gate][kSide]

  void pack_table(const float* from, size_t rows, float* to) const {
    for (size_t r = 0; r < rows; ++r)
      for (size_t gate = 0; gate < kGates; ++gate)
        for (size_t u = 0; u < units_; ++u)
          to[r * row() + u / kSide * kPanel + gate * kSide + u % kSide] = from[(r * kGates + gate) * units_ + u];
  }

  // Places a matrix [rows, width] into a packed one of `depth` inputs, from its column `row0` and its input `input0` on.
  static void pack_matrix(const float* from, size_t rows, size_t width, size_t row0, size_t input0, size_t depth, float* to) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t j = 0; j < width; ++j) {
        const size_t column = row0 + r;
        to[(column / kSide * depth + input0 + j) * kSide + column % kSide] = from[r * width + j];
      }
  }

  // h [padded] -> next [padded]; cell [padded] in place; levels [padded] to work in.
  void step(uint8_t id, const uint8_t* predicted, const uint8_t* length, const float* h, Level* levels, float* cell,
            float* next) const {
    for (size_t j = 0; j < padded_; j += R::kLanes) R::quantize(R::mul(R::load(h + j), R::set1(kLevels)), levels + j);
    const float* rows[1 + 2 * kMatchers] = {byte_.get() + id * row()};
    size_t n_rows = 1;
    for (size_t k = 0; k < kMatchers; ++k) {
      if (!length[k]) continue;
      rows[n_rows++] = predicted_.get() + (k * kBytes + predicted[k]) * row();
      rows[n_rows++] = length_.get() + (k * kClasses + length[k]) * row();
    }
    constexpr size_t kSums = kGates * R::kVectors;
    const Stored* w = recurrent_.get();
    for (size_t unit = 0; unit < padded_; unit += kSide) {
      typename R::Vec z[kSums];
      for (size_t q = 0; q < kSums; ++q) z[q] = R::load(rows[0] + unit * kGates + q * R::kLanes);
      for (size_t r = 1; r < n_rows; ++r)
        for (size_t q = 0; q < kSums; ++q) z[q] = R::add(z[q], R::load(rows[r] + unit * kGates + q * R::kLanes));
      typename R::Sum sums[kSums] = {};
      for (size_t j = 0; j < groups_; ++j, w += kPanel * R::kDepth) {
        const auto group = R::broadcast(levels + j * R::kDepth);
        for (size_t q = 0; q < kSums; ++q) sums[q] = R::dot(sums[q], w + q * R::kLanes * R::kDepth, group);
      }
      const float* scale = scale_.get() + unit * kGates;
      for (size_t q = 0; q < kSums; ++q) z[q] = R::fma(R::value(sums[q]), R::load(scale + q * R::kLanes), z[q]);
      for (size_t v = 0; v < R::kVectors; ++v) {
        const size_t at = unit + v * R::kLanes;
        gates(z[v], z[R::kVectors + v], z[2 * R::kVectors + v], z[3 * R::kVectors + v], cell + at, next + at);
      }
    }
  }

  static void gates(typename R::Vec i, typename R::Vec f, typename R::Vec g, typename R::Vec o, float* cell, float* next) {
    i = exponential_of_gate<R>(i, -1.0f);
    f = exponential_of_gate<R>(f, -1.0f);
    g = exponential_of_gate<R>(g, 2.0f);
    o = exponential_of_gate<R>(o, -1.0f);
    const auto c = R::add(R::div(R::load(cell), R::add(R::set1(1.0f), f)), sigmoid_tanh<R>(i, g));
    R::store(cell, c);
    R::store(next, sigmoid_tanh<R>(o, exponential_of_gate<R>(c, 2.0f)));
  }

  // out [n up to whole tiles, columns] = rows [.., depth], `stride` apart, . packed + bias. Whole tiles are computed: a row
  // does not depend on how many there are.
  static void multiply(const float* rows, size_t stride, size_t depth, size_t n, const float* packed, const float* bias,
                       size_t columns, float* out) {
    for (size_t column = 0; column < columns; column += kSide, packed += depth * kSide)
      for (size_t t = 0; t < n; t += V::kRows) {
        const float* a = rows + t * stride;
        const float* b = packed;
        Vec sum[V::kRows][2];
        for (auto& s : sum) s[0] = V::load(bias + column), s[1] = V::load(bias + column + kLanes);
        for (size_t j = 0; j < depth; ++j, b += kSide) {
          const Vec b0 = V::load(b), b1 = V::load(b + kLanes);
          for (size_t r = 0; r < V::kRows; ++r) {
            const Vec value = V::set1(a[r * stride + j]);
            sum[r][0] = V::fma(value, b0, sum[r][0]);
            sum[r][1] = V::fma(value, b1, sum[r][1]);
          }
        }
        for (size_t r = 0; r < V::kRows; ++r) {
          V::store(out + (t + r) * columns + column, sum[r][0]);
          V::store(out + (t + r) * columns + column + kLanes, sum[r][1]);
        }
      }
  }

  // Bits and entropy of the n bytes from `start`, from the states before them.
  double surprise(const LstmCall& call, size_t start, size_t n, const float* states, float* features, float* scores) const {
    for (size_t t = 0; t < n; ++t) {
      const size_t at = start + t;
      memcpy(features + t * features_, states + t * padded_, units_ * sizeof(float));
      embed(at ? call.found.slot + kContexts * (at - 1) : call.first.slot, features + t * features_ + units_);
    }
    multiply(features, features_, features_, n, output_.get(), output_bias_.get(), kScores, scores);
    double total = 0;
    for (size_t t = 0; t < n; ++t, scores += kScores) {
      const size_t at = start + t;
      const CopyInput& found = at ? call.found : call.first;
      const size_t row = at ? kPredictions * (at - 1) : 0;
      copy(found.predicted + row, found.length + row, scores);
      float entropy;
      const float bits = softmax(scores, call.ids[at], &entropy);
      if (call.bits) call.bits[at] = bits;
      if (call.entropy) call.entropy[at] = entropy;
      total += bits;
    }
    return total;
  }

  // Sum of the learned contexts' embeddings.
  void embed(const uint16_t* slot, float* sum) const {
    int32_t whole[kEmbedded] = {};
    for (size_t k = 0; k < kTables; ++k) {
      const int8_t* row = context_.get() + (k * kContextSlots + slot[kLearned[k]]) * kEmbedded;
      for (size_t j = 0; j < kEmbedded; ++j) whole[j] += row[j];
    }
    for (size_t j = 0; j < kEmbedded; ++j) sum[j] = static_cast<float>(whole[j]);
  }

  // Adds to the logits of predicted bytes; scores [kScores]: logits, gains by the state, the gate's input by the state.
  void copy(const uint8_t* predicted, const uint8_t* length, float* scores) const {
    Vec gate[kGate / kLanes];
    for (size_t v = 0; v < kGate / kLanes; ++v) {
      Vec x = V::load(scores + kGateAt + v * kLanes);
      for (size_t k = 0; k < kKinds; ++k)
        x = V::add(x, V::load(gate_length_.get() + (k * kClasses + length[k]) * kGate + v * kLanes));
      const Vec e = exponential_of_gate<V>(x, 2.0f);  // tanh x = (e^2x - 1) / (e^2x + 1)
      gate[v] = V::div(V::sub(e, V::set1(1.0f)), V::add(e, V::set1(1.0f)));
    }
    for (size_t k = 0; k < kPredictions; ++k) {
      if (!length[k]) continue;
      Vec sum = V::set1(0.0f);
      for (size_t v = 0; v < kGate / kLanes; ++v)
        sum = V::fma(gate[v], V::load(gate_gain_.get() + k * kGate + v * kLanes), sum);
      scores[predicted[k]] += scores[kGains + k] + copy_bias_.get()[k * kClasses + length[k]] + total(sum);
    }
  }

  static float total(Vec v) {
    alignas(64) float lanes[kLanes];
    V::store(lanes, v);
    for (size_t width = kLanes / 2; width; width /= 2)
      for (size_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    return lanes[0];
  }

  // Surprisal of `id` under softmax(logits [256]), and the entropy, in bits.
  static float softmax(const float* logits, uint8_t id, float* entropy) {
    Vec top = V::load(logits);
    for (size_t j = kLanes; j < kBytes; j += kLanes) top = V::max(top, V::load(logits + j));
    alignas(64) float lanes[kLanes];
    V::store(lanes, top);
    float highest = lanes[0];
    for (float lane : lanes) highest = lane > highest ? lane : highest;
    Vec sum = V::set1(0.0f), weighted = sum;
    for (size_t j = 0; j < kBytes; j += kLanes) {
      const Vec x = V::max(V::sub(V::load(logits + j), V::set1(highest)), V::set1(-87.0f));
      const Vec e = exponential<V>(x);
      sum = V::add(sum, e);
      weighted = V::fma(e, x, weighted);
    }
    const float mass = total(sum), log_mass = logf(mass);
    *entropy = (log_mass - total(weighted) / mass) / kLog2;
    return (log_mass - (logits[id] - highest)) / kLog2;
  }

  size_t units_, outputs_;
  size_t padded_;   // H up to whole panels; the excess is zero everywhere and stays so
  size_t columns_;  // K likewise
  size_t features_;  // H and the contexts' embedding
  size_t groups_;    // of levels of h
  Buffer<float> byte_, predicted_, length_;
  Buffer<Stored> recurrent_;
  Buffer<float> scale_;
  Buffer<float> output_, output_bias_, copy_bias_, gate_length_, gate_gain_;
  Buffer<int8_t> context_;
  Buffer<float> heads_, heads_bias_;
};

}  // namespace
}  // namespace soupstate
