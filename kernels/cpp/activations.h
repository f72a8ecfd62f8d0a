// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Aligned memory and the transcendental functions of lstm_body.h, for any vector type.
#pragma once
#include <math.h>
#include <stddef.h>
#include <string.h>

#include <new>

namespace soupstate {
namespace {

constexpr float kPower[] = {
    1.0f, 6.931470037e-01f, 2.402224243e-01f, 5.550733581e-02f, 9.671512991e-03f, 1.326472731e-03f};
constexpr float kLog2 = 0.693147181f;
constexpr float kLog2E = 1.44269504f;
constexpr float kTwice = 2.0f * kLog2E;  // 2^(kTwice x) = e^2x
constexpr float kMagic = 12582912.0f;    // 1.5 * 2^23
// The limit of a gate's exponent of 2. Beyond it the gate is 0 or 1 in float precision. Up to it, the product of three
// exponentials is finite.
constexpr float kGateLimit = 40.0f;

// An array aligned to cache lines. It starts as zeros.
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

// Returns 2^x for -126 <= x <= 126 with a relative error below 2e-7. It splits x = n + r with n an integer and r
// between -1/2 and 1/2, and multiplies a polynomial in r by 2^n. The coefficients minimise the largest relative error
// among the polynomials with 2^0 = 1. We fitted them with numpy, reweighting the errors until they were level.
// Adding kMagic rounds x: the sum has no bits left for a fraction, and its lowest bits are n.
template <class V>
inline typename V::Vec power_of_two(typename V::Vec x) {
  const auto n = V::add(x, V::set1(kMagic));
  const auto r = V::sub(x, V::sub(n, V::set1(kMagic)));
  auto p = V::set1(kPower[5]);
#pragma GCC unroll 8
  for (int k = 4; k >= 0; --k) p = V::fma(p, r, V::set1(kPower[k]));
  return V::raise(p, n);
}

// Returns e^x for -87 <= x <= 87 with a relative error below 6e-6. The error is far smaller near 0.
template <class V>
inline typename V::Vec exponential(typename V::Vec x) {
  return power_of_two<V>(V::mul(x, V::set1(kLog2E)));
}

// Returns 2^x with x clamped to the range in which a gate still changes.
template <class V>
inline typename V::Vec power_of_gate(typename V::Vec x) {
  return power_of_two<V>(V::max(V::min(x, V::set1(kGateLimit)), V::set1(-kGateLimit)));
}

// Returns sigmoid(a) tanh(b) from e^-a and e^2b, with one division.
template <class V>
inline typename V::Vec sigmoid_tanh(typename V::Vec minus_a, typename V::Vec twice_b) {
  const auto one = V::set1(1.0f);
  return V::div(V::sub(twice_b, one), V::mul(V::add(one, minus_a), V::add(twice_b, one)));
}

template <class V>
inline typename V::Vec tanh_of(typename V::Vec x) {
  const auto e = power_of_gate<V>(V::mul(x, V::set1(kTwice)));
  return V::div(V::sub(e, V::set1(1.0f)), V::add(e, V::set1(1.0f)));
}

template <class V>
inline float total(typename V::Vec v) {
  alignas(64) float lanes[V::kLanes];
  V::store(lanes, v);
  for (size_t width = V::kLanes / 2; width; width /= 2)
    for (size_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  return lanes[0];
}

// Returns the highest of logits [n]. n is a multiple of kLanes.
template <class V>
inline float highest_of(const float* logits, size_t n) {
  auto top = V::load(logits);
  for (size_t j = V::kLanes; j < n; j += V::kLanes) top = V::max(top, V::load(logits + j));
  alignas(64) float lanes[V::kLanes];
  V::store(lanes, top);
  float highest = lanes[0];
  for (float lane : lanes) highest = lane > highest ? lane : highest;
  return highest;
}

// Writes softmax(logits [kWide]) to `odds` [kWide], which may lie anywhere.
template <class V, size_t kWide>
inline void softmax_odds(const float* logits, float* odds) {
  alignas(64) float values[kWide];
  const auto highest = V::set1(highest_of<V>(logits, kWide));
  auto sum = V::set1(0.0f);
  for (size_t j = 0; j < kWide; j += V::kLanes) {
    const auto e = exponential<V>(V::max(V::sub(V::load(logits + j), highest), V::set1(-87.0f)));
    V::store(values + j, e);
    sum = V::add(sum, e);
  }
  const auto mass = V::set1(total<V>(sum));
  for (size_t j = 0; j < kWide; j += V::kLanes) V::store(values + j, V::div(V::load(values + j), mass));
  memcpy(odds, values, sizeof(values));
}

// Returns the surprisal of `id` under softmax(logits [n]) in bits, and writes the entropy in bits. n is a multiple of
// kLanes.
template <class V>
inline float softmax(const float* logits, size_t n, size_t id, float* entropy) {
  const float highest = highest_of<V>(logits, n);
  auto sum = V::set1(0.0f), weighted = sum;
  for (size_t j = 0; j < n; j += V::kLanes) {
    const auto x = V::max(V::sub(V::load(logits + j), V::set1(highest)), V::set1(-87.0f));
    const auto e = exponential<V>(x);
    sum = V::add(sum, e);
    weighted = V::fma(e, x, weighted);
  }
  const float mass = total<V>(sum), log_mass = logf(mass);
  *entropy = (log_mass - total<V>(weighted) / mass) / kLog2;
  return (log_mass - (logits[id] - highest)) / kLog2;
}

}  // namespace
}  // namespace soupstate
