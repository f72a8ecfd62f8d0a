// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// A QRNN that reads bytes (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks": convolutions of width 2, fo-pooling):
// the contract that every instruction set fulfils.
//
// Letters: H units of a layer, L layers, n bytes of a call, P predictions (copy.h), of which the first kMatchers are read.
// All arrays are dense, row-major, owned by the caller. Gates stand in the order z, f, o.
// A byte x with copy input p, l adds to the gates of the first layer, by its table of tap j,
//   byte[j, x] + sum over the matchers k with l > 0 of (predicted[j, k, p] + length[j, k, l])
// tap 0 to those of the byte after it, tap 1 to its own. The gates of a further layer are W [x_{t-1}, x_t] + b, with x the h
// of the layer below. Of a layer's gates
//   c' = c + kept sigmoid(-f) (tanh(z) - c)               h' = sigmoid(o) c'
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "copy.h"

namespace soupstate {

constexpr size_t kTaps = 2;               // of a convolution
constexpr size_t kMostQrnnUnits = 1500;   // sums of 2 H products then stay within 32 bits, see products.h

// Borrowed for the length of a make_qrnn_...() call; nothing of it is kept.
struct QrnnWeights {
  size_t units;            // H, 1 to kMostQrnnUnits
  size_t layers;           // L, at least 1
  const float* byte;       // [2, 256, 3H], the first layer's bias folded into tap 1
  const float* predicted;  // [2, 2, 256, 3H]
  const float* length;     // [2, 2, 24, 3H], row 0 of each is never read
  const float* weight;     // [L - 1, 3H, 2H], the columns of x_{t-1} before those of x_t
  const float* bias;       // [L - 1, 3H]
  float kept;              // 1 without zoneout
};

// One page's bytes, or a part of them. No array may alias another. The state c, byte, below is of before ids[0], and
// afterwards of after ids[n - 1]; before a page it is 0.
struct QrnnCall {
  size_t n;                  // may be 0: nothing is read or written
  const uint8_t* ids;        // [n]
  const uint8_t* predicted;  // [n, P]
  const uint8_t* length;     // [n, P] < 24
  float* c;                  // [L, H], between -1 and 1
  float* byte;               // [3H] what the byte before adds to the first layer's gates
  float* below;              // [L - 1, H], between -1 and 1: h of each layer but the last
  float* h;                  // [n, H] out: of the last layer
};

// Packed weights. Holds no state: read() may run in several threads at once.
class Qrnn {
 public:
  virtual ~Qrnn() = default;
  virtual size_t units() const = 0;
  virtual size_t layers() const = 0;
  // A call cut in two, the state handed on, yields the same numbers. Needs some 100 rows of 3 H L numbers for itself;
  // throws std::bad_alloc only.
  virtual void read(const QrnnCall& call) const = 0;
};

// Each may be called only on a machine that has the instructions of its name: see lstm.h.
std::unique_ptr<Qrnn> make_qrnn_scalar(const QrnnWeights& weights);
#ifdef SOUPSTATE_X86
std::unique_ptr<Qrnn> make_qrnn_avx2(const QrnnWeights& weights);
std::unique_ptr<Qrnn> make_qrnn_avx512(const QrnnWeights& weights);
std::unique_ptr<Qrnn> make_qrnn_avx512vnni(const QrnnWeights& weights);
#endif

}  // namespace soupstate
