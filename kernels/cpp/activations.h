// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Memory and transcendental functions for lstm_body.h, for any vector type.
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
constexpr float kTwice = 2.0f * kLog2E;   // 2^(kTwice x) = e^2x
constexpr float kMagic = 12582912.0f;     // 1.5 2^23
constexpr float kGateLimit =
    40.0f;  // of powers of 2: beyond it gates are 0 or 1 to float precision; products of three exponentials stay finite

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

// 2^x for |x| <= 126, to 2e-7 relative: x = n + r, a polynomial in r, |r| <= 1/2, times 2^n. Its coefficients make the
// greatest relative error least among those with 2^0 = 1 (fitted with numpy, errors weighed anew until they are level).
// With kMagic added no bits are left for a fraction, and the last ones of the sum are n.
template <class V>
inline typename V::Vec power_of_two(typename V::Vec x) {
  const auto n = V::add(x, V::set1(kMagic));
  const auto r = V::sub(x, V::sub(n, V::set1(kMagic)));
  auto p = V::set1(kPower[5]);
#pragma GCC unroll 8
  for (int k = 4; k >= 0; --k) p = V::fma(p, r, V::set1(kPower[k]));
  return V::raise(p, n);
}

// e^x for |x| <= 87, to 6e-6 relative, far better near 0.
template <class V>
inline typename V::Vec exponential(typename V::Vec x) {
  return power_of_two<V>(V::mul(x, V::set1(kLog2E)));
}

// 2^x, where a gate is all but 0 or 1 the same for all x
template <class V>
inline typename V::Vec power_of_gate(typename V::Vec x) {
  return power_of_two<V>(V::max(V::min(x, V::set1(kGateLimit)), V::set1(-kGateLimit)));
}

// sigmoid(a) tanh(b) with one division, from e^-a and e^2b.
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

// Surprisal of `id` under softmax(logits [n]), and the entropy, in bits; n is whole vectors.
template <class V>
inline float softmax(const float* logits, size_t n, size_t id, float* entropy) {
  auto top = V::load(logits);
  for (size_t j = V::kLanes; j < n; j += V::kLanes) top = V::max(top, V::load(logits + j));
  alignas(64) float lanes[V::kLanes];
  V::store(lanes, top);
  float highest = lanes[0];
  for (float lane : lanes) highest = lane > highest ? lane : highest;
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
