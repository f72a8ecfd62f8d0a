// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Python's side of the kernels. Sizes are checked here, once more than in Python: a wrong one would be a crash.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "copy.h"
#include "lstm.h"
#include "path.h"
#include "path.h"
#ifdef SOUPSTATE_X86
#include <cpuid.h>
#endif

namespace nb = nanobind;
using namespace nb::literals;
using soupstate::Lstm;
template <class T, class... Shape>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu, Shape...>;
template <class T>
using Line = Array<T, nb::ndim<1>>;
template <class T>
using Pairs = Array<T, nb::shape<-1, soupstate::kMatchers>>;
using Floats = Array<const float>;
using Bytes = Line<const uint8_t>;
using BytePairs = Pairs<const uint8_t>;

namespace {

void expect(bool good, const char* what) {
  if (!good) throw std::invalid_argument(what);
}

bool runs(const std::string& backend) {
  if (backend == "scalar") return true;
#ifdef SOUPSTATE_X86
  unsigned a, b, c, d;
  const bool halves = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
  const bool avx2 = halves && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (backend == "avx2") return avx2;
  if (backend == "avx512")
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
  return false;
}

std::vector<std::string> backends() {
  std::vector<std::string> names;
  for (const char* name : {"avx512", "avx2", "scalar"})
    if (runs(name)) names.emplace_back(name);
  return names;
}

std::unique_ptr<Lstm> pack(const std::string& backend, Floats byte, Floats predicted, Floats length, Floats recurrent,
                           Floats output, Floats output_bias, Floats copy_gain, Floats copy_bias, Floats heads,
                           Floats heads_bias) {
  expect(runs(backend), "backend: cannot run here");
  expect(output.ndim() == 2 && output.shape(1) > 0, "output: one row of H floats per byte");
  const size_t h = output.shape(1), k = heads_bias.size();
  expect(byte.size() == 256 * 4 * h && predicted.size() == 2 * byte.size() && length.size() == 2 * 16 * 4 * h &&
             recurrent.size() == 4 * h * h && output.size() == 256 * h && output_bias.size() == 256 &&
             copy_gain.size() == 2 * h && copy_bias.size() == 2 * 16 && heads.size() == k * h,
         "weights: sizes do not fit each other");
  const soupstate::LstmWeights weights = {h,
                                          k,
                                          byte.data(),
                                          predicted.data(),
                                          length.data(),
                                          recurrent.data(),
                                          output.data(),
                                          output_bias.data(),
                                          copy_gain.data(),
                                          copy_bias.data(),
                                          heads.data(),
                                          heads_bias.data()};
#ifdef SOUPSTATE_X86
  if (backend == "avx512") return soupstate::make_avx512(weights);
  if (backend == "avx2") return soupstate::make_avx2(weights);
#endif
  return soupstate::make_scalar(weights);
}

soupstate::LstmCall inputs(const Lstm& lstm, const Bytes& ids, const BytePairs& predicted, const BytePairs& length,
                           const Bytes& first_predicted, const Bytes& first_length, size_t h, size_t c) {
  expect(predicted.shape(0) == ids.size() && length.shape(0) == ids.size(), "predicted, length: one row per id");
  expect(first_predicted.size() == 2 && first_length.size() == 2, "first_predicted, first_length: one per matcher");
  expect(h == lstm.units() && c == lstm.units(), "h, c: one float per unit");
  uint8_t most = 0;
  for (size_t i = 0; i < length.size(); ++i) most = length.data()[i] > most ? length.data()[i] : most;
  for (size_t k = 0; k < 2; ++k) most = first_length.data()[k] > most ? first_length.data()[k] : most;
  expect(most < soupstate::kLengthClasses, "length: unknown class");
  soupstate::LstmCall call = {};
  call.n = ids.size();
  call.ids = ids.data();
  call.predicted = predicted.data();
  call.length = length.data();
  call.first_predicted = first_predicted.data();
  call.first_length = first_length.data();
  return call;
}

void read_chunk(const Lstm& lstm, Bytes ids, BytePairs predicted, BytePairs length, Bytes first_predicted, Bytes first_length,
                Line<float> h, Line<float> c, Line<const int64_t> units, Line<float> bits, Line<float> entropy, Array<float> heads,
          Array<float> traces) {
  auto call = inputs(lstm, ids, predicted, length, first_predicted, first_length, h.size(), c.size());
  expect(bits.size() == call.n && entropy.size() == call.n, "bits, entropy: one per id");
  expect(heads.size() == call.n * lstm.outputs() && traces.size() == call.n * units.size(), "heads, traces: one row per id");
  for (size_t i = 0; i < units.size(); ++i)
    expect(units.data()[i] >= 0 && static_cast<size_t>(units.data()[i]) < lstm.units(), "units: no such unit");
  call.h = h.data();
  call.c = c.data();
  call.units = units.data();
  call.n_units = units.size();
  call.bits = bits.data();
  call.entropy = entropy.data();
  call.heads = heads.data();
  call.traces = traces.data();
  nb::gil_scoped_release release;
  lstm.read(call);
}

double bits_only(const Lstm& lstm, Bytes ids, BytePairs predicted, BytePairs length, Bytes first_predicted,
                 Bytes first_length, Line<const float> h, Line<const float> c) {
  auto call = inputs(lstm, ids, predicted, length, first_predicted, first_length, h.size(), c.size());
  std::vector<float> after_h(h.data(), h.data() + h.size()), after_c(c.data(), c.data() + c.size());
  call.h = after_h.data();
  call.c = after_c.data();
  nb::gil_scoped_release release;
  return lstm.read(call);
}

template <auto Function>
void copies(Bytes ids, Line<uint8_t> state, Pairs<uint8_t> predicted, Pairs<uint8_t> length) {
  expect(state.size() == sizeof(soupstate::CopyState), "state: wrong size");
  expect(predicted.shape(0) == ids.size() && length.shape(0) == ids.size(), "predicted, length: one row per id");
  expect(ids.size() <= soupstate::kRing || Function == &soupstate::copies, "ids: longer than the ring");
  auto* s = reinterpret_cast<soupstate::CopyState*>(state.data());
  nb::gil_scoped_release release;
  Function(ids.data(), ids.size(), s, predicted.data(), length.data());
}

void path_forward(Array<const float, nb::ndim<2>> evidence, Bytes kinds, Array<const float, nb::ndim<3>> changes,
                  Line<float> scores, Array<uint8_t, nb::ndim<2>> pointers) {
  const size_t n = evidence.shape(0), classes = evidence.shape(1);
  expect(kinds.size() == n && pointers.shape(0) == n && pointers.shape(1) == classes, "kinds, pointers: one row a byte");
  expect(changes.shape(1) == classes && changes.shape(2) == classes && scores.size() == classes, "changes, scores: wrong size");
  for (size_t t = 0; t < n; ++t) expect(kinds.data()[t] < changes.shape(0), "kinds: out of range");
  nb::gil_scoped_release release;
  soupstate::path_forward(evidence.data(), kinds.data(), changes.data(), n, classes, scores.data(), pointers.data());
}

}  // namespace

NB_MODULE(_cpp, m) {
  m.attr("COPY_STATE_BYTES") = sizeof(soupstate::CopyState);
  m.def("copies", &copies<&soupstate::copies>, "ids"_a.noconvert(), "state"_a.noconvert(), "predicted"_a.noconvert(),
        "length"_a.noconvert());
  m.def("peek_copies", &copies<&soupstate::peek_copies>, "ids"_a.noconvert(), "state"_a.noconvert(),
        "predicted"_a.noconvert(), "length"_a.noconvert());
  m.def("path_forward", &path_forward, "evidence"_a.noconvert(), "kinds"_a.noconvert(), "changes"_a.noconvert(),
        "scores"_a.noconvert(), "pointers"_a.noconvert());
  m.def("backends", &backends);
  m.def("pack", &pack);
  // No conversions: a converted output would be written to a copy.
  nb::class_<Lstm>(m, "Lstm")
      .def("read", &read_chunk, "ids"_a.noconvert(), "predicted"_a.noconvert(), "length"_a.noconvert(),
           "first_predicted"_a.noconvert(), "first_length"_a.noconvert(), "h"_a.noconvert(), "c"_a.noconvert(),
           "units"_a.noconvert(), "bits"_a.noconvert(), "entropy"_a.noconvert(), "heads"_a.noconvert(),
           "traces"_a.noconvert())
      .def("bits_only", &bits_only, "ids"_a.noconvert(), "predicted"_a.noconvert(), "length"_a.noconvert(),
           "first_predicted"_a.noconvert(), "first_length"_a.noconvert(), "h"_a.noconvert(), "c"_a.noconvert());
}
