// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "lstm_ymm.h"

namespace soupstate {

// 16 registers: 8 sums, a weight, levels and their magnitudes.
std::unique_ptr<Lstm> make_avx2(const LstmWeights& weights) {
  return std::unique_ptr<Lstm>(new LstmOn<Ymm<2>, Ymm<2>>(weights));
}

}  // namespace soupstate
