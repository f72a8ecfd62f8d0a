// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product on AVX2. Its instruction multiplies unsigned bytes by signed ones and adds two products in 16
// bits.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "activations.h"
#include "lstm.h"

namespace soupstate {
namespace {

// For each byte value, the positions of its set bits.
struct SetBits {
  alignas(64) uint8_t of[256][8];
  constexpr SetBits() : of() {
    for (int bits = 0; bits < 256; ++bits)
      for (int k = 0, n = 0; k < 8; ++k)
        if (bits >> k & 1) of[bits][n++] = static_cast<uint8_t>(k);
  }
};
constexpr SetBits kSetBits;

// Does what Dense (dense.h) does, but reads only the weight columns of units whose level is not 0. It interleaves two
// columns at a time, multiplies them by the magnitudes of both levels and sums in 16 bits. Before these sums could
// overflow, it adds them to sums of 32 bits. The units summed in between are a run; their levels have one sign.
class Columns {
 public:
  using Level = uint32_t;
  using Sum = __m256i;
  static constexpr size_t kSums = 8;          // vectors of gate values in a panel
  static constexpr size_t kPanelValues = 64;  // gate values in a panel
  static constexpr size_t kPanelsAtOnce = 2;  // panels multiplied together, where as many are left
  static constexpr uint32_t kMaxMagnitudes = 32767 / kLargestWeight;  // sum of the magnitudes in a run

  // `padded` is the number of units, rounded up to whole panels.
  Columns(size_t units, size_t padded) : units_(units), padded_(padded), weights_(4 * padded * units) {}

  // Stores the weight from a unit's level to gate value `at` of a panel.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    // Inverts the order that unpack and madd make, see widen().
    const size_t vector = at / 8, element = 2 * (at % 8) + vector % 2, sums = vector / 2;
    const size_t byte = sums / 2 * 32 + element / 8 * 16 + sums % 2 * 8 + element % 8;
    first(panel / kPanelsAtOnce * kPanelsAtOnce)[unit * width(panel) + panel % kPanelsAtOnce * kPanelValues + byte] =
        weight;
  }

  // Returns how many numbers prepare() needs for a page. It writes each run: the number of pairs, the sign, then two
  // units and their magnitudes for each pair. A run of no pairs is the end. The rest is scratch memory.
  size_t levels() const { return room() + padded_ + 8 + padded_ / 4; }

  // Rounds h [padded], between -1 and 1, to multiples of 1 / `largest`.
  void prepare(const float* h, float largest, Level* to) const {
    auto* above = reinterpret_cast<uint16_t*>(to + room());
    auto* below = above + padded_ + 8;
    auto* magnitudes = reinterpret_cast<uint8_t*>(below + padded_ + 8);
    size_t n_above = 0, n_below = 0;
    const __m256i quiet = _mm256_set1_epi32(kQuiet), negative = _mm256_set1_epi32(-kQuiet);
    for (size_t j = 0; j < padded_; j += 8) {
      const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_load_ps(h + j), _mm256_set1_ps(largest)));
      const __m256i size = _mm256_abs_epi32(whole);
      const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(size), _mm256_extracti128_si256(size, 1));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(magnitudes + j), _mm_packus_epi16(words, words));
      n_above += list(_mm256_cmpgt_epi32(whole, quiet), j, above + n_above);
      n_below += list(_mm256_cmpgt_epi32(negative, whole), j, below + n_below);
    }
    to = add_runs(above, n_above, magnitudes, 1, to);
    *add_runs(below, n_below, magnitudes, ~0u, to) = 0;
  }

  // Multiplies some panels by the levels of several pages. Each sum is a vector of gate values.
  template <size_t Pages, size_t Panels>
  void multiply(size_t panel, const Level* const (&levels)[Pages], Sum (&sums)[Pages][Panels * kSums]) const {
    for (size_t p = 0; p < Pages; ++p) multiply_one<Panels>(first(panel), levels[p], sums[p]);
  }

 private:
  // The weights of the panels multiplied together from this one on, and the number of them per unit.
  int8_t* first(size_t panel) const { return weights_.get() + panel * units_ * kPanelValues; }
  size_t width(size_t panel) const {
    return (panel / kPanelsAtOnce + 1) * kPanelsAtOnce * kPanelValues <= 4 * padded_ ? kPanelsAtOnce * kPanelValues
                                                                                     : kPanelValues;
  }

  // The most numbers that the runs and their pairs take. Each run has at least one pair.
  size_t room() const { return 5 * (units_ / 2 + 2) + 1; }

  // Writes j plus the index of each lane that is set. Returns how many it wrote.
  static size_t list(__m256i lanes, size_t j, uint16_t* to) {
    const auto bits = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes)));
    const __m128i places = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kSetBits.of[bits])));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_add_epi16(places, _mm_set1_epi16(static_cast<int16_t>(j))));
    return static_cast<size_t>(__builtin_popcount(bits));
  }

  // Writes the runs of n units. An odd last unit is paired with itself, with magnitude 0.
  static Level* add_runs(const uint16_t* units, size_t n, const uint8_t* magnitudes, Level sign, Level* to) {
    for (size_t i = 0; i < n;) {
      Level* run = to;
      to += 2;
      for (Level left = kMaxMagnitudes; i < n; i += 2) {
        const bool last = i + 1 == n;
        const Level a = units[i], b = units[last ? i : i + 1], of_a = magnitudes[a], of_b = last ? 0 : magnitudes[b];
        if (of_a + of_b > left) break;
        left -= of_a + of_b;
        to[0] = a, to[1] = b, to[2] = of_a | of_b << 8;
        to += 3;
      }
      run[0] = static_cast<Level>(to - run - 2) / 3;
      run[1] = sign;
    }
    return to;
  }

  template <size_t Panels>
  void multiply_one(const int8_t* weights, const Level* at, Sum (&total)[Panels * kSums]) const {
    constexpr size_t kHalves = 2 * Panels;  // vectors of weights per unit
#pragma GCC unroll 16
    for (size_t q = 0; q < Panels * kSums; ++q) total[q] = _mm256_setzero_si256();
    while (const Level pairs = at[0]) {
      const __m256i sign = _mm256_set1_epi16(static_cast<int16_t>(at[1]));
      at += 2;
      __m256i sums[2 * kHalves];
#pragma GCC unroll 8
      for (size_t k = 0; k < 2 * kHalves; ++k) sums[k] = _mm256_setzero_si256();
      for (const Level* end = at + 3 * pairs; at != end; at += 3) {
        const auto* a = reinterpret_cast<const __m256i*>(weights) + at[0] * kHalves;
        const auto* b = reinterpret_cast<const __m256i*>(weights) + at[1] * kHalves;
        const __m256i magnitudes = _mm256_set1_epi16(static_cast<int16_t>(at[2]));
#pragma GCC unroll 4
        for (size_t half = 0; half < kHalves; ++half) {
          const __m256i low = _mm256_unpacklo_epi8(a[half], b[half]), high = _mm256_unpackhi_epi8(a[half], b[half]);
          sums[2 * half] = _mm256_add_epi16(sums[2 * half], _mm256_maddubs_epi16(magnitudes, low));
          sums[2 * half + 1] = _mm256_add_epi16(sums[2 * half + 1], _mm256_maddubs_epi16(magnitudes, high));
        }
      }
#pragma GCC unroll 8
      for (size_t k = 0; k < 2 * kHalves; ++k) widen(_mm256_sign_epi16(sums[k], sign), &total[2 * k]);
    }
  }

  // Adds the 16-bit sums at even positions to the first total and those at odd positions to the second.
  static void widen(__m256i sums, __m256i* total) {
    total[0] = _mm256_add_epi32(total[0], _mm256_madd_epi16(sums, _mm256_set1_epi32(1)));
    total[1] = _mm256_add_epi32(total[1], _mm256_madd_epi16(sums, _mm256_set1_epi32(1 << 16)));
  }

  size_t units_, padded_;
  Buffer<int8_t> weights_;  // [group of panels][unit][panel in the group][kPanelValues]
};

}  // namespace
}  // namespace soupstate
