// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The embeddings of the learned contexts, for lstm_body.h.
#pragma once
#include <cstring>

#include "lstm.h"

namespace soupstate {
namespace {

constexpr float kEmbeddedSteps = 4.0f;  // a sum of six embeddings, of 8 bits each, times this is an input of a Product

// rows [kLearnedContexts][slots][kEmbedded], of the caller. slot [kContexts]: the hash of each context.
class Contexts {
 public:
  Contexts(const int8_t* rows, size_t slots) : rows_(rows), slots_(slots) {}

  // Prefetches the embeddings, which are needed after a step.
  void fetch(const uint16_t* slot) const {
    for (size_t k = 0; k < kLearnedContexts; ++k) {
      const int8_t* row = embedding(k, slot);
      __builtin_prefetch(row);
      __builtin_prefetch(row + kEmbedded - 1);
    }
  }

  // Adds up the embeddings. The sums are in a local array of 16 bits, which nothing can alias, so the compiler makes
  // vectors of them.
  template <class V>
  void add(const uint16_t* slot, typename V::Input* sum) const {
    int16_t whole[kEmbedded] = {};
    for (size_t k = 0; k < kLearnedContexts; ++k) {
      int8_t row[kEmbedded];
      memcpy(row, embedding(k, slot), kEmbedded);
      for (size_t j = 0; j < kEmbedded; ++j) whole[j] = static_cast<int16_t>(whole[j] + row[j]);
    }
    for (size_t j = 0; j < kEmbedded; ++j)
      sum[j] = static_cast<typename V::Input>(whole[j] * (V::kIntegers ? static_cast<int32_t>(kEmbeddedSteps) : 1));
  }

 private:
  const int8_t* embedding(size_t k, const uint16_t* slot) const {
    return rows_ + (k * slots_ + (slot[kLearned[k]] & (slots_ - 1))) * kEmbedded;
  }

  const int8_t* rows_;
  size_t slots_;
};

}  // namespace
}  // namespace soupstate
