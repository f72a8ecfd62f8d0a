// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Vectors of 8 floats for lstm_body.h, on AVX2 with FMA.
#pragma once
#include <immintrin.h>

#include "columns_ymm.h"
#include "lstm_body.h"

namespace soupstate {
namespace {

// sum += products, in 32 bits. Written in assembler because GCC runs out of registers otherwise: it computes all
// products before the first sum, or moves the sums between registers.
inline void accumulate(__m256i* sum, __m256i products) { asm("vpaddd %1, %0, %0" : "+x"(*sum) : "x"(products)); }

struct Ymm {
  using Vec = __m256;
  using Sum = __m256i;
  using Recurrent = Columns;
  static constexpr size_t kLanes = 8, kPages = 8, kTogether = 1, kVectors = 2;

  static Vec value(Sum sum) { return _mm256_cvtepi32_ps(sum); }

  using Row = __m256i;
  static Row row(const int16_t* p) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(p)); }
  static Row add_rows(Row a, Row b) { return _mm256_add_epi16(a, b); }
  static Vec lower(Row a) { return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(a))); }
  static Vec upper(Row a) { return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm256_extracti128_si256(a, 1))); }

  using Input = int16_t;
  using Weight = int16_t;
  using Total = __m256i;
  static constexpr bool kIntegers = true;
  static constexpr size_t kPairs = 2, kRows = 4;

  static void to_inputs(const float* from, size_t n, float largest, int16_t* to) {
    for (size_t j = 0; j < n; j += 8) {
      const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from + j), _mm256_set1_ps(largest)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + j),
                       _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
    }
  }
  static Total nothing() { return _mm256_setzero_si256(); }
  static __m256i weights(const int16_t* w) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(w)); }
  static __m256i spread(const int16_t* inputs) {
    int32_t two;
    memcpy(&two, inputs, sizeof two);
    return _mm256_set1_epi32(two);
  }
  static Total add_products(Total sum, __m256i w, __m256i inputs) {
    accumulate(&sum, _mm256_madd_epi16(w, inputs));
    return sum;
  }
  static Vec total(Total sum) { return _mm256_cvtepi32_ps(sum); }

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
  static Vec raise(Vec a, Vec n) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent));
  }
};

}  // namespace
}  // namespace soupstate
