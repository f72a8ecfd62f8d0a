// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Vectors of 8 floats for lstm_body.h: AVX2, FMA, F16C.
#pragma once
#include <immintrin.h>

#include "lstm_body.h"

namespace soupstate {
namespace {

template <size_t Vectors>
struct Ymm {
  using Vec = __m256;
  using Stored = uint16_t;  // half precision
  static constexpr size_t kLanes = 8, kVectors = Vectors, kRows = 6;

  static uint16_t narrow(float x) { return static_cast<uint16_t>(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT)); }
  static Vec widen(const uint16_t* p) { return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(p))); }
  static Vec load(const float* p) { return _mm256_load_ps(p); }
  static void store(float* p, Vec a) { _mm256_store_ps(p, a); }
  static Vec set1(float x) { return _mm256_set1_ps(x); }
  static Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
  static Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
  static Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
  static Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
  static Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
  static Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
  static Vec round(Vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Vec scale(Vec a, Vec n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
  }
};

}  // namespace
}  // namespace soupstate
