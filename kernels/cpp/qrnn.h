// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// A QRNN that reads bytes (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks", convolutions of width 2,
// fo-pooling). Every instruction set implements this contract.
//
// H units per layer, L layers, n bytes in a call, P predictions (copy.h), of which only those of the kMatchers matchers
// are used. All arrays are dense, row-major and owned by the caller. The gates come in the order z, f, o.
// A byte x with copy input p, l adds to the gates of the first layer, from the tables of tap j,
//   byte[j, x] + sum over matchers k with l_k > 0 of (predicted[j, k, p_k] + length[j, k, l_k])
// Tap 0 adds to the gates of the next byte, tap 1 to those of the byte itself. The gates of each further layer are W
// [x_{t-1}, x_t] + b, where x is the h of the layer below. Every layer computes
//   c' = c + kept sigmoid(-f) (tanh(z) - c)               h' = sigmoid(o) c'
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "copy.h"

namespace soupstate {

constexpr size_t kTaps = 2;             // of the convolution
constexpr size_t kMaxQrnnUnits = 1500;  // so that sums of 2 H products stay within 32 bits, see products.h

// The arrays must live until make_qrnn_...() returns. It copies them.
struct QrnnWeights {
  size_t units;            // H, 1 to kMaxQrnnUnits
  size_t layers;           // L, at least 1
  const float* byte;       // [2, 256, 3H], tap 1 including the bias of the first layer
  const float* predicted;  // [2, 2, 256, 3H]
  const float* length;     // [2, 2, 24, 3H], row 0 of each is not used
  const float* weight;     // [L - 1, 3H, 2H], the columns of x_{t-1} before those of x_t
  const float* bias;       // [L - 1, 3H]
  float kept;              // 1 - zoneout
};

// The bytes of one page or a part of them. No array may alias another. c, byte and below are the state: on entry that
// before ids[0], afterwards that after ids[n - 1]. It is 0 before a page.
struct QrnnCall {
  size_t n;                  // may be 0: then nothing is read or written
  const uint8_t* ids;        // [n]
  const uint8_t* predicted;  // [n, P]
  const uint8_t* length;     // [n, P] < 24
  float* c;                  // [L, H], between -1 and 1
  float* byte;               // [3H]: what the byte before adds to the gates of the first layer
  float* below;              // [L - 1, H], between -1 and 1: h of each layer but the last
  float* h;                  // [n, H] out: h of the last layer
};

// Packed weights. They hold no state, so several threads may call read() at once.
class Qrnn {
 public:
  virtual ~Qrnn() = default;
  virtual size_t units() const = 0;
  virtual size_t layers() const = 0;
  // Reading in parts, handing on the state, yields the same numbers as reading at once. Allocates about 100 rows of 3 H
  // L numbers. Throws std::bad_alloc only.
  virtual void read(const QrnnCall& call) const = 0;
};

// Call these only on a machine that has the instructions, see lstm.h.
std::unique_ptr<Qrnn> make_qrnn_scalar(const QrnnWeights& weights);
#ifdef SOUPSTATE_X86
std::unique_ptr<Qrnn> make_qrnn_avx2(const QrnnWeights& weights);
std::unique_ptr<Qrnn> make_qrnn_avx512(const QrnnWeights& weights);
std::unique_ptr<Qrnn> make_qrnn_avx512vnni(const QrnnWeights& weights);
#endif

}  // namespace soupstate
