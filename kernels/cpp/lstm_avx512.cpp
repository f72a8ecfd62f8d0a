// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// AVX-512 without VNNI. The recurrence uses the AVX2 vectors.
#include "lstm_zmm.h"

namespace soupstate {

std::unique_ptr<Lstm> make_avx512(const LstmWeights& weights) {
  return std::unique_ptr<Lstm>(new LstmOn<Zmm, Ymm>(weights));
}

}  // namespace soupstate
