// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// AVX-512 with VNNI, which sums four products of bytes or two products of 16 bits in one instruction.
#include "columns_vnni.h"
#include "lstm_zmm.h"

namespace soupstate {
namespace {

struct Vnni : Zmm {
  using Sum = __m512i;
  using Recurrent = ColumnsVnni;
  static constexpr size_t kPages = 8, kTogether = 1, kVectors = 1;

  static Vec value(Sum sum) { return _mm512_cvtepi32_ps(sum); }

  using Row = __m512i;
  static Row row(const int16_t* p) { return _mm512_load_si512(p); }
  static Row add_rows(Row a, Row b) { return _mm512_add_epi16(a, b); }
  static Vec lower(Row a) { return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(a))); }
  static Vec upper(Row a) { return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(a, 1))); }

  static Total add_products(Total sum, __m512i w, __m512i inputs) { return _mm512_dpwssd_epi32(sum, w, inputs); }
};

}  // namespace

std::unique_ptr<Lstm> make_avx512vnni(const LstmWeights& weights) {
  return std::unique_ptr<Lstm>(new LstmOn<Vnni, Vnni>(weights));
}

}  // namespace soupstate
