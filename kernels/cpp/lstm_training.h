// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// An LSTM and its gradient, for training on a CPU (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al.
// 2000):
//   z = W [x_t, h_{t-1}, 1]        i, f, g, o = the four quarters of z
//   c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)        h_t = sigmoid(o) tanh(c_t)
// All arrays hold floats and are dense, row-major and owned by the caller. No output may alias another array. B, T and
// E may be 0.
#pragma once
#include <cstddef>

namespace soupstate {

struct LstmSizes {
  size_t lanes, steps, inputs, units;  // B, T, E, H
  // Always inlined, so that the linker cannot share code between instruction sets.
  [[gnu::always_inline]] size_t depth() const { return inputs + units + 1; }
  [[gnu::always_inline]] size_t gates() const { return 4 * units; }
};

struct LstmForward {
  LstmSizes sizes;
  const float* weight;             // [4H, E + H + 1]: W, whose last column is the bias
  const float* x;                  // [B, T, E]
  const float *first_h, *first_c;  // [B, H]: the state before the first step
  float* h;                        // [B, T, H] out
  // Outputs that the gradient needs:
  float* rows;   // [T, B, E + H + 1]: the inputs of W
  float* gates;  // [T, B, 4H]: i, f, g, o after sigmoid or tanh
  float* cells;  // [T + 1, B, H]: c before every step and after the last
};

struct LstmBackward {
  LstmSizes sizes;
  const float *weight, *gates, *cells;  // as in LstmForward
  const float *by_h, *by_end;           // [B, T, H], [B, H]: gradients of h and of the last c
  float* by_z;  // [T, B, 4H] out; the gradient of W is its product with the rows, over all steps and lanes
  float* by_x;  // [B, T, E] out
  float *by_first_h, *by_first_c;  // [B, H] out
};

struct LstmTraining {
  void (*forward)(const LstmForward&);
  void (*backward)(const LstmBackward&);
};

LstmTraining lstm_training_scalar();
LstmTraining lstm_training_avx2();    // needs AVX2, FMA
LstmTraining lstm_training_avx512();  // needs AVX-512 F

}  // namespace soupstate
