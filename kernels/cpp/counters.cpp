// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "counters.h"

#include <algorithm>
#include <cstring>
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

// h as one of 2 * kCounterLevels + 1 whole numbers, ties to even. To add and subtract a large number rounds, and
// compilers turn it into vector instructions. They must not fuse it with the product, see CMakeLists.txt.
inline int16_t level(float h) {
  constexpr float kRounding = 3 << 22;
  h = h > 1.0f ? 1.0f : h;
  h = h < -1.0f ? -1.0f : h;
  return static_cast<int16_t>(static_cast<int32_t>((h * kCounterLevels + kRounding) - kRounding));
}

// Writes the sums [n] of several rows [n].
inline __attribute__((always_inline)) void add_rows(const std::vector<const int32_t*>& rows, size_t n, int32_t* sums) {
  using Ints = int32_t __attribute__((vector_size(32)));
  constexpr size_t kLanes = 8, kVectors = 4;
  size_t i = 0;
  for (; i + kLanes * kVectors <= n; i += kLanes * kVectors) {
    Ints sum[kVectors] = {};
    for (const int32_t* row : rows)
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) {
        Ints some;
        memcpy(&some, row + i + v * kLanes, sizeof some);
        sum[v] += some;
      }
    memcpy(sums + i, sum, sizeof sum);
  }
  for (; i < n; ++i) {
    sums[i] = 0;
    for (const int32_t* row : rows) sums[i] += row[i];
  }
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
  std::vector<const int32_t*> rows(1 + w.cells + w.differences);
  for (size_t t = 0; t < n; ++t, h += w.units, counted += w.cells) {
    for (size_t j = 0; j < w.units; ++j) levels[j] = level(h[j]);
    rows[0] = w.tags + tags[t] * w.width;
    for (size_t k = 0; k < w.cells; ++k)
      rows[1 + k] = w.open + (k * kCountedValues + std::min<int>(cells[k], kMostCounted)) * w.width;
    for (size_t d = w.cells; d < w.cells + w.differences; ++d) {
      int difference = 0;
      for (size_t k = 0; k < w.cells; ++k) difference += w.pairs[(d - w.cells) * w.cells + k] * cells[k];
      rows[1 + d] = w.open + (d * kCountedValues + 3 + std::clamp(difference, -3, 3)) * w.width;
    }
    add_rows(rows, w.width, z.data());
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
