// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Binds Qrnn (qrnn.h) for soupstate.kernels.qrnn.
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <memory>

#include "bindings.h"
#include "qrnn.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soupstate {
namespace {

// The weights are named as in soupstate.kernels.qrnn.
std::unique_ptr<Qrnn> pack_qrnn(const std::string& backend, Arrays arrays) {
  expect(backend_runs(backend), "backend: this processor cannot run it");
  const auto array = [&](const char* name) {
    return nb::cast<Array<const float>>(arrays[name]);  // a view: the caller's dict owns the data
  };
  const auto weight = array("weight");
  expect(weight.ndim() == 3 && weight.shape(2) >= 2 && weight.shape(2) % 2 == 0, "weight: expected [L - 1, 3H, 2H]");
  QrnnWeights w = {};
  const size_t h = w.units = weight.shape(2) / 2, further = weight.shape(0);
  w.layers = further + 1;
  expect(h <= kMaxQrnnUnits && weight.shape(1) == 3 * h, "weight: expected [L - 1, 3H, 2H]");
  const auto floats = [&](const char* name, size_t size) {
    const auto found = array(name);
    expect(found.size() == size, "weights: the sizes do not fit each other");
    return found.data();
  };
  w.weight = weight.data();
  w.byte = floats("byte", kTaps * 256 * 3 * h);
  w.predicted = floats("predicted", kTaps * kMatchers * 256 * 3 * h);
  w.length = floats("length", kTaps * kMatchers * kLengthClasses * 3 * h);
  w.bias = floats("bias", further * 3 * h);
  w.kept = nb::cast<float>(arrays["kept"]);
#ifdef SOUPSTATE_X86
  if (backend == "avx512vnni") return make_qrnn_avx512vnni(w);
  if (backend == "avx512") return make_qrnn_avx512(w);
  if (backend == "avx2") return make_qrnn_avx2(w);
#endif
  return make_qrnn_scalar(w);
}

void read(const Qrnn& qrnn, Vector<const uint8_t> ids, PredictionRows<const uint8_t> predicted,
          PredictionRows<const uint8_t> length, Matrix<float> c, Vector<float> byte, Matrix<float> below,
          Matrix<float> h) {
  const size_t n = ids.size(), units = qrnn.units(), layers = qrnn.layers();
  expect(predicted.shape(0) == n && length.shape(0) == n, "predicted, length: expected one row per id");
  check_classes(length);
  expect(c.shape(0) == layers && c.shape(1) == units, "c: expected [L, H]");
  expect(byte.size() == 3 * units, "byte: expected [3H]");
  expect(below.shape(0) == layers - 1 && below.shape(1) == units, "below: expected [L - 1, H]");
  expect(h.shape(0) == n && h.shape(1) == units, "h: expected [n, H]");
  nb::gil_scoped_release release;
  qrnn.read({n, ids.data(), predicted.data(), length.data(), c.data(), byte.data(), below.data(), h.data()});
}

}  // namespace

void define_qrnn(nb::module_& m) {
  m.def("pack_qrnn", &pack_qrnn, "backend"_a, "arrays"_a);
  nb::class_<Qrnn>(m, "Qrnn").def("read", &read, nb::kw_only(), "ids"_a.noconvert(), "predicted"_a.noconvert(),
                                  "length"_a.noconvert(), "c"_a.noconvert(), "byte"_a.noconvert(),
                                  "below"_a.noconvert(), "h"_a.noconvert());
}

}  // namespace soupstate
