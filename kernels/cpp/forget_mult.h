// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrence of a QRNN and its gradient (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks", fo-pooling):
//   c_t = f_t c_{t-1} + (1 - f_t) z_t        h_t = o_t c_t
// Numbers stand side by side and do not see each other, so one body does for every machine.
#pragma once
#include <cstddef>

namespace soupstate {

// S sequences of T steps of N numbers each. Arrays that are [T, B, H] are one sequence of B H numbers; [B, T, H] are B.
// Any of them may be 0. All arrays are dense, row-major, owned by the caller; no output aliases anything.
struct ForgetMult {
  size_t sequences, steps, numbers;  // S, T, N
  const float *f, *z, *o;            // [S, T, N]
  const float* start;                // [S, N]: c before the first step
};

// c, h [S, T, N] out.
void forget_mult(const ForgetMult& given, float* c, float* h);

// Gradients of what forget_mult was given; all of them are written.
struct ForgetMultGradients {
  float *f, *z, *o;  // [S, T, N] out
  float* start;      // [S, N] out
};

// c [S, T, N] as forget_mult wrote it; by_h [S, T, N] and by_end [S, N]: gradients by h, and by c after the last step.
void forget_mult_gradients(const ForgetMult& given, const float* c, const float* by_h, const float* by_end,
                           const ForgetMultGradients& out);

}  // namespace soupstate
