// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include <immintrin.h>

#include "peaks_body.h"

namespace soupstate {
namespace {

struct Zmm {
  using Floats = __m512;
  using Ints = __m512i;
  static constexpr size_t kBytes = 64;
  static constexpr int kSums = 16;

  static Floats no_floats() { return _mm512_setzero_ps(); }
  static Ints no_ints() { return _mm512_setzero_si512(); }
  static void fma(Floats& sum, Floats a, Floats b) {
    sum = _mm512_fmadd_ps(a, b, sum);
    use(sum);
  }
  static void dot(Ints& sum, Ints a, Ints b) {
    sum = _mm512_dpbusd_epi32(sum, a, b);
    use(sum);
  }
  static Ints load(const uint8_t* p) { return _mm512_load_si512(p); }
  static Ints either(Ints a, Ints b) { return _mm512_or_si512(a, b); }
};

}  // namespace

Peaks peaks_avx512vnni(size_t bytes) { return measure<Zmm>(bytes); }

}  // namespace soupstate
