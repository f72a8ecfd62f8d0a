// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// AVX-512 with VNNI: four products of bytes, or two of 16 bits, and their sum in one instruction.
#include "dense.h"
#include "lstm_zmm.h"
#include "qrnn_body.h"

namespace soupstate {
namespace {

struct Vnni : Zmm {
  using Stored = int8_t;
  using Level = uint8_t;
  using Sum = __m512i;
  using Group = __m512i;
  using Recurrent = Dense<Vnni>;
  static constexpr size_t kDepth = 4, kPages = 16, kTogether = 4, kVectors = 1;

  // Unsigned, as the instruction wants them: kMiddle more than they are, which the Sum starts without.
  static void quantize(Vec a, uint8_t* to) {
    const __m512i whole = _mm512_cvtps_epi32(a);
    const __mmask16 loud = _mm512_cmpgt_epi32_mask(_mm512_abs_epi32(whole), _mm512_set1_epi32(kQuiet));
    const __m512i level = _mm512_add_epi32(_mm512_maskz_mov_epi32(loud, whole), _mm512_set1_epi32(kMiddle));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(level));
  }
  static Group broadcast(const uint8_t* levels) {
    int32_t four;
    memcpy(&four, levels, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static Sum start(const int32_t* below) { return _mm512_load_si512(below); }
  static Sum dot(Sum sum, const int8_t* w, Group h) { return _mm512_dpbusd_epi32(sum, h, _mm512_load_si512(w)); }
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

std::unique_ptr<Qrnn> make_qrnn_avx512vnni(const QrnnWeights& weights) {
  return std::unique_ptr<Qrnn>(new QrnnOn<Vnni, Vnni>(weights));
}

}  // namespace soupstate
