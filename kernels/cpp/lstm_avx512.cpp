// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrence runs on half-length vectors and 32 registers. Instructions for products of bytes (VNNI) are not used yet.
#include "lstm_ymm.h"

namespace soupstate {
namespace {

struct Zmm {
  using Vec = __m512;
  static constexpr size_t kLanes = 16, kRows = 12;

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
  static Vec round(Vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Vec scale(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }
};

}  // namespace

std::unique_ptr<Lstm> make_avx512(const LstmWeights& weights) {
  return std::unique_ptr<Lstm>(new LstmOn<Zmm, Ymm<4>>(weights));
}

}  // namespace soupstate
