// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "counters.h"

#include <algorithm>
#include <cmath>
#include <vector>

// Compiles a function for AVX2 and for the base machine, and chooses when the module is loaded, which needs
// glibc. All numbers are integers, so all versions compute the same.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define SOUPSTATE_FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define SOUPSTATE_FOR_EACH_PROCESSOR
#endif

namespace soupstate {
namespace {

// The compiler turns this loop into multiplications of 8 or 16 numbers of 16 bits at a time.
inline int32_t dot(const int16_t* a, const int16_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<int32_t>(a[i]) * b[i];
  return sum;
}

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
  std::vector<int32_t> z(w.width);
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
    for (size_t i = 0; i < w.width; ++i) {
      const int32_t sum = z[i] + dot(w.hidden + i * w.units, levels.data(), w.units);
      m[i] = static_cast<int16_t>(std::clamp(sum >> w.shift, 0, 32767));
    }
    for (size_t k = 0; k < w.cells; ++k) {
      size_t best = 0;
      int32_t most = 0;
      for (size_t move = 0; move < kMoves; ++move) {
        const size_t row = k * kMoves + move;
        const int32_t value =
            w.moves_bias[tags[t] * w.cells * kMoves + row] + dot(w.moves + row * w.width, m.data(), w.width);
        if (!move || value > most) best = move, most = value;
      }
      counted[k] = cells[k] = moved(cells[k], best, w.most[k]);
    }
  }
}

}  // namespace soupstate
