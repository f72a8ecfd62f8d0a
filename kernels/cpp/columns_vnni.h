// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product on AVX-512 with VNNI. Its instruction multiplies four unsigned bytes by four signed ones and
// adds the products to a sum of 32 bits.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "activations.h"
#include "lstm.h"

namespace soupstate {
namespace {

constexpr int32_t kWeightOffset = kLargestWeight + 1;  // added to a weight to make it unsigned

// Does what Columns (columns_ymm.h) does: it reads only the weight columns of units whose level is not 0. It
// interleaves two columns at a time, so that the four bytes of a lane are the weights of two gate values. Two
// multiplications sum these two values; in each, the levels that belong to the other value are 0.
// Here the weights are unsigned and the levels keep their signs, so that one run holds all units.
class ColumnsVnni {
 public:
  using Level = int32_t;
  using Sum = __m512i;
  static constexpr size_t kLanes = 16;
  static constexpr size_t kSums = 4;                      // vectors of gate values in a panel
  static constexpr size_t kPanelValues = kSums * kLanes;  // gate values in a panel
  static constexpr size_t kPanelsAtOnce = 2;              // panels multiplied together, where as many are left

  // `padded` is the number of units, rounded up to whole panels.
  ColumnsVnni(size_t units, size_t padded) : units_(units), padded_(padded), weights_(4 * padded * units) {
    memset(weights_.get(), kWeightOffset, 4 * padded * units);
  }

  // Stores the weight from a unit's level to gate value `at` of a panel.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    // Inverts the order that unpack makes: sum `vector` holds the even or the odd values of one half of each 128 bits.
    const size_t vector = at / kLanes, lane = at % kLanes;
    const size_t byte = lane / 4 * 16 + vector / 2 * 8 + lane % 4 * 2 + vector % 2;
    first(panel / kPanelsAtOnce * kPanelsAtOnce)[unit * width(panel) + panel % kPanelsAtOnce * kPanelValues + byte] =
        static_cast<uint8_t>(weight + kWeightOffset);
  }

  // Returns how many numbers prepare() writes for a page. The first two are the number of pairs of units and the start
  // value of each sum. The units follow from kLanes on, two per pair, then two numbers per pair: its levels as they
  // multiply the first and the second gate value of a lane.
  size_t levels() const { return kLanes + 2 * room(); }

  // Rounds h [padded], between -1 and 1, to multiples of 1 / `largest`.
  void prepare(const float* h, float largest, Level* to) const {
    Level *units = to + kLanes, *levels = units + room();
    const __m512i step = _mm512_set1_epi32(kLanes), quiet = _mm512_set1_epi32(kQuiet);
    __m512i unit = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i sum = _mm512_setzero_si512();
    size_t n = 0;
    for (size_t j = 0; j < padded_; j += kLanes, unit = _mm512_add_epi32(unit, step)) {
      const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(h + j), _mm512_set1_ps(largest)));
      const __mmask16 loud = _mm512_cmpgt_epi32_mask(_mm512_abs_epi32(whole), quiet);
      _mm512_storeu_si512(units + n, _mm512_maskz_compress_epi32(loud, unit));
      _mm512_storeu_si512(levels + n, _mm512_maskz_compress_epi32(loud, whole));
      sum = _mm512_mask_add_epi32(sum, loud, sum, whole);
      n += static_cast<size_t>(__builtin_popcount(loud));
    }
    units[n] = levels[n] = 0;  // an odd last unit is paired with one whose level is 0
    to[0] = static_cast<Level>((n + 1) / 2);
    to[1] = -kWeightOffset * _mm512_reduce_add_epi32(sum);
    for (size_t i = 0; i < n; i += 2) {
      const Level both = (levels[i] & 0xff) | (levels[i + 1] & 0xff) << 8;
      levels[i] = both;
      levels[i + 1] = static_cast<Level>(static_cast<uint32_t>(both) << 16);
    }
  }

  // Multiplies some panels by the levels of several pages. Each sum is a vector of gate values.
  template <size_t Pages, size_t Panels>
  void multiply(size_t panel, const Level* const (&levels)[Pages], Sum (&sums)[Pages][Panels * kSums]) const {
    for (size_t p = 0; p < Pages; ++p) multiply_one<Panels>(first(panel), levels[p], sums[p]);
  }

 private:
  // The weights of the panels multiplied together from this one on, and the number of them per unit.
  uint8_t* first(size_t panel) const { return weights_.get() + panel * units_ * kPanelValues; }
  size_t width(size_t panel) const {
    return (panel / kPanelsAtOnce + 1) * kPanelsAtOnce * kPanelValues <= 4 * padded_ ? kPanelsAtOnce * kPanelValues
                                                                                     : kPanelValues;
  }

  // The most numbers that the list of units takes: compressed stores write whole vectors.
  size_t room() const { return padded_ + kLanes; }

  template <size_t Panels>
  void multiply_one(const uint8_t* weights, const Level* levels, Sum (&total)[Panels * kSums]) const {
    const Level *unit = levels + kLanes, *level = unit + room(), *end = unit + 2 * levels[0];
    __m512i sums[Panels * kSums];  // kept in registers, which `total` would not be
#pragma GCC unroll 8
    for (size_t q = 0; q < Panels * kSums; ++q) sums[q] = _mm512_set1_epi32(levels[1]);
    for (; unit != end; unit += 2, level += 2) {
      const auto* a = reinterpret_cast<const __m512i*>(weights) + static_cast<size_t>(unit[0]) * Panels;
      const auto* b = reinterpret_cast<const __m512i*>(weights) + static_cast<size_t>(unit[1]) * Panels;
      const __m512i of_even = _mm512_set1_epi32(level[0]), of_odd = _mm512_set1_epi32(level[1]);
#pragma GCC unroll 2
      for (size_t k = 0; k < Panels; ++k) {
        const __m512i low = _mm512_unpacklo_epi8(a[k], b[k]), high = _mm512_unpackhi_epi8(a[k], b[k]);
        sums[4 * k] = _mm512_dpbusd_epi32(sums[4 * k], low, of_even);
        sums[4 * k + 1] = _mm512_dpbusd_epi32(sums[4 * k + 1], low, of_odd);
        sums[4 * k + 2] = _mm512_dpbusd_epi32(sums[4 * k + 2], high, of_even);
        sums[4 * k + 3] = _mm512_dpbusd_epi32(sums[4 * k + 3], high, of_odd);
      }
    }
#pragma GCC unroll 8
    for (size_t q = 0; q < Panels * kSums; ++q) total[q] = sums[q];
  }

  size_t units_, padded_;
  Buffer<uint8_t> weights_;  // [group of panels][unit][panel in the group][kPanelValues]
};

}  // namespace
}  // namespace soupstate
