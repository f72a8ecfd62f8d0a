// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "counters.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "processors.h"

namespace soupstate {
namespace {

inline int32_t dot(const int16_t* a, const int16_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<int32_t>(a[i]) * b[i];
  return sum;
}

// Adds the products of each of rows [count, n] with b [n] to sums [count].
SOUPSTATE_OTHERS
void add_products(const int16_t* rows, size_t count, const int16_t* b, size_t n, int32_t* sums) {
  for (size_t i = 0; i < count; ++i) sums[i] += dot(rows + i * n, b, n);
}

#ifdef SOUPSTATE_AVX2
// The same for eight rows at a time, whose sums fill one register.
SOUPSTATE_AVX2
void add_products(const int16_t* rows, size_t count, const int16_t* b, size_t n, int32_t* sums) {
  constexpr size_t kRows = 8, kAtOnce = 16;
  const size_t even = n - n % kAtOnce;
  size_t i = 0;
  for (; i + kRows <= count; i += kRows, rows += kRows * n) {
    __m256i sum[kRows] = {};
    for (size_t j = 0; j < even; j += kAtOnce) {
      const __m256i other = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + j));
      for (size_t k = 0; k < kRows; ++k) {
        const __m256i row = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows + k * n + j));
        sum[k] = _mm256_add_epi32(sum[k], _mm256_madd_epi16(row, other));
      }
    }
    __m256i four[2];  // in each half of a register, a part of the sums of four rows
    for (size_t k = 0; k < 2; ++k)
      four[k] = _mm256_hadd_epi32(_mm256_hadd_epi32(sum[4 * k], sum[4 * k + 1]),
                                  _mm256_hadd_epi32(sum[4 * k + 2], sum[4 * k + 3]));
    const __m256i all = _mm256_add_epi32(_mm256_permute2x128_si256(four[0], four[1], 0x20),
                                         _mm256_permute2x128_si256(four[0], four[1], 0x31));
    const auto to = reinterpret_cast<__m256i*>(sums + i);
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), all));
    for (size_t k = 0; k < kRows; ++k) sums[i + k] += dot(rows + k * n + even, b + even, n - even);
  }
  for (; i < count; ++i, rows += n) sums[i] += dot(rows, b, n);
}
#endif

void add(const int32_t* row, size_t n, int32_t* sum) {
  for (size_t i = 0; i < n; ++i) sum[i] += row[i];
}

uint8_t moved(uint8_t count, size_t move, uint8_t most) {
  constexpr int kBy[kMoves] = {0, 1, -1, -256, 2, -2};
  return static_cast<uint8_t>(std::clamp<int>(count + kBy[move], 0, most));
}

}  // namespace

SOUPSTATE_FOR_EACH_PROCESSOR
void count_open(const Counters& w, size_t n, const float* h, const uint8_t* tags, uint8_t* cells, uint8_t* counted) {
  std::vector<int16_t> levels(w.units), m(w.width);
  std::vector<int32_t> z(w.width), values(w.cells * kMoves);
  for (size_t t = 0; t < n; ++t, h += w.units, counted += w.cells) {
    for (size_t j = 0; j < w.units; ++j) {
      const float level = std::nearbyint(std::clamp(h[j], -1.0f, 1.0f) * kCounterLevels);
      levels[j] = static_cast<int16_t>(level);
    }
    std::copy_n(w.tags + tags[t] * w.width, w.width, z.begin());
    for (size_t k = 0; k < w.cells; ++k)
      add(w.open + (k * kCountedValues + std::min<int>(cells[k], kMostCounted)) * w.width, w.width, z.data());
    for (size_t d = 0; d < w.differences; ++d) {
      int difference = 0;
      for (size_t k = 0; k < w.cells; ++k) difference += w.pairs[d * w.cells + k] * cells[k];
      add(w.open + ((w.cells + d) * kCountedValues + 3 + std::clamp(difference, -3, 3)) * w.width, w.width, z.data());
    }
    add_products(w.hidden, w.width, levels.data(), w.units, z.data());
    for (size_t i = 0; i < w.width; ++i) m[i] = static_cast<int16_t>(std::clamp(z[i] >> w.shift, 0, 32767));
    std::copy_n(w.moves_bias + tags[t] * values.size(), values.size(), values.begin());
    add_products(w.moves, values.size(), m.data(), w.width, values.data());
    for (size_t k = 0; k < w.cells; ++k) {
      const int32_t* own = values.data() + k * kMoves;
      const size_t move = static_cast<size_t>(std::max_element(own, own + kMoves) - own);
      counted[k] = cells[k] = moved(cells[k], move, w.most[k]);
    }
  }
}

}  // namespace soupstate
