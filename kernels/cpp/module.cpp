// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The Python module soupstate.kernels._cpp: the copy model, the best path, sums, tags, words and cuts, and
// the choice of a backend. The LSTM is bound in lstm_module.cpp and lstm_training_module.cpp.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bindings.h"
#include "brief.h"
#include "copy.h"
#include "marking.h"
#include "peaks.h"
#include "tag_names.h"
#include "viterbi.h"
#include "words.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soupstate {

bool backend_runs(const std::string& backend) {
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

void check_classes(const PredictionRows<const uint8_t>& length) {
  uint8_t highest = 0;
  for (size_t i = 0; i < length.size(); ++i) highest = length.data()[i] > highest ? length.data()[i] : highest;
  expect(highest < kLengthClasses, "length: no such class");
}

namespace {

// The backends that run on this processor, fastest first.
std::vector<std::string> backends() {
  std::vector<std::string> names;
  for (const char* name : {"avx512vnni", "avx512", "avx2", "scalar"})
    if (backend_runs(name)) names.emplace_back(name);
  return names;
}

// fp32 operations, int8 operations and streamed bytes, each per second; empty for the scalar backend.
std::vector<double> measure_peaks(const std::string& backend, size_t bytes) {
  expect(backend_runs(backend), "backend: this processor cannot run it");
  expect(bytes && bytes % 256 == 0, "bytes: expected a multiple of 256");
#ifdef SOUPSTATE_X86
  if (backend != "scalar") {
    nb::gil_scoped_release release;
    const auto p = backend == "avx512vnni" ? peaks_avx512vnni(bytes) : peaks_avx2(bytes);
    return {p.fp32, p.int8, p.stream};
  }
#endif
  return {};
}

template <auto Function>
void run_copies(Vector<const uint8_t> ids, Vector<uint8_t> state, PredictionRows<uint8_t> predicted,
                PredictionRows<uint8_t> length, ContextRows<uint16_t> slot) {
  const size_t n = ids.size();
  expect(state.size() == sizeof(CopyState), "state: expected COPY_STATE_BYTES bytes");
  expect(predicted.shape(0) == n && length.shape(0) == n && slot.shape(0) == n,
         "predicted, length, slot: expected one row per id");
  expect(n <= kRing || Function == &copies, "ids: longer than the ring");
  auto* s = reinterpret_cast<CopyState*>(state.data());
  nb::gil_scoped_release release;
  Function(ids.data(), n, s, predicted.data(), length.data(), slot.data());
}

// Rows whose numbers lie side by side, some columns of a larger matrix.
using SomeColumns = nb::ndarray<const float, nb::numpy, nb::ndim<2>, nb::device::cpu>;

void run_viterbi_forward(SomeColumns emissions, Vector<const uint8_t> priced, Matrix<const float> prices,
                         Vector<const uint8_t> tables, Cube<const float> transitions, Vector<float> scores,
                         Matrix<uint8_t> pointers) {
  const size_t n = emissions.shape(0), classes = emissions.shape(1);
  expect(tables.size() == n && priced.size() == n && pointers.shape(0) == n && pointers.shape(1) == classes,
         "tables, priced, pointers: expected one row per byte");
  expect(!n || (emissions.stride(1) == 1 && emissions.stride(0) >= 0),
         "emissions: expected rows whose numbers lie together");
  expect(prices.shape(1) == classes, "prices: expected one column per class");
  for (size_t t = 0; t < n; ++t) expect(priced.data()[t] < prices.shape(0), "priced: no such row");
  expect(transitions.shape(1) == classes && transitions.shape(2) == classes && scores.size() == classes,
         "transitions, scores: expected one row per class");
  for (size_t t = 0; t < n; ++t) expect(tables.data()[t] < transitions.shape(0), "tables: no such table");
  nb::gil_scoped_release release;
  viterbi_forward({n, classes, transitions.shape(0), emissions.data(), static_cast<size_t>(emissions.stride(0)),
                   priced.data(), prices.data(), tables.data(), transitions.data()},
                  scores.data(), pointers.data());
}

void expect_classes(const Matrix<const uint8_t>& pointers, uint8_t highest) {
  for (size_t i = 0; i < pointers.size(); ++i) highest = pointers.data()[i] > highest ? pointers.data()[i] : highest;
  expect(!pointers.shape(0) || highest < pointers.shape(1), "pointers, last: no such class");
}

void run_viterbi_back(Matrix<const uint8_t> pointers, uint8_t last, Vector<uint8_t> path) {
  const size_t n = pointers.shape(0), classes = pointers.shape(1);
  expect(path.size() == n, "path: expected one class per byte");
  expect_classes(pointers, last);
  nb::gil_scoped_release release;
  viterbi_back(pointers.data(), n, classes, last, path.data());
}

size_t run_viterbi_settled(Matrix<const uint8_t> pointers) {
  expect_classes(pointers, 0);
  nb::gil_scoped_release release;
  return viterbi_settled(pointers.data(), pointers.shape(0), pointers.shape(1));
}

void run_span_classes(Matrix<const float> rows, Vector<const int64_t> first, Vector<const int64_t> last,
                      Matrix<const int64_t> heads, Matrix<uint8_t> classes) {
  const size_t k = first.size(), n = rows.shape(0);
  expect(last.size() == k, "last: expected one per span");
  expect(heads.shape(1) == 2, "heads: expected starts and ends");
  expect(classes.shape(0) == k && classes.shape(1) == heads.shape(0), "classes: expected one per span and head");
  for (size_t i = 0; i < k; ++i) {
    const int64_t start = first.data()[i], end = last.data()[i];
    expect(start >= 0 && start <= end && static_cast<size_t>(end) <= n, "first, last: no such rows");
  }
  std::vector<Columns> columns(heads.shape(0));
  for (size_t h = 0; h < columns.size(); ++h) {
    const int64_t start = heads.data()[2 * h], end = heads.data()[2 * h + 1];
    expect(start >= 0 && start < end && end - start <= 256 && static_cast<size_t>(end) <= rows.shape(1),
           "heads: no such columns");
    columns[h] = {start, end};
  }
  nb::gil_scoped_release release;
  span_classes(rows.data(), rows.shape(1), first.data(), last.data(), k, columns.data(), columns.size(),
               classes.data());
}

void run_tag_ends(Vector<const uint8_t> page, Vector<const int64_t> starts, size_t longest, Vector<int64_t> ends) {
  const size_t k = starts.size();
  expect(ends.size() == k, "ends: expected one per start");
  for (size_t i = 0; i < k; ++i)
    expect(starts.data()[i] >= 0 && static_cast<size_t>(starts.data()[i]) < page.size(), "starts: beyond the page");
  nb::gil_scoped_release release;
  tag_ends(page.data(), page.size(), starts.data(), k, longest, ends.data());
}

void run_tag_names(Vector<const uint8_t> page, Vector<const int64_t> starts, const std::vector<std::string>& names,
                   Vector<int16_t> numbers) {
  const size_t k = starts.size();
  expect(numbers.size() == k, "numbers: expected one per start");
  for (size_t i = 0; i < k; ++i)
    expect(starts.data()[i] >= 0 && static_cast<size_t>(starts.data()[i]) < page.size(), "starts: beyond the page");
  nb::gil_scoped_release release;
  tag_names(page.data(), page.size(), starts.data(), k, numbers_of(names), numbers.data());
}

// An array that Python owns.
template <class T>
using NewVector = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

template <class T>
NewVector<T> new_vector(std::vector<T>&& numbers) {
  auto* kept = new std::vector<T>(std::move(numbers));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return NewVector<T>(kept->data(), {kept->size()}, owner);
}

std::pair<NewVector<int64_t>, NewVector<int16_t>> run_tag_places(Vector<const uint8_t> page,
                                                                 const std::vector<std::string>& names) {
  std::vector<int64_t> places;
  std::vector<int16_t> numbers;
  {
    nb::gil_scoped_release release;
    tag_places(page.data(), page.size(), numbers_of(names), &places, &numbers);
  }
  return {new_vector(std::move(places)), new_vector(std::move(numbers))};
}

Texts texts_of(const Vector<const uint8_t>& bytes, const Vector<const int64_t>& ends) {
  int64_t at = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    expect(at <= ends.data()[i], "ends: not ascending");
    at = ends.data()[i];
  }
  expect(static_cast<size_t>(at) <= bytes.size(), "ends: beyond the texts");
  return {bytes.data(), ends.data(), ends.size()};
}

void run_count_characters(Vector<const uint8_t> bytes, Vector<const int64_t> ends, Vector<const uint8_t> classes,
                          Matrix<int64_t> counts) {
  const Texts texts = texts_of(bytes, ends);
  expect(counts.shape(0) == texts.count && counts.shape(1) == kCounted, "counts: expected one row per text");
  nb::gil_scoped_release release;
  count_characters(texts, {classes.data(), classes.size()}, counts.data());
}

NewVector<int64_t> run_count_words(Vector<const uint8_t> bytes, Vector<const int64_t> ends, Vector<const uint8_t> title,
                                   Vector<const uint8_t> classes, size_t first, size_t last, uint32_t buckets,
                                   Matrix<int64_t> counts, Vector<int64_t> sizes) {
  const Texts texts = texts_of(bytes, ends);
  expect(buckets, "buckets: expected a number above 0");
  expect(counts.shape(0) == texts.count && counts.shape(1) == 3 && sizes.size() == texts.count,
         "counts, sizes: expected one row per text");
  std::vector<int64_t> hashes;
  {
    nb::gil_scoped_release release;
    count_words(texts, {reinterpret_cast<const char*>(title.data()), title.size()}, {classes.data(), classes.size()},
                first, last, buckets, counts.data(), &hashes, sizes.data());
  }
  return new_vector(std::move(hashes));
}

NewVector<int64_t> run_tell_names(Vector<const uint8_t> page, Vector<const int64_t> starts, Vector<const int64_t> ends,
                                  const std::vector<std::string>& untold, size_t most, uint32_t buckets,
                                  Vector<uint32_t> firsts, Vector<int64_t> sizes) {
  const size_t k = starts.size();
  expect(buckets, "buckets: expected a number above 0");
  expect(ends.size() == k && firsts.size() == k && sizes.size() == k, "ends, firsts, sizes: expected one per start");
  for (size_t i = 0; i < k; ++i) {
    const int64_t start = starts.data()[i], end = ends.data()[i];
    expect(start >= 0 && start <= end && static_cast<size_t>(end) <= page.size(), "starts, ends: beyond the page");
  }
  std::vector<int64_t> hashes;
  {
    nb::gil_scoped_release release;
    tell_names(page.data(), starts.data(), ends.data(), k, {untold.begin(), untold.end()}, most, buckets, firsts.data(),
               &hashes, sizes.data());
  }
  return new_vector(std::move(hashes));
}

NewVector<int64_t> run_brief_cuts(Vector<const uint8_t> page, Matrix<const int64_t> whole) {
  expect(whole.shape(1) == 2, "whole: expected starts and ends");
  std::vector<int64_t> cuts;
  {
    nb::gil_scoped_release release;
    cuts = brief_cuts(page.data(), page.size(), whole.data(), whole.shape(0));
  }
  return new_vector(std::move(cuts));
}

}  // namespace
}  // namespace soupstate

NB_MODULE(_cpp, m) {
  using namespace soupstate;
  // A network that a module holds until the interpreter ends is no leak that a user should read about.
  nanobind::set_leak_warnings(false);
  m.attr("COPY_STATE_BYTES") = sizeof(CopyState);
  m.def("backends", &backends);
  m.def("peaks", &measure_peaks, "backend"_a, "bytes"_a);
  m.def("copies", &run_copies<&copies>, "ids"_a.noconvert(), "state"_a.noconvert(), "predicted"_a.noconvert(),
        "length"_a.noconvert(), "slot"_a.noconvert());
  m.def("peek_copies", &run_copies<&peek_copies>, "ids"_a.noconvert(), "state"_a.noconvert(), "predicted"_a.noconvert(),
        "length"_a.noconvert(), "slot"_a.noconvert());
  m.def("viterbi_forward", &run_viterbi_forward, nb::kw_only(), "emissions"_a.noconvert(), "priced"_a.noconvert(),
        "prices"_a.noconvert(), "tables"_a.noconvert(), "transitions"_a.noconvert(), "scores"_a.noconvert(),
        "pointers"_a.noconvert());
  m.def("viterbi_back", &run_viterbi_back, "pointers"_a.noconvert(), "last"_a, "path"_a.noconvert());
  m.def("viterbi_settled", &run_viterbi_settled, "pointers"_a.noconvert());
  m.def("span_classes", &run_span_classes, "rows"_a.noconvert(), "first"_a.noconvert(), "last"_a.noconvert(),
        "heads"_a.noconvert(), "classes"_a.noconvert());
  m.def("tag_ends", &run_tag_ends, "page"_a.noconvert(), "starts"_a.noconvert(), "longest"_a, "ends"_a.noconvert());
  m.def("tag_names", &run_tag_names, "page"_a.noconvert(), "starts"_a.noconvert(), "names"_a, "numbers"_a.noconvert());
  m.def("tag_places", &run_tag_places, "page"_a.noconvert(), "names"_a);
  m.def("count_characters", &run_count_characters, "texts"_a.noconvert(), "ends"_a.noconvert(), "classes"_a.noconvert(),
        "counts"_a.noconvert());
  m.def("count_words", &run_count_words, nb::kw_only(), "texts"_a.noconvert(), "ends"_a.noconvert(),
        "title"_a.noconvert(), "classes"_a.noconvert(), "first"_a, "last"_a, "buckets"_a, "counts"_a.noconvert(),
        "sizes"_a.noconvert());
  m.def("tell_names", &run_tell_names, nb::kw_only(), "page"_a.noconvert(), "starts"_a.noconvert(),
        "ends"_a.noconvert(), "untold"_a, "most"_a, "buckets"_a, "firsts"_a.noconvert(), "sizes"_a.noconvert());
  m.def("brief_cuts", &run_brief_cuts, "page"_a.noconvert(), "whole"_a.noconvert());
  define_lstm(m);
  define_lstm_training(m);
  define_counters(m);
}
