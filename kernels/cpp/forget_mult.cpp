// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "forget_mult.h"

#include <algorithm>

namespace soupstate {

void forget_mult(const ForgetMult& given, float* c, float* h) {
  const size_t n = given.numbers;
  for (size_t s = 0; s < given.sequences; ++s) {
    const float* before = given.start + s * n;
    for (size_t t = 0; t < given.steps; ++t) {
      const size_t at = (s * given.steps + t) * n;
      const float *f = given.f + at, *z = given.z + at, *o = given.o + at;
      float* __restrict__ cell = c + at, * __restrict__ out = h + at;
      for (size_t i = 0; i < n; ++i) {
        cell[i] = f[i] * before[i] + (1.0f - f[i]) * z[i];
        out[i] = o[i] * cell[i];
      }
      before = cell;
    }
  }
}

void forget_mult_gradients(const ForgetMult& given, const float* c, const float* by_h, const float* by_end,
                           const ForgetMultGradients& out) {
  const size_t n = given.numbers;
  for (size_t s = 0; s < given.sequences; ++s) {
    float* __restrict__ carried = out.start + s * n;  // the gradient of c after step t that comes from later steps
    std::copy(by_end + s * n, by_end + (s + 1) * n, carried);
    for (size_t t = given.steps; t--;) {
      const size_t at = (s * given.steps + t) * n;
      const float *f = given.f + at, *z = given.z + at, *o = given.o + at, *cell = c + at, *by = by_h + at;
      const float* before = t ? cell - n : given.start + s * n;
      float* __restrict__ by_f = out.f + at, * __restrict__ by_z = out.z + at, * __restrict__ by_o = out.o + at;
      for (size_t i = 0; i < n; ++i) {
        const float by_cell = carried[i] + o[i] * by[i];
        by_o[i] = cell[i] * by[i];
        by_f[i] = by_cell * (before[i] - z[i]);
        by_z[i] = by_cell * (1.0f - f[i]);
        carried[i] = by_cell * f[i];
      }
    }
  }
}

}  // namespace soupstate
