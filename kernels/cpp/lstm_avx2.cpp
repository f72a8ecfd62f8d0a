// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "lstm_ymm.h"

namespace soupstate {

std::unique_ptr<Lstm> make_avx2(const LstmWeights& weights) {
  return std::unique_ptr<Lstm>(new LstmOn<Ymm, Ymm>(weights));
}

}  // namespace soupstate
