// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product of AVX2, which multiplies unsigned by signed bytes and sums two such products in 16 bits.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "activations.h"

namespace soupstate {
namespace {

// sum += products, of 32 bits. Not left to the compiler: it computes all products before the first sum, for want of
// registers, or moves sums about between them, which took a sixth of the recurrence's time.
inline void accumulate(__m256i* sum, __m256i products) { asm("vpaddd %1, %0, %0" : "+x"(*sum) : "x"(products)); }

// As Dense in dense.h, of groups of four levels. A group whose levels are all 0 is left out. Of two whose sums of two
// magnitudes are at most 127 the products are summed in 16 bits, which hold 2 * 127 * 128.
//
// A level's sign goes to the weight: all bits of it inverted are -w - 1. The sums start with what the -1 takes away.
class Groups {
 public:
  using Level = uint32_t;
  using Sum = __m256i;
  static constexpr size_t kSums = 8, kPanel = 64;  // vectors of a panel's gate values; gate values

  // Of `units` units, `padded` up to whole panels.
  Groups(size_t units, size_t padded)
      : padded_(padded), groups_(up(units, 4) / 4), weights_(4 * padded * groups_ * 4) {}

  // The weight that makes a gate value (its place in the panel) of a unit's level.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    weights_.get()[((panel * groups_ + unit / 4) * kPanel + at) * 4 + unit % 4] = weight;
  }

  // Numbers Level of a page: the excess, where the groups end that are summed by twos, and where the others begin; the
  // groups, padded_ / 4 at most; of each group four magnitudes, then four signs, 255 where negative.
  size_t levels() const { return 4 + padded_ / 4 + padded_ / 2; }

  // Levels of h [padded], between -1 and 1, in `largest` parts.
  void prepare(const float* h, float largest, Level* to) const {
    Level* order = to + 4;
    Level* groups = order + padded_ / 4;
    __m128i excess = _mm_setzero_si128();
    for (size_t j = 0; j < padded_; j += 8) {
      const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_load_ps(h + j), _mm256_set1_ps(largest)));
      const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
      const __m128i levels = _mm_packs_epi16(words, _mm_setzero_si128());
      const __m128i magnitudes = _mm_abs_epi8(levels), signs = _mm_cmpgt_epi8(_mm_setzero_si128(), levels);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(groups + j / 2), _mm_unpacklo_epi32(magnitudes, signs));
      excess = _mm_add_epi32(excess, _mm_sad_epu8(_mm_and_si128(magnitudes, signs), _mm_setzero_si128()));
    }
    size_t twos = 0, ones = groups_;
    for (size_t g = 0; g < groups_; ++g) {
      const uint32_t four = groups[2 * g];
      const uint32_t pairs = (four & 0xFF00FFu) + (four >> 8 & 0xFF00FFu);
      const bool large = pairs & 0xFF80FF80u;
      // Each is written at both ends of the list, and stays at one of them or at none.
      order[twos] = static_cast<Level>(g);
      twos += four && !large;
      if (large) order[--ones] = static_cast<Level>(g);
    }
    if (twos % 2) {
      --twos;
      order[--ones] = order[twos];
    }
    to[0] = static_cast<Level>(_mm_cvtsi128_si32(excess));
    to[1] = static_cast<Level>(twos);
    to[2] = static_cast<Level>(ones);
  }

  // The products of a panel with the levels of Pages pages, by vectors of gate values.
  template <size_t Pages>
  void multiply(size_t panel, const Level* const (&levels)[Pages], Sum (&sums)[Pages][kSums]) const {
    for (size_t p = 0; p < Pages; ++p) multiply_one(weights_.get() + panel * groups_ * 4 * kPanel, levels[p], sums[p]);
  }

 private:
  void multiply_one(const int8_t* panel, const Level* levels, Sum (&sums)[kSums]) const {
    const Level* order = levels + 4;
    const Level* groups = order + padded_ / 4;
    const __m256i one = _mm256_set1_epi16(1);
    Sum total[kSums];
#pragma GCC unroll 8
    for (size_t q = 0; q < kSums; ++q) total[q] = _mm256_set1_epi32(static_cast<int32_t>(levels[0]));
    for (size_t i = 0; i < levels[1]; i += 2) {
      const size_t a = order[i], b = order[i + 1];
      const auto* w = reinterpret_cast<const __m256i*>(panel + a * 4 * kPanel);
      const auto* v = reinterpret_cast<const __m256i*>(panel + b * 4 * kPanel);
      const __m256i magnitudes = spread(groups + 2 * a), signs = spread(groups + 2 * a + 1);
      const __m256i others = spread(groups + 2 * b), their_signs = spread(groups + 2 * b + 1);
#pragma GCC unroll 8
      for (size_t q = 0; q < kSums; ++q) {
        const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(magnitudes, _mm256_xor_si256(signs, w[q])),
                                               _mm256_maddubs_epi16(others, _mm256_xor_si256(their_signs, v[q])));
        accumulate(&total[q], _mm256_madd_epi16(pairs, one));
      }
    }
    for (size_t i = levels[2]; i < groups_; ++i) {
      const size_t a = order[i];
      const auto* w = reinterpret_cast<const __m256i*>(panel + a * 4 * kPanel);
      const __m256i magnitudes = spread(groups + 2 * a), signs = spread(groups + 2 * a + 1);
#pragma GCC unroll 8
      for (size_t q = 0; q < kSums; ++q)
        accumulate(&total[q], _mm256_madd_epi16(_mm256_maddubs_epi16(magnitudes, _mm256_xor_si256(signs, w[q])), one));
    }
#pragma GCC unroll 8
    for (size_t q = 0; q < kSums; ++q) sums[q] = total[q];
  }

  static __m256i spread(const Level* four) { return _mm256_set1_epi32(static_cast<int32_t>(*four)); }

  size_t padded_, groups_;
  Buffer<int8_t> weights_;  // [panel][group][kPanel][4]
};

}  // namespace
}  // namespace soupstate
