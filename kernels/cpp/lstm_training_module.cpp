// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "lstm_training_module.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <initializer_list>
#include <stdexcept>

#include "lstm_training.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soupstate {
namespace {

template <class T, int Dimensions>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu, nb::ndim<Dimensions>>;
using Steps = Array<float, 3>;
using ConstSteps = Array<const float, 3>;
using Table = Array<float, 2>;
using ConstTable = Array<const float, 2>;

bool (*runs_here)(const std::string&);

void expect(bool good, const char* what) {
  if (!good) throw std::invalid_argument(what);
}

LstmTraining chosen(const std::string& backend) {
  expect(runs_here(backend), "backend: cannot run here");
#ifdef SOUPSTATE_X86
  if (backend.rfind("avx512", 0) == 0) return lstm_training_avx512();
  if (backend == "avx2") return lstm_training_avx2();
#endif
  return lstm_training_scalar();
}

// From arrays that have all of them.
LstmSizes lstm_sizes(const Steps& gates, const ConstTable& weight) {
  const size_t units = gates.shape(2) / 4;
  expect(units && gates.shape(2) == 4 * units && weight.shape(0) == 4 * units && weight.shape(1) > units,
         "weight: [4H, E + H + 1]; gates: [T, B, 4H]");
  return {gates.shape(1), gates.shape(0), weight.shape(1) - units - 1, units};
}

template <class T>
void expect_shape(const T& array, std::initializer_list<size_t> shape, const char* what) {
  bool good = array.ndim() == shape.size();
  for (size_t i = 0; good && i < shape.size(); ++i) good = array.shape(i) == shape.begin()[i];
  expect(good, what);
}

// As of LstmForward.
void lstm_forward(const std::string& backend, ConstTable weight, ConstSteps x, ConstTable first_h, ConstTable first_c,
                  Steps h, Steps rows, Steps gates, Steps cells) {
  const auto run = chosen(backend).forward;
  const auto s = lstm_sizes(gates, weight);
  expect_shape(x, {s.lanes, s.steps, s.inputs}, "x: [B, T, E]");
  expect_shape(first_h, {s.lanes, s.units}, "first_h: [B, H]");
  expect_shape(first_c, {s.lanes, s.units}, "first_c: [B, H]");
  expect_shape(h, {s.lanes, s.steps, s.units}, "h: [B, T, H]");
  expect_shape(rows, {s.steps, s.lanes, s.depth()}, "rows: [T, B, E + H + 1]");
  expect_shape(cells, {s.steps + 1, s.lanes, s.units}, "cells: [T + 1, B, H]");
  nb::gil_scoped_release release;
  run({s, weight.data(), x.data(), first_h.data(), first_c.data(), h.data(), rows.data(), gates.data(), cells.data()});
}

// As of LstmBackward.
void lstm_backward(const std::string& backend, ConstTable weight, ConstSteps gates, ConstSteps cells, ConstSteps by_h,
                   ConstTable by_end, Steps by_z, Steps by_x, Table by_first_h, Table by_first_c) {
  const auto run = chosen(backend).backward;
  const auto s = lstm_sizes(by_z, weight);
  expect_shape(gates, {s.steps, s.lanes, s.gates()}, "gates: [T, B, 4H]");
  expect_shape(cells, {s.steps + 1, s.lanes, s.units}, "cells: [T + 1, B, H]");
  expect_shape(by_h, {s.lanes, s.steps, s.units}, "by_h: [B, T, H]");
  expect_shape(by_end, {s.lanes, s.units}, "by_end: [B, H]");
  expect_shape(by_x, {s.lanes, s.steps, s.inputs}, "by_x: [B, T, E]");
  expect_shape(by_first_h, {s.lanes, s.units}, "by_first_h: [B, H]");
  expect_shape(by_first_c, {s.lanes, s.units}, "by_first_c: [B, H]");
  nb::gil_scoped_release release;
  run({s, weight.data(), gates.data(), cells.data(), by_h.data(), by_end.data(), by_z.data(), by_x.data(), by_first_h.data(),
       by_first_c.data()});
}

}  // namespace

void define_lstm_training(nb::module_& m, bool (*runs)(const std::string&)) {
  runs_here = runs;
  m.def("lstm_forward", &lstm_forward, "backend"_a, "weight"_a.noconvert(), "x"_a.noconvert(), "first_h"_a.noconvert(),
        "first_c"_a.noconvert(), "h"_a.noconvert(), "rows"_a.noconvert(), "gates"_a.noconvert(), "cells"_a.noconvert());
  m.def("lstm_backward", &lstm_backward, "backend"_a, "weight"_a.noconvert(), "gates"_a.noconvert(),
        "cells"_a.noconvert(), "by_h"_a.noconvert(), "by_end"_a.noconvert(), "by_z"_a.noconvert(), "by_x"_a.noconvert(),
        "by_first_h"_a.noconvert(), "by_first_c"_a.noconvert());
}

}  // namespace soupstate
