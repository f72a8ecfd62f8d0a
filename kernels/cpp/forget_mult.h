// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The recurrence of a QRNN and its gradient (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks", fo-pooling):
//   c_t = f_t c_{t-1} + (1 - f_t) z_t        h_t = o_t c_t
// All operations are elementwise, so the compiler vectorises one body for every machine.
#pragma once
#include <cstddef>

namespace soupstate {

// S sequences of T steps of N numbers each. An array [T, B, H] is one sequence of B H numbers; an array [B, T, H] is B
// sequences. S, T and N may be 0. All arrays are dense, row-major and owned by the caller. No output may alias another
// array.
struct ForgetMult {
  size_t sequences, steps, numbers;  // S, T, N
  const float *f, *z, *o;            // [S, T, N]
  const float* start;                // [S, N]: c before the first step
};

// Writes c and h [S, T, N].
void forget_mult(const ForgetMult& given, float* c, float* h);

// The gradients of the inputs of forget_mult. All of them are written.
struct ForgetMultGradients {
  float *f, *z, *o;  // [S, T, N] out
  float* start;      // [S, N] out
};

// c [S, T, N] is the output of forget_mult. by_h [S, T, N] is the gradient of h, by_end [S, N] that of c after the last
// step.
void forget_mult_gradients(const ForgetMult& given, const float* c, const float* by_h, const float* by_end,
                           const ForgetMultGradients& out);

}  // namespace soupstate
