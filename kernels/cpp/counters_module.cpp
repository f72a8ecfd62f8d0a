// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Binds count_open (counters.h) for soupstate.kernels.counters.
#include <algorithm>

#include "bindings.h"
#include "counters.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace soupstate {
namespace {

void run_count_open(Matrix<const int16_t> hidden, Matrix<const int32_t> tag_rows, Matrix<const int8_t> pairs,
                    Cube<const int32_t> open, int shift, Matrix<const int16_t> moves, Matrix<const int32_t> moves_bias,
                    Vector<const uint8_t> most, Matrix<const float> h, Vector<const uint8_t> tags,
                    Vector<uint8_t> cells, Matrix<uint8_t> counted) {
  const size_t n = h.shape(0), m = hidden.shape(0), c = cells.size(), d = pairs.shape(0);
  expect(h.shape(1) == hidden.shape(1), "h: expected [n, H]");
  expect(tag_rows.shape(1) == m && open.shape(2) == m && moves.shape(1) == m, "weights: expected one column per unit");
  expect(pairs.shape(1) == c && open.shape(0) == c + d && open.shape(1) == kCountedValues,
         "pairs, open: expected [D, C] and [C + D, 7, M]");
  expect(moves.shape(0) == c * kMoves && moves_bias.shape(1) == c * kMoves && moves_bias.shape(0) == tag_rows.shape(0),
         "moves, moves_bias: expected [6 C, M] and [T, 6 C]");
  expect(most.size() == c, "most: expected one per cell");
  expect(shift >= 0 && shift < 32, "shift: expected 0 to 31");
  expect(tags.size() == n && counted.shape(0) == n && counted.shape(1) == c,
         "tags, counted: expected one row per place");
  expect(!n || *std::max_element(tags.data(), tags.data() + n) < tag_rows.shape(0), "tags: no such row");
  const Counters w = {hidden.shape(1),
                      m,
                      c,
                      d,
                      hidden.data(),
                      tag_rows.data(),
                      pairs.data(),
                      open.data(),
                      shift,
                      moves.data(),
                      moves_bias.data(),
                      most.data()};
  nb::gil_scoped_release release;
  count_open(w, n, h.data(), tags.data(), cells.data(), counted.data());
}

}  // namespace

void define_counters(nb::module_& m) {
  m.def("count_open", &run_count_open, nb::kw_only(), "hidden"_a.noconvert(), "tag_rows"_a.noconvert(),
        "pairs"_a.noconvert(), "open"_a.noconvert(), "shift"_a, "moves"_a.noconvert(), "moves_bias"_a.noconvert(),
        "most"_a.noconvert(), "h"_a.noconvert(), "tags"_a.noconvert(), "cells"_a.noconvert(), "counted"_a.noconvert());
}

}  // namespace soupstate
