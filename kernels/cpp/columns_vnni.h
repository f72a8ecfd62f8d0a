// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrent product of AVX-512 with VNNI, which multiplies four unsigned by four signed bytes and sums in 32 bits.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "activations.h"
#include "lstm.h"

namespace soupstate {
namespace {

constexpr int32_t kMiddle = kLargestWeight + 1;  // what is added to a weight to make it unsigned

// As Columns in columns_ymm.h, of the columns of units whose levels are not 0. Two at a time are interleaved, so that the
// four bytes of a lane are the weights of two gate values; each is summed by a multiplication of its own, in which the
// other one's levels are 0. It is weights that are made unsigned, so levels keep their signs, and all are one run.
class ColumnsVnni {
 public:
  using Level = int32_t;
  using Sum = __m512i;
  static constexpr size_t kLanes = 16;
  static constexpr size_t kSums = 4, kPanel = kSums * kLanes;  // vectors of a panel's gate values; gate values
  static constexpr size_t kPanels = 2;                         // that are multiplied at once, where there are so many left

  // Of `units` units, `padded` up to whole panels.
  ColumnsVnni(size_t units, size_t padded) : units_(units), padded_(padded), weights_(4 * padded * units) {
    memset(weights_.get(), kMiddle, 4 * padded * units);
  }

  // The weight that makes a gate value (its place in the panel) of a unit's level.
  void set(size_t panel, size_t at, size_t unit, int8_t weight) {
    // Where unpack leaves it in its place: a lane of sum `vector` is the even or odd one of two in a half of 128 bits.
    const size_t vector = at / kLanes, lane = at % kLanes;
    const size_t byte = lane / 4 * 16 + vector / 2 * 8 + lane % 4 * 2 + vector % 2;
    first(panel / kPanels * kPanels)[unit * width(panel) + panel % kPanels * kPanel + byte] =
        static_cast<uint8_t>(weight + kMiddle);
  }

  // Numbers Level of a page: how many pairs of units there are, what a sum starts with; from kLanes on the units, two a
  // pair; after them two numbers a pair, its levels as they multiply the first gate value of a lane, and the second.
  size_t levels() const { return kLanes + 2 * room(); }

  // Levels of h [padded], between -1 and 1, in `largest` parts.
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
    units[n] = levels[n] = 0;  // the last one without another makes a pair with a unit whose level is 0
    to[0] = static_cast<Level>((n + 1) / 2);
    to[1] = -kMiddle * _mm512_reduce_add_epi32(sum);
    for (size_t i = 0; i < n; i += 2) {
      const Level both = (levels[i] & 0xff) | (levels[i + 1] & 0xff) << 8;
      levels[i] = both;
      levels[i + 1] = static_cast<Level>(static_cast<uint32_t>(both) << 16);
    }
  }

  // The products of some panels with the levels of Pages pages, by vectors of gate values.
  template <size_t Pages, size_t Panels>
  void multiply(size_t panel, const Level* const (&levels)[Pages], Sum (&sums)[Pages][Panels * kSums]) const {
    for (size_t p = 0; p < Pages; ++p) multiply_one<Panels>(first(panel), levels[p], sums[p]);
  }

 private:
  // The weights of the panels from this one on that are multiplied at once, and how many a unit has there.
  uint8_t* first(size_t panel) const { return weights_.get() + panel * units_ * kPanel; }
  size_t width(size_t panel) const {
    return (panel / kPanels + 1) * kPanels * kPanel <= 4 * padded_ ? kPanels * kPanel : kPanel;
  }

  // Units, and whole vectors where fewer are written.
  size_t room() const { return padded_ + kLanes; }

  template <size_t Panels>
  void multiply_one(const uint8_t* weights, const Level* levels, Sum (&total)[Panels * kSums]) const {
    const Level *unit = levels + kLanes, *level = unit + room(), *end = unit + 2 * levels[0];
    __m512i sums[Panels * kSums];  // in registers, which `total` would not be
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
  Buffer<uint8_t> weights_;  // [panels at once][unit][panel of them][kPanel]
};

}  // namespace
}  // namespace soupstate
