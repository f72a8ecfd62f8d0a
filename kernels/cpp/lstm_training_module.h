// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Python's side of LstmTraining.
#pragma once
#include <nanobind/nanobind.h>

#include <string>

namespace soupstate {

// lstm_forward and lstm_backward; `runs` says whether the processor has what a backend needs.
void define_lstm_training(nanobind::module_& m, bool (*runs)(const std::string&));

}  // namespace soupstate
