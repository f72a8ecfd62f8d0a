// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Binds LstmTraining (lstm_training.h) for soupstate.kernels.lstm_training.
#include <nanobind/stl/string.h>

#include <initializer_list>
#include <string>

#include "bindings.h"
#include "lstm_training.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soupstate {
namespace {

LstmTraining chosen(const std::string& backend) {
  expect(backend_runs(backend), "backend: this processor cannot run it");
#ifdef SOUPSTATE_X86
  if (backend.rfind("avx512", 0) == 0) return lstm_training_avx512();
  if (backend == "avx2") return lstm_training_avx2();
#endif
  return lstm_training_scalar();
}

// The sizes, from two arrays that show all of them.
LstmSizes lstm_sizes(const Cube<float>& gates, const Matrix<const float>& weight) {
  const size_t units = gates.shape(2) / 4;
  expect(units && gates.shape(2) == 4 * units && weight.shape(0) == 4 * units && weight.shape(1) > units,
         "weight: expected [4H, E + H + 1] for gates [T, B, 4H]");
  return {gates.shape(1), gates.shape(0), weight.shape(1) - units - 1, units};
}

template <class T>
void expect_shape(const T& array, std::initializer_list<size_t> shape, const char* what) {
  bool good = array.ndim() == shape.size();
  for (size_t i = 0; good && i < shape.size(); ++i) good = array.shape(i) == shape.begin()[i];
  expect(good, what);
}

// The arguments are those of LstmForward.
void lstm_forward(const std::string& backend, Matrix<const float> weight, Cube<const float> x,
                  Matrix<const float> first_h, Matrix<const float> first_c, Cube<float> h, Cube<float> rows,
                  Cube<float> gates, Cube<float> cells) {
  const auto run = chosen(backend).forward;
  const auto s = lstm_sizes(gates, weight);
  expect_shape(x, {s.lanes, s.steps, s.inputs}, "x: expected [B, T, E]");
  expect_shape(first_h, {s.lanes, s.units}, "first_h: expected [B, H]");
  expect_shape(first_c, {s.lanes, s.units}, "first_c: expected [B, H]");
  expect_shape(h, {s.lanes, s.steps, s.units}, "h: expected [B, T, H]");
  expect_shape(rows, {s.steps, s.lanes, s.depth()}, "rows: expected [T, B, E + H + 1]");
  expect_shape(cells, {s.steps + 1, s.lanes, s.units}, "cells: expected [T + 1, B, H]");
  nb::gil_scoped_release release;
  run({s, weight.data(), x.data(), first_h.data(), first_c.data(), h.data(), rows.data(), gates.data(), cells.data()});
}

// The arguments are those of LstmBackward.
void lstm_backward(const std::string& backend, Matrix<const float> weight, Cube<const float> gates,
                   Cube<const float> cells, Cube<const float> by_h, Matrix<const float> by_end, Cube<float> by_z,
                   Cube<float> by_x, Matrix<float> by_first_h, Matrix<float> by_first_c) {
  const auto run = chosen(backend).backward;
  const auto s = lstm_sizes(by_z, weight);
  expect_shape(gates, {s.steps, s.lanes, s.gates()}, "gates: expected [T, B, 4H]");
  expect_shape(cells, {s.steps + 1, s.lanes, s.units}, "cells: expected [T + 1, B, H]");
  expect_shape(by_h, {s.lanes, s.steps, s.units}, "by_h: expected [B, T, H]");
  expect_shape(by_end, {s.lanes, s.units}, "by_end: expected [B, H]");
  expect_shape(by_x, {s.lanes, s.steps, s.inputs}, "by_x: expected [B, T, E]");
  expect_shape(by_first_h, {s.lanes, s.units}, "by_first_h: expected [B, H]");
  expect_shape(by_first_c, {s.lanes, s.units}, "by_first_c: expected [B, H]");
  nb::gil_scoped_release release;
  run({s, weight.data(), gates.data(), cells.data(), by_h.data(), by_end.data(), by_z.data(), by_x.data(),
       by_first_h.data(), by_first_c.data()});
}

}  // namespace

void define_lstm_training(nb::module_& m) {
  m.def("lstm_forward", &lstm_forward, "backend"_a, nb::kw_only(), "weight"_a.noconvert(), "x"_a.noconvert(),
        "first_h"_a.noconvert(), "first_c"_a.noconvert(), "h"_a.noconvert(), "rows"_a.noconvert(),
        "gates"_a.noconvert(), "cells"_a.noconvert());
  m.def("lstm_backward", &lstm_backward, "backend"_a, nb::kw_only(), "weight"_a.noconvert(), "gates"_a.noconvert(),
        "cells"_a.noconvert(), "by_h"_a.noconvert(), "by_end"_a.noconvert(), "by_z"_a.noconvert(), "by_x"_a.noconvert(),
        "by_first_h"_a.noconvert(), "by_first_c"_a.noconvert());
}

}  // namespace soupstate
