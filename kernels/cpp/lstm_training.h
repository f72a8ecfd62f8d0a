// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// An LSTM and its gradient, for training on a processor:
//   z = W [x_t, h_{t-1}, 1]        i, f, g, o = the four quarters of z
//   c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)        h_t = sigmoid(o) tanh(c_t)
// (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000). All arrays are dense, row-major, of floats
// and owned by the caller; no output aliases anything. Any number but the units may be 0.
#pragma once
#include <cstddef>

namespace soupstate {

struct LstmSizes {
  size_t lanes, steps, inputs, units;  // B, T, E, H
  // Always inlined, so that the linker cannot share code made for one instruction set with another.
  [[gnu::always_inline]] size_t depth() const { return inputs + units + 1; }
  [[gnu::always_inline]] size_t gates() const { return 4 * units; }
};

struct LstmForward {
  LstmSizes sizes;
  const float* weight;             // [4H, E + H + 1]: W, the bias its last column
  const float* x;                  // [B, T, E]
  const float *first_h, *first_c;  // [B, H]: the state before
  float* h;                        // [B, T, H] out
  // Out, for the gradient:
  float* rows;   // [T, B, E + H + 1]: what W was multiplied by
  float* gates;  // [T, B, 4H]: sigmoid or tanh of z
  float* cells;  // [T + 1, B, H]: c before every step, and after the last
};

struct LstmBackward {
  LstmSizes sizes;
  const float *weight, *gates, *cells;  // as above
  const float *by_h, *by_end;           // [B, T, H], [B, H]: gradients by h and by the last c
  float* by_z;                          // [T, B, 4H] out; W's gradient is its product with rows, all steps at once
  float* by_x;                          // [B, T, E] out
  float *by_first_h, *by_first_c;       // [B, H] out
};

struct LstmTraining {
  void (*forward)(const LstmForward&);
  void (*backward)(const LstmBackward&);
};

LstmTraining lstm_training_scalar();
LstmTraining lstm_training_avx2();    // needs AVX2, FMA
LstmTraining lstm_training_avx512();  // needs AVX-512 F

}  // namespace soupstate
