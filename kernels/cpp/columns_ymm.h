// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product of AVX2, which multiplies unsigned by signed bytes and sums two such products in 16 bits.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "activations.h"
#include "lstm.h"

namespace soupstate {
namespace {

// The places of the bits that are set, of each number of 8 bits.
struct Places {
  alignas(64) uint8_t of[256][8];
  constexpr Places() : of() {
    for (int bits = 0; bits < 256; ++bits)
      for (int k = 0, n = 0; k < 8; ++k)
        if (bits >> k & 1) of[bits][n++] = static_cast<uint8_t>(k);
  }
};
constexpr Places kPlaces;

// As Dense in dense.h, of the columns of units whose levels are not 0: no others are loaded. Two columns at a time are
// interleaved, multiplied by the magnitudes of both levels and summed in 16 bits, as many as these hold for certain; then
// the sums go to those of 32. A run is what is summed before that, of levels of one sign.
class Columns {
 public:
  using Level = uint32_t;
  using Sum = __m256i;
  static constexpr size_t kSums = 8, kPanel = 64;  // vectors of a panel's gate values; gate values
  static constexpr size_t kPanels = 2;             // that are multiplied at once, where there are so many left
  static constexpr uint32_t kMost = 32767 / kLargestWeight;  // of a run's magnitudes

  // Of `units` units, `padded` up to whole panels.
  Columns(size_t units, size_t padded) : units_(units), padded_(padded), weights_(4 * padded * units) {}

  // The weight that makes a gate value (its place in the panel) of a unit's level.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    // Where unpack and madd, below, leave it in its place: see widen().
    const size_t vector = at / 8, element = 2 * (at % 8) + vector % 2, sums = vector / 2;
    const size_t byte = sums / 2 * 32 + element / 8 * 16 + sums % 2 * 8 + element % 8;
    first(panel / kPanels * kPanels)[unit * width(panel) + panel % kPanels * kPanel + byte] = weight;
  }

  // Numbers Level of a page: of each run how many pairs it has and its sign; of each pair two units, and their
  // magnitudes; a run of no pairs is the end. Then what prepare() needs for itself.
  size_t levels() const { return room() + padded_ + 8 + padded_ / 4; }

  // Levels of h [padded], between -1 and 1, in `largest` parts.
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

  // The products of some panels with the levels of Pages pages, by vectors of gate values.
  template <size_t Pages, size_t Panels>
  void multiply(size_t panel, const Level* const (&levels)[Pages], Sum (&sums)[Pages][Panels * kSums]) const {
    for (size_t p = 0; p < Pages; ++p) multiply_one<Panels>(first(panel), levels[p], sums[p]);
  }

 private:
  // The weights of the panels from this one on that are multiplied at once, and how many a unit has there.
  int8_t* first(size_t panel) const { return weights_.get() + panel * units_ * kPanel; }
  size_t width(size_t panel) const {
    return (panel / kPanels + 1) * kPanels * kPanel <= 4 * padded_ ? kPanels * kPanel : kPanel;
  }

  // Numbers Level that runs and pairs take at most: each run has a pair.
  size_t room() const { return 5 * (units_ / 2 + 2) + 1; }

  // Writes the numbers, from j on, of the lanes that are set; returns how many there are.
  static size_t list(__m256i lanes, size_t j, uint16_t* to) {
    const auto bits = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes)));
    const __m128i places = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kPlaces.of[bits])));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_add_epi16(places, _mm_set1_epi16(static_cast<int16_t>(j))));
    return static_cast<size_t>(__builtin_popcount(bits));
  }

  // Runs of n units; a last one without another makes a pair with itself, whose magnitude is 0 there.
  static Level* add_runs(const uint16_t* units, size_t n, const uint8_t* magnitudes, Level sign, Level* to) {
    for (size_t i = 0; i < n;) {
      Level* run = to;
      to += 2;
      for (Level left = kMost; i < n; i += 2) {
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
    constexpr size_t kHalves = 2 * Panels;  // vectors of a unit's weights
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

  // Adds the sums of 16 bits in even places to the first total, those in odd ones to the second.
  static void widen(__m256i sums, __m256i* total) {
    total[0] = _mm256_add_epi32(total[0], _mm256_madd_epi16(sums, _mm256_set1_epi32(1)));
    total[1] = _mm256_add_epi32(total[1], _mm256_madd_epi16(sums, _mm256_set1_epi32(1 << 16)));
  }

  size_t units_, padded_;
  Buffer<int8_t> weights_;  // [panels at once][unit][panel of them][kPanel]
};

}  // namespace
}  // namespace soupstate
