// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "lstm_ymm.h"
#include "qrnn_body.h"

namespace soupstate {

std::unique_ptr<Lstm> make_avx2(const LstmWeights& weights) {
  return std::unique_ptr<Lstm>(new LstmOn<Ymm, Ymm>(weights));
}

std::unique_ptr<Qrnn> make_qrnn_avx2(const QrnnWeights& weights) {
  return std::unique_ptr<Qrnn>(new QrnnOn<Ymm, Ymm>(weights));
}

}  // namespace soupstate
