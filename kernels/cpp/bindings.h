// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// What the files of the Python module share. Every function here and in *_module.cpp checks the sizes of its arrays,
// although the Python callers have checked them too, because a wrong size would read or write outside an array.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <stdexcept>
#include <string>

#include "copy.h"

namespace soupstate {

// Arrays are dense and row-major. Bind them with noconvert(): a converted output would be a copy that the caller never
// sees.
template <class T, class... Shape>
using Array = nanobind::ndarray<T, nanobind::numpy, nanobind::c_contig, nanobind::device::cpu, Shape...>;
template <class T>
using Vector = Array<T, nanobind::ndim<1>>;
template <class T>
using Matrix = Array<T, nanobind::ndim<2>>;
template <class T>
using Cube = Array<T, nanobind::ndim<3>>;
template <class T>
using PredictionRows = Array<T, nanobind::shape<-1, kPredictions>>;
template <class T>
using ContextRows = Array<T, nanobind::shape<-1, kContexts>>;
using Arrays = nanobind::typed<nanobind::dict, nanobind::str, nanobind::object>;  // weights by name

// Throws std::invalid_argument, which Python sees as a ValueError, unless `good`.
inline void expect(bool good, const char* message) {
  if (!good) throw std::invalid_argument(message);
}

// Whether the processor has the instructions of a backend. False for an unknown name.
bool backend_runs(const std::string& backend);

// Throws std::invalid_argument where a length class is too high: it would index outside the tables.
void check_classes(const PredictionRows<const uint8_t>& length);

// Each adds its part to the module.
void define_lstm(nanobind::module_& m);
void define_lstm_training(nanobind::module_& m);
void define_counters(nanobind::module_& m);

}  // namespace soupstate
