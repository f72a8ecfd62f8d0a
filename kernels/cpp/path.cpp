// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "path.h"

#include <algorithm>
#include <vector>

namespace soupstate {

void path_forward(const float* evidence, const uint8_t* kinds, const float* changes, size_t n, size_t classes,
                  float* scores, uint8_t* pointers) {
  std::vector<float> next(classes);
  for (size_t t = 0; t < n; ++t) {
    const float* table = changes + kinds[t] * classes * classes;
    uint8_t* from = pointers + t * classes;
    std::fill(next.begin(), next.end(), -1e30f);
    std::fill(from, from + classes, uint8_t{0});
    for (size_t a = 0; a < classes; ++a) {
      const float* row = table + a * classes;
      for (size_t b = 0; b < classes; ++b) {
        const float s = scores[a] + row[b];
        if (s > next[b]) {
          next[b] = s;
          from[b] = static_cast<uint8_t>(a);
        }
      }
    }
    float best = -1e30f;
    for (size_t b = 0; b < classes; ++b) {
      next[b] += evidence[t * classes + b];
      best = std::max(best, next[b]);
    }
    for (size_t b = 0; b < classes; ++b) scores[b] = next[b] - best;
  }
}

}  // namespace soupstate
