// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Vectors of 8 floats for lstm_body.h: AVX2, FMA.
#pragma once
#include <immintrin.h>

#include "lstm_body.h"

namespace soupstate {
namespace {

template <size_t Vectors>
struct Ymm {
  using Vec = __m256;
  using Stored = int8_t;
  using Level = int8_t;
  using Sum = __m256i;
  struct Group {
    __m256i levels, magnitudes;
  };
  static constexpr size_t kLanes = 8, kVectors = Vectors, kRows = 6, kDepth = 4;

  static void quantize(Vec a, int8_t* to) {
    const __m256i whole = _mm256_cvtps_epi32(a);
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packs_epi16(words, words));
  }
  static Group broadcast(const int8_t* levels) {
    int32_t four;
    memcpy(&four, levels, sizeof four);
    const __m256i all = _mm256_set1_epi32(four);
    return {all, _mm256_abs_epi8(all)};
  }
  // The multiplication takes unsigned by signed bytes, so a level's sign goes to the weight. Two products make at most
  // 2 * 127 * 127, which 16 bits hold.
  static Sum dot(Sum sum, const int8_t* w, Group h) {
    const __m256i weights = _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
    const __m256i pairs = _mm256_maddubs_epi16(h.magnitudes, _mm256_sign_epi8(weights, h.levels));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static Vec value(Sum sum) { return _mm256_cvtepi32_ps(sum); }
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
