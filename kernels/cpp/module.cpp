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
#include "forget_mult.h"
#include "lstm.h"
#include "lstm_training_module.h"
#include "path.h"
#include "peaks.h"
#include "qrnn.h"

namespace nb = nanobind;
using namespace nb::literals;
using soupstate::Lstm;
using soupstate::Qrnn;
template <class T, class... Shape>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu, Shape...>;
template <class T>
using Line = Array<T, nb::ndim<1>>;
template <class T>
using Pairs = Array<T, nb::shape<-1, soupstate::kPredictions>>;
template <class T>
using Slots = Array<T, nb::shape<-1, soupstate::kContexts>>;
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
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (backend == "avx2") return avx2;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl");
  if (backend == "avx512") return avx512;
  if (backend == "avx512vnni") return avx512 && __builtin_cpu_supports("avx512vnni");
#endif
  return false;
}

std::vector<std::string> backends() {
  std::vector<std::string> names;
  for (const char* name : {"avx512vnni", "avx512", "avx2", "scalar"})
    if (runs(name)) names.emplace_back(name);
  return names;
}

// Weights by name, as in kernels/weights.py.
std::unique_ptr<Lstm> pack(const std::string& backend, nb::dict arrays) {
  expect(runs(backend), "backend: cannot run here");
  soupstate::LstmWeights w = {};
  const auto output = nb::cast<Floats>(arrays["output"]);
  expect(output.ndim() == 2 && output.shape(1) > 0, "output: one row of H floats per byte");
  const size_t h = output.shape(1), k = nb::cast<Floats>(arrays["heads_bias"]).size();
  constexpr size_t p = soupstate::kPredictions, classes = soupstate::kLengthClasses, gate = soupstate::kGate;
  w.units = h;
  w.outputs = k;
  const auto take = [&](const char* name, size_t size) {
    const auto array = nb::cast<Floats>(arrays[name]);  // a view: the caller's dict keeps the data
    expect(array.size() == size, "weights: sizes do not fit each other");
    return array.data();
  };
  w.byte = take("byte", 256 * 4 * h);
  w.predicted = take("predicted", soupstate::kMatchers * 256 * 4 * h);
  w.length = take("length", soupstate::kMatchers * classes * 4 * h);
  w.recurrent_scale = take("recurrent_scale", 4 * h);
  w.output = take("output", 256 * h);
  w.output_bias = take("output_bias", 256);
  w.copy_gain = take("copy_gain", p * h);
  w.copy_bias = take("copy_bias", p * classes);
  w.gate = take("gate", gate * h);
  w.gate_bias = take("gate_bias", gate);
  w.gate_length = take("gate_length", soupstate::kKinds * classes * gate);
  w.gate_gain = take("gate_gain", p * gate);
  w.context_output = take("context_output", 256 * soupstate::kEmbedded);
  w.heads = take("heads", k * h);
  w.heads_bias = take("heads_bias", k);
  const auto take_bytes = [&](const char* name, size_t size) {
    const auto array = nb::cast<Array<const int8_t>>(arrays[name]);
    expect(array.size() == size, "weights: sizes do not fit each other");
    return array.data();
  };
  w.recurrent = take_bytes("recurrent", 4 * h * h);
  w.context = take_bytes("context", soupstate::kTables * soupstate::kContextSlots * soupstate::kEmbedded);
#ifdef SOUPSTATE_X86
  if (backend == "avx512vnni") return soupstate::make_avx512vnni(w);
  if (backend == "avx512") return soupstate::make_avx512(w);
  if (backend == "avx2") return soupstate::make_avx2(w);
#endif
  return soupstate::make_scalar(w);
}

void check_classes(const BytePairs& length) {
  uint8_t most = 0;
  for (size_t i = 0; i < length.size(); ++i) most = length.data()[i] > most ? length.data()[i] : most;
  expect(most < soupstate::kLengthClasses, "length: unknown class");
}

// The copy input of some bytes, and of the byte before them.
struct Found {
  BytePairs predicted, length;
  Slots<const uint16_t> slot;

  soupstate::CopyInput of(size_t n) const {
    expect(predicted.shape(0) == n && length.shape(0) == n && slot.shape(0) == n, "predicted, length, slot: one row per id");
    check_classes(length);
    return {predicted.data(), length.data(), slot.data()};
  }
};

soupstate::LstmCall inputs(const Lstm& lstm, const Bytes& ids, const Found& found, const Found& first, size_t h, size_t c) {
  expect(h == lstm.units() && c == lstm.units(), "h, c: one float per unit");
  soupstate::LstmCall call = {};
  call.n = ids.size();
  call.ids = ids.data();
  call.found = found.of(ids.size());
  call.first = first.of(1);
  return call;
}

// Of one call's arrays, no conversions: a converted output would be written to a copy.
template <class T>
T taken(const nb::tuple& arrays, size_t* at) {
  try {
    return nb::cast<T>(arrays[(*at)++], false);
  } catch (const nb::cast_error&) {
    throw nb::type_error("calls: an array of another type, shape or order");
  }
}

Found found_of(const nb::tuple& arrays, size_t* at) {
  auto predicted = taken<BytePairs>(arrays, at), length = taken<BytePairs>(arrays, at);
  return {predicted, length, taken<Slots<const uint16_t>>(arrays, at)};
}

// ids, predicted, length, slot, the last three before the first byte, h, c, units, asked, bits, entropy, heads, traces: see
// lstm.h. Of asked there is one per id, or none.
soupstate::LstmCall call_of(const Lstm& lstm, const nb::tuple& arrays) {
  expect(arrays.size() == 15, "calls: 15 arrays each");
  size_t at = 0;
  const auto ids = taken<Bytes>(arrays, &at);
  const auto found = found_of(arrays, &at), first = found_of(arrays, &at);
  const auto h = taken<Line<float>>(arrays, &at), c = taken<Line<float>>(arrays, &at);
  const auto units = taken<Line<const int64_t>>(arrays, &at);
  const auto asked = taken<Bytes>(arrays, &at);
  const auto bits = taken<Line<float>>(arrays, &at), entropy = taken<Line<float>>(arrays, &at);
  const auto heads = taken<Array<float>>(arrays, &at), traces = taken<Array<float>>(arrays, &at);
  auto call = inputs(lstm, ids, found, first, h.size(), c.size());
  expect(asked.size() == call.n || !asked.size(), "asked: one per id, or none");
  expect(bits.size() == call.n && entropy.size() == call.n, "bits, entropy: one per id");
  expect(heads.size() == call.n * lstm.outputs() && traces.size() == call.n * units.size(), "heads, traces: one row per id");
  for (size_t i = 0; i < units.size(); ++i)
    expect(units.data()[i] >= 0 && static_cast<size_t>(units.data()[i]) < lstm.units(), "units: no such unit");
  call.h = h.data();
  call.c = c.data();
  call.units = units.data();
  call.n_units = units.size();
  call.asked = asked.size() ? asked.data() : nullptr;
  call.bits = bits.data();
  call.entropy = entropy.data();
  call.heads = lstm.outputs() ? heads.data() : nullptr;
  call.traces = traces.data();
  return call;
}

// The caller's list keeps the arrays meanwhile.
void read_calls(const Lstm& lstm, nb::list calls) {
  std::vector<soupstate::LstmCall> all;
  for (size_t i = 0; i < calls.size(); ++i) all.push_back(call_of(lstm, nb::cast<nb::tuple>(calls[i])));
  nb::gil_scoped_release release;
  lstm.read(all.data(), all.size());
}

// The same without what is made of the states: bits, entropy and heads are not written.
void read_states(const Lstm& lstm, nb::list calls) {
  std::vector<soupstate::LstmCall> all;
  for (size_t i = 0; i < calls.size(); ++i) {
    all.push_back(call_of(lstm, nb::cast<nb::tuple>(calls[i])));
    all.back().alone = true;
    all.back().bits = all.back().entropy = all.back().heads = nullptr;
  }
  nb::gil_scoped_release release;
  lstm.read(all.data(), all.size());
}

// fp32 and int8 operations and bytes streamed a second with a backend's instructions; none for those of any machine.
std::vector<double> peaks(const std::string& backend, size_t bytes) {
  expect(runs(backend), "backend: cannot run here");
  expect(bytes && bytes % 256 == 0, "bytes: not a multiple of 256");
#ifdef SOUPSTATE_X86
  if (backend != "scalar") {
    nb::gil_scoped_release release;
    const auto p = backend == "avx512vnni" ? soupstate::peaks_avx512vnni(bytes) : soupstate::peaks_avx2(bytes);
    return {p.fp32, p.int8, p.stream};
  }
#endif
  return {};
}

double bits_only(const Lstm& lstm, Bytes ids, BytePairs predicted, BytePairs length, Slots<const uint16_t> slot,
                 BytePairs first_predicted, BytePairs first_length, Slots<const uint16_t> first_slot, Line<const float> h,
                 Line<const float> c) {
  auto call = inputs(lstm, ids, {predicted, length, slot}, {first_predicted, first_length, first_slot}, h.size(), c.size());
  std::vector<float> after_h(h.data(), h.data() + h.size()), after_c(c.data(), c.data() + c.size());
  call.h = after_h.data();
  call.c = after_c.data();
  nb::gil_scoped_release release;
  return lstm.read(&call, 1);
}

// Weights by name, as in kernels/qrnn.py.
std::unique_ptr<Qrnn> pack_qrnn(const std::string& backend, nb::dict arrays) {
  expect(runs(backend), "backend: cannot run here");
  const auto array = [&](const char* name) { return nb::cast<Floats>(arrays[name]); };  // a view: the dict keeps the data
  const auto weight = array("weight");
  expect(weight.ndim() == 3 && weight.shape(2) >= 2 && weight.shape(2) % 2 == 0, "weight: L - 1 layers of 3H rows of 2H floats");
  soupstate::QrnnWeights w = {};
  const size_t h = w.units = weight.shape(2) / 2, further = weight.shape(0);
  w.layers = further + 1;
  expect(h <= soupstate::kMostQrnnUnits && weight.shape(1) == 3 * h, "weight: L - 1 layers of 3H rows of 2H floats");
  const auto take = [&](const char* name, size_t size) {
    const auto found = array(name);
    expect(found.size() == size, "weights: sizes do not fit each other");
    return found.data();
  };
  constexpr size_t taps = soupstate::kTaps, matchers = soupstate::kMatchers;
  w.weight = weight.data();
  w.byte = take("byte", taps * 256 * 3 * h);
  w.predicted = take("predicted", taps * matchers * 256 * 3 * h);
  w.length = take("length", taps * matchers * soupstate::kLengthClasses * 3 * h);
  w.bias = take("bias", further * 3 * h);
  w.kept = nb::cast<float>(arrays["kept"]);
#ifdef SOUPSTATE_X86
  if (backend == "avx512vnni") return soupstate::make_qrnn_avx512vnni(w);
  if (backend == "avx512") return soupstate::make_qrnn_avx512(w);
  if (backend == "avx2") return soupstate::make_qrnn_avx2(w);
#endif
  return soupstate::make_qrnn_scalar(w);
}

void read_qrnn(const Qrnn& qrnn, Bytes ids, BytePairs predicted, BytePairs length, Array<float> c, Line<float> byte,
               Array<float> below, Array<float> h) {
  const size_t n = ids.size(), units = qrnn.units(), layers = qrnn.layers();
  expect(predicted.shape(0) == n && length.shape(0) == n, "predicted, length: one row per id");
  check_classes(length);
  expect(c.size() == layers * units && byte.size() == 3 * units, "c, byte: of another size");
  expect(below.size() == (layers - 1) * units && h.size() == n * units, "below, h: of another size");
  nb::gil_scoped_release release;
  qrnn.read({n, ids.data(), predicted.data(), length.data(), c.data(), byte.data(), below.data(), h.data()});
}

template <auto Function>
void copies(Bytes ids, Line<uint8_t> state, Pairs<uint8_t> predicted, Pairs<uint8_t> length, Slots<uint16_t> slot) {
  expect(state.size() == sizeof(soupstate::CopyState), "state: wrong size");
  expect(predicted.shape(0) == ids.size() && length.shape(0) == ids.size() && slot.shape(0) == ids.size(),
         "predicted, length, slot: one row per id");
  expect(ids.size() <= soupstate::kRing || Function == &soupstate::copies, "ids: longer than the ring");
  auto* s = reinterpret_cast<soupstate::CopyState*>(state.data());
  nb::gil_scoped_release release;
  Function(ids.data(), ids.size(), s, predicted.data(), length.data(), slot.data());
}

void path_forward(Array<const float, nb::ndim<2>> evidence, Bytes kinds, Array<const float, nb::ndim<3>> changes,
                  Line<float> scores, Array<uint8_t, nb::ndim<2>> pointers) {
  const size_t n = evidence.shape(0), classes = evidence.shape(1);
  expect(kinds.size() == n && pointers.shape(0) == n && pointers.shape(1) == classes, "kinds, pointers: one row a byte");
  expect(changes.shape(1) == classes && changes.shape(2) == classes && scores.size() == classes, "changes, scores: wrong size");
  for (size_t t = 0; t < n; ++t) expect(kinds.data()[t] < changes.shape(0), "kinds: out of range");
  nb::gil_scoped_release release;
  soupstate::path_forward(evidence.data(), kinds.data(), changes.data(), changes.shape(0), n, classes, scores.data(),
                          pointers.data());
}

void path_back(Array<const uint8_t, nb::ndim<2>> pointers, uint8_t last, Line<uint8_t> path) {
  const size_t n = pointers.shape(0), classes = pointers.shape(1);
  expect(path.size() == n, "path: one class a byte");
  uint8_t most = last;
  for (size_t i = 0; i < pointers.size(); ++i) most = pointers.data()[i] > most ? pointers.data()[i] : most;
  expect(!n || most < classes, "pointers, last: no such class");
  nb::gil_scoped_release release;
  soupstate::path_back(pointers.data(), n, classes, last, path.data());
}

using Steps = Array<float, nb::ndim<3>>;  // [S, T, N]
using ConstSteps = Array<const float, nb::ndim<3>>;
using Cells = Array<const float, nb::ndim<2>>;  // [S, N]

soupstate::ForgetMult forget_mult_of(const ConstSteps& f, const ConstSteps& z, const ConstSteps& o, const Cells& start) {
  const size_t s = f.shape(0), t = f.shape(1), n = f.shape(2);
  expect(z.shape(0) == s && z.shape(1) == t && z.shape(2) == n, "f, z: of one shape");
  expect(o.shape(0) == s && o.shape(1) == t && o.shape(2) == n, "f, o: of one shape");
  expect(start.shape(0) == s && start.shape(1) == n, "start: one row a sequence");
  return {s, t, n, f.data(), z.data(), o.data(), start.data()};
}

void forget_mult(ConstSteps f, ConstSteps z, ConstSteps o, Cells start, Steps c, Steps h) {
  const auto given = forget_mult_of(f, z, o, start);
  expect(c.size() == f.size() && h.size() == f.size(), "c, h: as f");
  nb::gil_scoped_release release;
  soupstate::forget_mult(given, c.data(), h.data());
}

void forget_mult_gradients(ConstSteps f, ConstSteps z, ConstSteps o, Cells start, ConstSteps c, ConstSteps by_h,
                           Cells by_end, Steps by_f, Steps by_z, Steps by_o, Array<float, nb::ndim<2>> by_start) {
  const auto given = forget_mult_of(f, z, o, start);
  expect(c.size() == f.size() && by_h.size() == f.size() && by_end.size() == start.size(), "c, by_h: as f; by_end: as start");
  expect(by_f.size() == f.size() && by_z.size() == f.size() && by_o.size() == f.size() && by_start.size() == start.size(),
         "gradients: as what they are of");
  nb::gil_scoped_release release;
  soupstate::forget_mult_gradients(given, c.data(), by_h.data(), by_end.data(),
                                   {by_f.data(), by_z.data(), by_o.data(), by_start.data()});
}

}  // namespace

NB_MODULE(_cpp, m) {
  m.attr("COPY_STATE_BYTES") = sizeof(soupstate::CopyState);
  m.def("copies", &copies<&soupstate::copies>, "ids"_a.noconvert(), "state"_a.noconvert(), "predicted"_a.noconvert(),
        "length"_a.noconvert(), "slot"_a.noconvert());
  m.def("peek_copies", &copies<&soupstate::peek_copies>, "ids"_a.noconvert(), "state"_a.noconvert(),
        "predicted"_a.noconvert(), "length"_a.noconvert(), "slot"_a.noconvert());
  m.def("path_forward", &path_forward, "evidence"_a.noconvert(), "kinds"_a.noconvert(), "changes"_a.noconvert(),
        "scores"_a.noconvert(), "pointers"_a.noconvert());
  m.def("path_back", &path_back, "pointers"_a.noconvert(), "last"_a, "path"_a.noconvert());
  m.def("forget_mult", &forget_mult, "f"_a.noconvert(), "z"_a.noconvert(), "o"_a.noconvert(), "start"_a.noconvert(),
        "c"_a.noconvert(), "h"_a.noconvert());
  m.def("forget_mult_gradients", &forget_mult_gradients, "f"_a.noconvert(), "z"_a.noconvert(), "o"_a.noconvert(),
        "start"_a.noconvert(), "c"_a.noconvert(), "by_h"_a.noconvert(), "by_end"_a.noconvert(), "by_f"_a.noconvert(),
        "by_z"_a.noconvert(), "by_o"_a.noconvert(), "by_start"_a.noconvert());
  soupstate::define_lstm_training(m, runs);
  m.def("backends", &backends);
  m.def("pack", &pack);
  m.def("pack_qrnn", &pack_qrnn);
  m.def("peaks", &peaks);
  nb::class_<Lstm>(m, "Lstm")
      .def("read", &read_calls, "calls"_a)
      .def("read_states", &read_states, "calls"_a)
      .def("bits_only", &bits_only, "ids"_a.noconvert(), "predicted"_a.noconvert(), "length"_a.noconvert(),
           "slot"_a.noconvert(), "first_predicted"_a.noconvert(), "first_length"_a.noconvert(),
           "first_slot"_a.noconvert(), "h"_a.noconvert(), "c"_a.noconvert());
  nb::class_<Qrnn>(m, "Qrnn")
      .def("read", &read_qrnn, "ids"_a.noconvert(), "predicted"_a.noconvert(), "length"_a.noconvert(), "c"_a.noconvert(),
           "byte"_a.noconvert(), "below"_a.noconvert(), "h"_a.noconvert());
}
