// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The loops of peaks.h for a vector type P. P has Floats and Ints of kBytes each; no_floats() and no_ints(), zeros;
// fma(sum, a, b) and dot(sum, unsigned bytes, signed bytes), which update sum; load(); either(a, b), the bitwise or. As
// in lstm_body.h, everything is in an anonymous namespace.
#pragma once
#include <stdint.h>
#include <time.h>

#include "activations.h"
#include "peaks.h"

namespace soupstate {
namespace {

constexpr int kTurns = 40000;
constexpr double kStreamed = 64e6;  // bytes to stream, roughly

inline double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Makes the compiler compute a value that nothing uses.
template <class T>
inline void use(T& value) {
  asm volatile("" : "+x"(value));
}

template <class P>
double time_fp32() {
  typename P::Floats sums[P::kSums], a = P::no_floats(), b = a;
  use(a), use(b);
#pragma GCC unroll 32
  for (int k = 0; k < P::kSums; ++k) sums[k] = P::no_floats();
  const double start = thread_seconds();
  for (int i = 0; i < kTurns; ++i)
#pragma GCC unroll 32
    for (int k = 0; k < P::kSums; ++k) P::fma(sums[k], a, b);
  const double seconds = thread_seconds() - start;
#pragma GCC unroll 32
  for (int k = 0; k < P::kSums; ++k) use(sums[k]);
  return seconds;
}

template <class P>
double time_int8() {
  typename P::Ints sums[P::kSums], a = P::no_ints(), b = a;
  use(a), use(b);
#pragma GCC unroll 32
  for (int k = 0; k < P::kSums; ++k) sums[k] = P::no_ints();
  const double start = thread_seconds();
  for (int i = 0; i < kTurns; ++i)
#pragma GCC unroll 32
    for (int k = 0; k < P::kSums; ++k) P::dot(sums[k], a, b);
  const double seconds = thread_seconds() - start;
#pragma GCC unroll 32
  for (int k = 0; k < P::kSums; ++k) use(sums[k]);
  return seconds;
}

template <class P>
double stream(size_t bytes) {
  Buffer<uint8_t> buffer(bytes);
  typename P::Ints sums[4] = {P::no_ints(), P::no_ints(), P::no_ints(), P::no_ints()};
  const size_t turns = static_cast<size_t>(kStreamed / static_cast<double>(bytes)) + 2;
  double start = 0;
  for (size_t i = 0; i < turns; ++i) {
    if (i == 1) start = thread_seconds();  // the first pass fills the caches
    for (const uint8_t* p = buffer.get(); p < buffer.get() + bytes; p += 4 * P::kBytes)
#pragma GCC unroll 4
      for (size_t k = 0; k < 4; ++k) sums[k] = P::either(sums[k], P::load(p + k * P::kBytes));
    use(sums[0]);
  }
  const double seconds = thread_seconds() - start;
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) use(sums[k]);
  return static_cast<double>(bytes) * static_cast<double>(turns - 1) / seconds;
}

template <class P>
Peaks measure(size_t bytes) {
  const double numbers = 2.0 * kTurns * P::kSums * P::kBytes;
  return {numbers / sizeof(float) / time_fp32<P>(), numbers / time_int8<P>(), stream<P>(bytes)};
}

}  // namespace
}  // namespace soupstate
