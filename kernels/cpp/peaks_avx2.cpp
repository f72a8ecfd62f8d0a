// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include <immintrin.h>

#include "peaks_body.h"

namespace soupstate {
namespace {

struct Ymm {
  using Floats = __m256;
  using Ints = __m256i;
  static constexpr size_t kBytes = 32;
  static constexpr int kSums = 10;  // of 16 registers; an fma takes 4 or 5 cycles, and two start per cycle

  static Floats no_floats() { return _mm256_setzero_ps(); }
  static Ints no_ints() { return _mm256_setzero_si256(); }
  static void fma(Floats& sum, Floats a, Floats b) {
    sum = _mm256_fmadd_ps(a, b, sum);
    use(sum);
  }
  // Without VNNI: pairs of products in 16 bits, pairs of these in 32 bits, and a sum.
  static void dot(Ints& sum, Ints a, Ints b) {
    Ints t;
    asm volatile("vpmaddubsw %3, %2, %1\n\tvpmaddwd %3, %1, %1\n\tvpaddd %1, %0, %0"
                 : "+x"(sum), "=&x"(t)
                 : "x"(a), "x"(b));
  }
  static Ints load(const uint8_t* p) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(p)); }
  static Ints either(Ints a, Ints b) { return _mm256_or_si256(a, b); }
};

}  // namespace

Peaks peaks_avx2(size_t bytes) { return measure<Ymm>(bytes); }

}  // namespace soupstate
