// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// One LSTM layer that reads bytes. Every instruction set implements this contract.
//
// H units, K head outputs, n bytes in a call, U traced units, P predictions and C contexts (copy.h). The contexts in
// kLearned have embeddings. All arrays are dense, row-major and owned by the caller. The gates come in the order i, f,
// g, o. x is the byte; p, l and s are the rows predicted, length and slot of the copy input after it.
//   z  = byte[x] + sum over matchers k with l_k > 0 of (predicted[k, p_k] + length[k, l_k])
//        + recurrent_scale (recurrent . levels) / kLevels
//   levels = round(kLevels h), or 0 where its magnitude is at most kQuiet; the product of integers is exact
//   c' = sigmoid(z_f) c + sigmoid(z_i) tanh(z_g)          h' = sigmoid(z_o) tanh(c')
//   next byte: logits = output . h' + output_bias + context_output . (sum over learned k of context[k, s_k])
//     gate = tanh(gate . h' + gate_bias + sum over matchers and contexts k of gate_length[k, l_k])
//     logits[p_k] += copy_gain[k] . h' + copy_bias[k, l_k] + gate_gain[k] . gate     for each k with l_k > 0
//   heads: heads . h' + heads_bias
// The products with output, context_output, copy_gain, gate and heads may be rounded to integers too, see products.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "copy.h"

namespace soupstate {

constexpr int kLevels = 63;         // the recurrence rounds h, between -1 and 1, to multiples of 1 / kLevels
constexpr int kQuiet = 2;           // and it takes levels up to this magnitude for 0
constexpr int kLargestWeight = 63;  // magnitude of a recurrent weight
constexpr size_t kGate = 32;        // units of the small layer that weighs the predictions
constexpr size_t kLengths = kMatchers + kContexts;  // rows of match and run lengths: both bytes of a context share one
constexpr size_t kLearned[] = {2, 3, 4, 6, 7, 8};   // contexts with embeddings
constexpr size_t kLearnedContexts = sizeof(kLearned) / sizeof(*kLearned);
constexpr size_t kEmbedded = 24;  // length of an embedding

// The arrays must live until make_...() returns, which copies them. `context`, the largest, is not copied: it must live
// as long as the network.
struct LstmWeights {
  size_t units;                  // H
  size_t outputs;                // K, may be 0
  size_t slots;                  // rows of each context's embeddings: a power of two up to 65536
  const float* byte;             // [256, 4H], including both biases
  const float* predicted;        // [2, 256, 4H]
  const float* length;           // [2, 24, 4H], row 0 of each is not used
  const int8_t* recurrent;       // [4H, H], -kLargestWeight to kLargestWeight
  const float* recurrent_scale;  // [4H], the factor of each row
  const float* output;           // [256, H]
  const float* output_bias;      // [256]
  const float* copy_gain;        // [P, H]
  const float* copy_bias;        // [P, 24]
  const float* gate;             // [32, H]
  const float* gate_bias;        // [32]
  const float* gate_length;      // [12, 24, 32]
  const float* gate_gain;        // [P, 32]
  const int8_t* context;         // [6, slots, 24]; the low bits of a context's hash pick the row
  const float* context_output;   // [256, 24]
  const float* heads;            // [K, H]
  const float* heads_bias;       // [K]
};

// The copy input of some bytes, see copy.h.
struct CopyInput {
  const uint8_t* predicted;  // [.., P]
  const uint8_t* length;     // [.., P] < 24
  const uint16_t* slot;      // [.., C]
};

// The bytes of one page or a part of them. h and c are inputs and outputs. No other output may alias another array.
struct LstmCall {
  size_t n;               // may be 0: then nothing is read or written
  const uint8_t* ids;     // [n]
  CopyInput found;        // after each byte
  CopyInput first;        // after the byte before ids[0], one row
  float* h;               // [H], between -1 and 1: before ids[0], then after ids[n - 1]
  float* c;               // [H], likewise
  const int64_t* units;   // [U] < H
  const uint8_t* traced;  // [n], whether to trace a byte; null: every byte
  size_t n_units;         // U
  bool states_only;       // compute no bits and entropy, which are then null, as are the heads
  const uint8_t* asked;   // [n], whether to compute the bits and entropy of a byte; null: of every byte
  float* bits;            // [n] out: surprisal of each byte in bits, before it is read; or null
  float* entropy;         // [n] out: entropy in bits of the distribution of each byte; or null
  size_t n_heads;         // at most K: the first outputs of heads, which are computed after each byte
  float* heads;           // [n, n_heads] out
  const uint8_t* begins;  // [n], whether a sum of head outputs begins with those after a byte
  float* sums;            // [1 + bytes that begin one, K] out: the first is of the bytes before any begins; or null
  float* traces;          // [traced bytes, U] out: h of the traced units after each of them
  size_t every;           // bytes between two states that are kept; 0: none is
  float* kept;            // [n / every, 2, H] out: h and c after every so many bytes
  float* odds;            // [n, 256] out: the probability of each next byte after each byte; or null
};

// Packed weights. They hold no state, so several threads may call read() at once.
class Lstm {
 public:
  virtual ~Lstm() = default;
  virtual size_t units() const = 0;
  virtual size_t outputs() const = 0;
  // Reads all calls, several pages at a time. Each step loads the weights once for these pages, and when a page ends
  // the next call takes its place. The result of a call does not depend on the others. Returns the total surprisal in
  // bits of the bytes in `asked`.
  // Allocates about 100 rows of H + 400 numbers. Throws std::bad_alloc only.
  virtual double read(const LstmCall* calls, size_t count) const = 0;
};

// Call these only on a machine that has the instructions.
std::unique_ptr<Lstm> make_scalar(const LstmWeights& weights);
#ifdef SOUPSTATE_X86
std::unique_ptr<Lstm> make_avx2(const LstmWeights& weights);        // needs AVX2 and FMA
std::unique_ptr<Lstm> make_avx512(const LstmWeights& weights);      // needs AVX-512 F, BW and VL as well
std::unique_ptr<Lstm> make_avx512vnni(const LstmWeights& weights);  // needs AVX-512 VNNI as well
#endif

}  // namespace soupstate
