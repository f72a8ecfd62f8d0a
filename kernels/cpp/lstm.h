// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// One LSTM layer that reads bytes: the contract that every instruction set fulfils.
//
// Letters: H units, K head outputs, n bytes of a call, U traced units, P predictions, C contexts (copy.h), of which those
// in kLearned have embeddings. All arrays are dense, row-major, owned by the caller.
// Gates stand in the order i, f, g, o. With x the byte, p, l and s the copy input after it:
//   z  = byte[x] + sum over the matchers k with l > 0 of (predicted[k, p] + length[k, l])
//        + recurrent_scale (recurrent . levels) / kLevels     levels = round(kLevels h), 0 where that is kQuiet or less;
//                                                              the product of whole numbers is exact
//   c' = sigmoid(z_f) c + sigmoid(z_i) tanh(z_g)          h' = sigmoid(z_o) tanh(c')
//   next byte: logits = output . h' + output_bias + context_output . (sum over learned k of context[k, s_k]);
//     gate = tanh(gate . h' + gate_bias + sum over matchers and contexts k of gate_length[k, l_k]);
//     for k with l > 0: logits[p] += copy_gain[k] . h' + copy_bias[k, l] + gate_gain[k] . gate
//   heads: heads . h' + heads_bias
// Products with output, context_output, copy_gain, gate and heads may be ones of whole numbers too: see products.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "copy.h"

namespace soupstate {

constexpr int kLevels = 63;                              // h, between -1 and 1, is rounded to so many parts for it
constexpr int kQuiet = 2;                                // the greatest level that it takes for 0
constexpr int kLargestWeight = 63;                       // of the recurrent ones
constexpr size_t kGate = 32;                             // units of the small layer that weighs predictions
constexpr size_t kKinds = kMatchers + kContexts;         // of lengths: both bytes of a context have one
constexpr size_t kLearned[] = {2, 3, 4, 6, 7, 8};        // contexts with embeddings
constexpr size_t kTables = sizeof(kLearned) / sizeof(*kLearned);
constexpr size_t kEmbedded = 24;                         // their length

// Borrowed for the length of a make_...() call; nothing of it is kept.
struct LstmWeights {
  size_t units;             // H
  size_t outputs;           // K, may be 0
  const float* byte;        // [256, 4H], both biases folded in
  const float* predicted;   // [2, 256, 4H]
  const float* length;      // [2, 24, 4H], row 0 of each is never read
  const int8_t* recurrent;  // [4H, H], -kLargestWeight to kLargestWeight
  const float* recurrent_scale; // [4H] what a row's numbers are to be multiplied by
  const float* output;      // [256, H]
  const float* output_bias; // [256]
  const float* copy_gain;   // [P, H]
  const float* copy_bias;   // [P, 24]
  const float* gate;        // [32, H]
  const float* gate_bias;   // [32]
  const float* gate_length; // [12, 24, 32]
  const float* gate_gain;   // [P, 32]
  const int8_t* context;    // [6, 65536, 24]
  const float* context_output; // [256, 24]
  const float* heads;       // [K, H]
  const float* heads_bias;  // [K]
};

// The copy input of some bytes.
struct CopyInput {
  const uint8_t* predicted;  // [.., P]
  const uint8_t* length;     // [.., P] < 24
  const uint16_t* slot;      // [.., C]
};

// One page's bytes, or a part of them. No output may alias an input or another output, but for h and c, which are both.
struct LstmCall {
  size_t n;                        // may be 0: nothing is read or written
  const uint8_t* ids;              // [n]
  CopyInput found;                 // after each byte
  CopyInput first;                 // after the byte before ids[0]
  float* h;                        // [H], between -1 and 1; in: before ids[0]; out: after ids[n - 1]
  float* c;                        // [H]
  const int64_t* units;            // [U] < H
  size_t n_units;                  // U
  bool alone;                      // the recurrence alone: no bits, entropy or heads, which are null
  const uint8_t* asked;            // [n] whether a byte's odds are to be computed; null: all bytes'
  float* bits;                     // [n] out: surprisal of each byte asked for, before it was read; or null
  float* entropy;                  // [n] out: entropy in bits of the distribution before it; or null
  float* heads;                    // [n, K] out: after each byte; or null
  float* traces;                   // [n, U] out: h after each byte
};

// Packed weights. Holds no state: read() may run in several threads at once.
class Lstm {
 public:
  virtual ~Lstm() = default;
  virtual size_t units() const = 0;
  virtual size_t outputs() const = 0;
  // Reads all calls, several at a time: their weights are loaded once for all that are under way, and when one has been read
  // the next takes its place. What is read of a call does not depend on the others. Returns the total surprisal, in bits,
  // of the bytes asked for.
  // Needs some 100 rows of H + 400 numbers for itself; throws std::bad_alloc only.
  virtual double read(const LstmCall* calls, size_t count) const = 0;
};

// Each may be called only on a machine that has the instructions of its name.
std::unique_ptr<Lstm> make_scalar(const LstmWeights& weights);
#ifdef SOUPSTATE_X86
std::unique_ptr<Lstm> make_avx2(const LstmWeights& weights);        // AVX2, FMA
std::unique_ptr<Lstm> make_avx512(const LstmWeights& weights);      // AVX-512 F, BW, VL and the former
std::unique_ptr<Lstm> make_avx512vnni(const LstmWeights& weights);  // AVX-512 VNNI and the former
#endif

}  // namespace soupstate
