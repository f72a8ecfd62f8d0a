// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Binds Lstm (lstm.h) for soupstate.kernels.backends. A call's arrays are passed as named fields of small classes.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "bindings.h"
#include "lstm.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soupstate {
namespace {

// The class CopyInput of the module. It keeps the arrays alive.
struct CopyArrays {
  PredictionRows<const uint8_t> predicted, length;
  ContextRows<const uint16_t> slot;

  CopyInput rows(size_t n) const {
    expect(predicted.shape(0) == n && length.shape(0) == n && slot.shape(0) == n,
           "predicted, length, slot: expected one row per id");
    check_classes(length);
    return {predicted.data(), length.data(), slot.data()};
  }
};

// The class LstmOutputs of the module: what a call writes besides the state, the units to trace, and the bytes between
// two states that it keeps, or 0.
struct OutputArrays {
  Vector<float> bits, entropy;
  Matrix<float> heads;
  Vector<const int64_t> units;
  Matrix<float> traces;
  size_t every;
  Cube<float> kept;
  std::optional<Vector<const bool>> begins;
  std::optional<Matrix<float>> sums;
};

// The class LstmCall of the module.
struct CallArrays {
  Vector<const uint8_t> ids;
  CopyArrays found, first;
  Vector<float> h, c;
  std::optional<Vector<const bool>> asked;
  std::optional<OutputArrays> outputs;
  std::optional<Vector<const bool>> traced;
};

// The weights are named as in soupstate.kernels.weights. The network reads `context` where it is.
std::unique_ptr<Lstm> pack(const std::string& backend, Array<const int8_t> context, Arrays arrays) {
  expect(backend_runs(backend), "backend: this processor cannot run it");
  LstmWeights w = {};
  const auto output = nb::cast<Array<const float>>(arrays["output"]);
  expect(output.ndim() == 2 && output.shape(1) > 0, "output: expected [256, H]");
  const size_t h = output.shape(1), k = nb::cast<Array<const float>>(arrays["heads_bias"]).size();
  w.units = h;
  w.outputs = k;
  const auto floats = [&](const char* name, size_t size) {
    const auto array = nb::cast<Array<const float>>(arrays[name]);  // a view: the caller's dict owns the data
    expect(array.size() == size, "weights: the sizes do not fit each other");
    return array.data();
  };
  w.byte = floats("byte", 256 * 4 * h);
  w.predicted = floats("predicted", kMatchers * 256 * 4 * h);
  w.length = floats("length", kMatchers * kLengthClasses * 4 * h);
  w.recurrent_scale = floats("recurrent_scale", 4 * h);
  w.output = floats("output", 256 * h);
  w.output_bias = floats("output_bias", 256);
  w.copy_gain = floats("copy_gain", kPredictions * h);
  w.copy_bias = floats("copy_bias", kPredictions * kLengthClasses);
  w.gate = floats("gate", kGate * h);
  w.gate_bias = floats("gate_bias", kGate);
  w.gate_length = floats("gate_length", kLengths * kLengthClasses * kGate);
  w.gate_gain = floats("gate_gain", kPredictions * kGate);
  w.context_output = floats("context_output", 256 * kEmbedded);
  w.heads = floats("heads", k * h);
  w.heads_bias = floats("heads_bias", k);
  const auto recurrent = nb::cast<Array<const int8_t>>(arrays["recurrent"]);
  expect(recurrent.size() == 4 * h * h, "weights: the sizes do not fit each other");
  w.recurrent = recurrent.data();
  constexpr size_t kRow = kLearnedContexts * kEmbedded;
  w.slots = context.size() / kRow;
  expect(w.slots > 0 && w.slots <= kContextSlots && !(w.slots & (w.slots - 1)), "context: a power of two of slots");
  expect(context.size() == w.slots * kRow, "context: a whole number of rows");
  w.context = context.data();
#ifdef SOUPSTATE_X86
  if (backend == "avx512vnni") return make_avx512vnni(w);
  if (backend == "avx512") return make_avx512(w);
  if (backend == "avx2") return make_avx2(w);
#endif
  return make_scalar(w);
}

// The call without its outputs: it reads the bytes and updates h and c.
LstmCall inputs_of(const Lstm& lstm, const CallArrays& arrays) {
  const size_t n = arrays.ids.size(), units = lstm.units();
  expect(arrays.h.size() == units && arrays.c.size() == units, "h, c: expected one float per unit");
  expect(!arrays.asked || arrays.asked->size() == n, "asked: expected one per id");
  expect(!arrays.traced || arrays.traced->size() == n, "traced: expected one per id");
  LstmCall call = {};
  call.n = n;
  call.ids = arrays.ids.data();
  call.found = arrays.found.rows(n);
  call.first = arrays.first.rows(1);
  call.h = arrays.h.data();
  call.c = arrays.c.data();
  call.asked = arrays.asked ? reinterpret_cast<const uint8_t*>(arrays.asked->data()) : nullptr;
  call.traced = arrays.traced ? reinterpret_cast<const uint8_t*>(arrays.traced->data()) : nullptr;
  return call;
}

LstmCall call_of(const Lstm& lstm, const CallArrays& arrays) {
  auto call = inputs_of(lstm, arrays);
  expect(arrays.outputs.has_value(), "outputs: expected LstmOutputs");
  const auto& out = *arrays.outputs;
  const size_t n = call.n;
  expect(out.bits.size() == n && out.entropy.size() == n, "bits, entropy: expected one per id");
  expect(out.heads.shape(0) == n && out.heads.shape(1) <= lstm.outputs(), "heads: expected [n, K or fewer]");
  const auto count = [n](const uint8_t* some) { return static_cast<size_t>(n - std::count(some, some + n, 0)); };
  const size_t traced = call.traced ? count(call.traced) : n;
  expect(out.traces.shape(0) == traced && out.traces.shape(1) == out.units.size(), "traces: expected [traced, U]");
  for (size_t i = 0; i < out.units.size(); ++i)
    expect(out.units.data()[i] >= 0 && static_cast<size_t>(out.units.data()[i]) < lstm.units(), "units: no such unit");
  expect(out.kept.shape(0) == (out.every ? n / out.every : 0) && out.kept.shape(1) == 2 &&
             out.kept.shape(2) == lstm.units(),
         "kept: expected [n / every, 2, H]");
  call.every = out.every;
  call.kept = out.kept.data();
  call.units = out.units.data();
  call.n_units = out.units.size();
  call.bits = out.bits.data();
  call.entropy = out.entropy.data();
  call.n_heads = out.heads.shape(1);
  call.heads = out.heads.data();
  call.traces = out.traces.data();
  expect(out.begins.has_value() == out.sums.has_value(), "begins, sums: expected both or neither");
  if (out.sums) {
    expect(out.begins->size() == n, "begins: expected one per id");
    call.begins = reinterpret_cast<const uint8_t*>(out.begins->data());
    call.sums = out.sums->data();
    expect(out.sums->shape(0) == 1 + count(call.begins) && out.sums->shape(1) == lstm.outputs(),
           "sums: expected [1 + bytes that begin one, K]");
  }
  return call;
}

// The arrays stay alive without Python's lock, because the caller's list owns them.
void read(const Lstm& lstm, const std::vector<const CallArrays*>& calls) {
  std::vector<LstmCall> all;
  all.reserve(calls.size());
  for (const auto* arrays : calls) {
    expect(arrays != nullptr, "calls: expected LstmCall, not None");
    all.push_back(call_of(lstm, *arrays));
  }
  nb::gil_scoped_release release;
  lstm.read(all.data(), all.size());
}

void read_states(const Lstm& lstm, const std::vector<const CallArrays*>& calls) {
  std::vector<LstmCall> all;
  all.reserve(calls.size());
  for (const auto* arrays : calls) {
    expect(arrays != nullptr, "calls: expected LstmCall, not None");
    all.push_back(inputs_of(lstm, *arrays));
    all.back().states_only = true;
  }
  nb::gil_scoped_release release;
  lstm.read(all.data(), all.size());
}

// Writes the probability of each next byte after each byte, and updates the state.
void read_odds(const Lstm& lstm, const CallArrays& arrays, Matrix<float> odds) {
  auto call = inputs_of(lstm, arrays);
  expect(odds.shape(0) == call.n && odds.shape(1) == 256, "odds: expected [n, 256]");
  call.states_only = true;
  call.odds = odds.data();
  nb::gil_scoped_release release;
  lstm.read(&call, 1);
}

// Writes the surprisal of each byte, without the heads, and updates the states.
void read_bits(const Lstm& lstm, const std::vector<const CallArrays*>& calls, const std::vector<Vector<float>>& bits) {
  expect(bits.size() == calls.size(), "bits: expected one array per call");
  std::vector<LstmCall> all;
  all.reserve(calls.size());
  for (size_t i = 0; i < calls.size(); ++i) {
    expect(calls[i] != nullptr, "calls: expected LstmCall, not None");
    all.push_back(inputs_of(lstm, *calls[i]));
    expect(bits[i].size() == all.back().n, "bits: expected one per id");
    all.back().bits = bits[i].data();
  }
  nb::gil_scoped_release release;
  lstm.read(all.data(), all.size());
}

}  // namespace

void define_lstm(nb::module_& m) {
  using Predicted = PredictionRows<const uint8_t>;
  nb::class_<CopyArrays>(m, "CopyInput")
      .def(nb::init<Predicted, Predicted, ContextRows<const uint16_t>>(), nb::kw_only(), "predicted"_a.noconvert(),
           "length"_a.noconvert(), "slot"_a.noconvert());
  nb::class_<OutputArrays>(m, "LstmOutputs")
      .def(nb::init<Vector<float>, Vector<float>, Matrix<float>, Vector<const int64_t>, Matrix<float>, size_t,
                    Cube<float>, std::optional<Vector<const bool>>, std::optional<Matrix<float>>>(),
           nb::kw_only(), "bits"_a.noconvert(), "entropy"_a.noconvert(), "heads"_a.noconvert(), "units"_a.noconvert(),
           "traces"_a.noconvert(), "every"_a, "kept"_a.noconvert(), "begins"_a.noconvert() = nb::none(),
           "sums"_a.noconvert() = nb::none());
  nb::class_<CallArrays>(m, "LstmCall")
      .def(
          nb::init<Vector<const uint8_t>, const CopyArrays&, const CopyArrays&, Vector<float>, Vector<float>,
                   std::optional<Vector<const bool>>, std::optional<OutputArrays>, std::optional<Vector<const bool>>>(),
          nb::kw_only(), "ids"_a.noconvert(), "found"_a, "first"_a, "h"_a.noconvert(), "c"_a.noconvert(),
          "asked"_a.noconvert() = nb::none(), "outputs"_a = nb::none(), "traced"_a.noconvert() = nb::none());
  nb::class_<Lstm>(m, "Lstm")
      .def("read", &read, "calls"_a)
      .def("read_states", &read_states, "calls"_a)
      .def("read_odds", &read_odds, "call"_a, "odds"_a.noconvert())
      .def("read_bits", &read_bits, "calls"_a, "bits"_a.noconvert());
  m.def("pack", &pack, "backend"_a, "context"_a.noconvert(), "arrays"_a, nb::keep_alive<0, 2>());
}

}  // namespace soupstate
