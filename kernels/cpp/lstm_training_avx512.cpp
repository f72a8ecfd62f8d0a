// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "lstm_training_body.h"

namespace soupstate {
namespace {

struct Types {
  using Vec = float __attribute__((vector_size(64)));
  using Ints = int __attribute__((vector_size(64)));
  using Loose = float __attribute__((vector_size(64), aligned(4), may_alias));
};

}  // namespace

LstmTraining lstm_training_avx512() { return {forward<Vectors<Types>>, backward<Vectors<Types>>}; }

}  // namespace soupstate
