// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Vectors of 16 floats for lstm_body.h, on AVX-512 F, BW and VL.
#pragma once
#include "lstm_ymm.h"

namespace soupstate {
namespace {

struct Zmm {
  using Vec = __m512;
  using Input = int16_t;
  using Weight = int16_t;
  using Total = __m512i;
  static constexpr bool kIntegers = true;
  static constexpr size_t kLanes = 16, kPairs = 2, kRows = 6;

  static void to_inputs(const float* from, size_t n, float largest, int16_t* to) {
    Ymm::to_inputs(from, n, largest, to);
  }
  static Total nothing() { return _mm512_setzero_si512(); }
  static __m512i weights(const int16_t* w) { return _mm512_load_si512(w); }
  static __m512i spread(const int16_t* inputs) {
    int32_t two;
    memcpy(&two, inputs, sizeof two);
    return _mm512_set1_epi32(two);
  }
  static Total add_products(Total sum, __m512i w, __m512i inputs) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(w, inputs));
  }
  static Vec total(Total sum) { return _mm512_cvtepi32_ps(sum); }

  static Vec load(const float* p) { return _mm512_load_ps(p); }
  static void store(float* p, Vec a) { _mm512_store_ps(p, a); }
  static Vec set1(float x) { return _mm512_set1_ps(x); }
  static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  static Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
  static Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
  static Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
  static Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
  static Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
  static Vec raise(Vec a, Vec n) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(n), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), exponent));
  }
};

}  // namespace
}  // namespace soupstate
