// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The implementation of LstmTraining for GCC vectors of any length. One source file per instruction set includes it,
// each with its own compiler flags, so everything is in an anonymous namespace (see lstm_body.h).
//
// Each call packs the weights once, in panels of one or two vectors of columns, [depth][columns]. In every step a panel
// is multiplied for all lanes while it is in the first-level cache, for a few lanes at a time with the sums in
// registers. The gates, or their gradients, follow at once. So a step streams the weights once.
#pragma once
#include "activations.h"
#include "lstm_training.h"

namespace soupstate {
namespace {

constexpr size_t kQuarters = 4;
constexpr size_t kLanesAtOnce = 6;  // 6 times 2 vectors of sums fill the registers of AVX2

// Types has Vec, a vector of floats; Ints, as many integers; Loose, a Vec at any address.
template <class Types>
struct Vectors {
  using Vec = typename Types::Vec;
  using Ints = typename Types::Ints;
  using Loose = typename Types::Loose;
  static constexpr size_t kLanes = sizeof(Vec) / sizeof(float);
  static Vec load(const float* p) { return *reinterpret_cast<const Loose*>(p); }
  static void store(float* p, Vec a) { *reinterpret_cast<Loose*>(p) = a; }
  static Vec set1(float x) { return x - Vec{}; }
  static Vec add(Vec a, Vec b) { return a + b; }
  static Vec sub(Vec a, Vec b) { return a - b; }
  static Vec mul(Vec a, Vec b) { return a * b; }
  static Vec div(Vec a, Vec b) { return a / b; }
  static Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
  static Vec min(Vec a, Vec b) { return b < a ? b : a; }  // NaN stays NaN, so that a failed
  static Vec max(Vec a, Vec b) { return b > a ? b : a; }  // training run is noticed
  static Vec raise(Vec a, Vec n) { return (Vec)((Ints)a + ((Ints)n << 23)); }
};

// Loads the first n numbers of a vector and sets the others to 0.
template <class V>
inline typename V::Vec load_some(const float* p, size_t n) {
  if (n >= V::kLanes) return V::load(p);
  float some[V::kLanes] = {};
  memcpy(some, p, n * sizeof(float));
  return V::load(some);
}

template <class V>
inline void store_some(float* p, size_t n, typename V::Vec a) {
  if (n >= V::kLanes) return V::store(p, a);
  float some[V::kLanes];
  V::store(some, a);
  memcpy(p, some, n * sizeof(float));
}

template <class V>
inline typename V::Vec sigmoid(typename V::Vec x) {
  const auto one = V::set1(1.0f);
  return V::div(one, V::add(one, power_of_gate<V>(V::mul(x, V::set1(-kLog2E)))));
}

// sums [Lanes, N vectors] = inputs [Lanes, depth] . panel [depth, N vectors]
template <class V, size_t Lanes, size_t N>
__attribute__((noinline)) void multiply(const float* inputs, size_t input_row, const float* panel, size_t depth,
                                        float* sums, size_t sum_row) {
  typename V::Vec sum[Lanes][N];
#pragma GCC unroll 8
  for (size_t b = 0; b < Lanes; ++b)
#pragma GCC unroll 2
    for (size_t n = 0; n < N; ++n) sum[b][n] = V::set1(0.0f);
  for (size_t k = 0; k < depth; ++k, panel += N * V::kLanes) {
    typename V::Vec w[N];
#pragma GCC unroll 2
    for (size_t n = 0; n < N; ++n) w[n] = V::load(panel + n * V::kLanes);
#pragma GCC unroll 8
    for (size_t b = 0; b < Lanes; ++b) {
      const auto x = V::set1(inputs[b * input_row + k]);
#pragma GCC unroll 2
      for (size_t n = 0; n < N; ++n) sum[b][n] = V::fma(x, w[n], sum[b][n]);
    }
  }
#pragma GCC unroll 8
  for (size_t b = 0; b < Lanes; ++b)
#pragma GCC unroll 2
    for (size_t n = 0; n < N; ++n) V::store(sums + b * sum_row + n * V::kLanes, sum[b][n]);
}

// Does the same for any number of lanes, in groups of nearly equal size.
template <class V, size_t N>
void multiply_all(size_t lanes, const float* inputs, size_t input_row, const float* panel, size_t depth, float* sums,
                  size_t sum_row) {
  for (size_t parts = (lanes + kLanesAtOnce - 1) / kLanesAtOnce; parts; --parts) {
    const size_t some = (lanes + parts - 1) / parts;
    const auto with = [&](auto function) { function(inputs, input_row, panel, depth, sums, sum_row); };
    switch (some) {
      case 1:
        with(multiply<V, 1, N>);
        break;
      case 2:
        with(multiply<V, 2, N>);
        break;
      case 3:
        with(multiply<V, 3, N>);
        break;
      case 4:
        with(multiply<V, 4, N>);
        break;
      case 5:
        with(multiply<V, 5, N>);
        break;
      default:
        with(multiply<V, kLanesAtOnce, N>);
    }
    lanes -= some;
    inputs += some * input_row;
    sums += some * sum_row;
  }
}

// Packs panels of kLanes units: [unit / kLanes][i and f, then g and o][depth][two vectors].
template <class V>
void pack_forward(const LstmSizes& s, const float* weight, float* packed) {
  constexpr size_t n = V::kLanes;
  for (size_t gate = 0; gate < kQuarters; ++gate)
    for (size_t u = 0; u < s.units; ++u) {
      const float* from = weight + (gate * s.units + u) * s.depth();
      float* to = packed + (u / n * 2 + gate / 2) * s.depth() * 2 * n + gate % 2 * n + u % n;
      for (size_t k = 0; k < s.depth(); ++k) to[k * 2 * n] = from[k];
    }
}

// Packs columns of W: [column / two vectors][4H][two vectors]. The last panel is one vector wide where that suffices.
template <class V>
void pack_backward(const LstmSizes& s, size_t first, size_t count, const float* weight, float* packed) {
  for (size_t at = 0; at < count; at += 2 * V::kLanes) {
    const size_t left = count - at, width = left > V::kLanes ? 2 * V::kLanes : V::kLanes;
    for (size_t k = 0; k < s.gates(); ++k, packed += width)
      memcpy(packed, weight + k * s.depth() + first + at, (left < width ? left : width) * sizeof(float));
  }
}

template <class V>
void forward(const LstmForward& p) {
  constexpr size_t n = V::kLanes;
  const LstmSizes& s = p.sizes;
  const size_t depth = s.depth(), units = s.units, state = s.lanes * units;
  Buffer<float> packed(up(units, n) * kQuarters * depth), sums(s.lanes * kQuarters * n);
  pack_forward<V>(s, p.weight, packed.get());
  memcpy(p.cells, p.first_c, state * sizeof(float));
  for (size_t t = 0; t < s.steps; ++t) {
    float* rows = p.rows + t * s.lanes * depth;
    for (size_t b = 0; b < s.lanes; ++b) {
      float* row = rows + b * depth;
      memcpy(row, p.x + (b * s.steps + t) * s.inputs, s.inputs * sizeof(float));
      memcpy(row + s.inputs, t ? p.h + (b * s.steps + t - 1) * units : p.first_h + b * units, units * sizeof(float));
      row[depth - 1] = 1.0f;
    }
    for (size_t u = 0; u < units; u += n) {
      const size_t some = units - u;
      for (size_t half = 0; half < 2; ++half)
        multiply_all<V, 2>(s.lanes, rows, depth, packed.get() + (u / n * 2 + half) * depth * 2 * n, depth,
                           sums.get() + half * 2 * n, kQuarters * n);
      for (size_t b = 0; b < s.lanes; ++b) {
        const float* z = sums.get() + b * kQuarters * n;
        float *gates = p.gates + (t * s.lanes + b) * s.gates() + u, *cell = p.cells + (t * s.lanes + b) * units + u;
        const auto i = sigmoid<V>(V::load(z)), f = sigmoid<V>(V::load(z + n)), g = tanh_of<V>(V::load(z + 2 * n)),
                   o = sigmoid<V>(V::load(z + 3 * n)), c = V::fma(f, load_some<V>(cell, some), V::mul(i, g));
        store_some<V>(gates, some, i);
        store_some<V>(gates + units, some, f);
        store_some<V>(gates + 2 * units, some, g);
        store_some<V>(gates + 3 * units, some, o);
        store_some<V>(cell + state, some, c);
        store_some<V>(p.h + (b * s.steps + t) * units + u, some, V::mul(o, tanh_of<V>(c)));
      }
    }
  }
}

// Computes the gradients of one step for some units of one lane. by_h includes all later steps. Writes by_z, and
// updates by_c to that of the step before.
template <class V>
inline void gate_gradients(const float* gates, const float* before, const float* after, size_t units, size_t some,
                           typename V::Vec by_h, float* by_c, float* by_z) {
  const auto one = V::set1(1.0f);
  const auto i = load_some<V>(gates, some), f = load_some<V>(gates + units, some),
             g = load_some<V>(gates + 2 * units, some), o = load_some<V>(gates + 3 * units, some),
             out = tanh_of<V>(load_some<V>(after, some));
  const auto by_out = V::mul(by_h, o);
  const auto by_cell = V::add(load_some<V>(by_c, some), V::sub(by_out, V::mul(by_out, V::mul(out, out))));
  const auto by_input = V::mul(by_cell, i), by_forget = V::mul(by_cell, f);
  store_some<V>(by_z, some, V::mul(V::mul(by_input, g), V::sub(one, i)));
  store_some<V>(by_z + units, some, V::mul(V::mul(by_forget, load_some<V>(before, some)), V::sub(one, f)));
  store_some<V>(by_z + 2 * units, some, V::sub(by_input, V::mul(by_input, V::mul(g, g))));
  store_some<V>(by_z + 3 * units, some, V::mul(V::mul(by_out, out), V::sub(one, o)));
  store_some<V>(by_c, some, by_forget);
}

// sums [lanes, two vectors] = by_z of a step [lanes, 4H] . a panel with that many columns of W
template <class V>
void through_weights(const LstmSizes& s, const float* by_z, const float* panel, size_t columns, float* sums) {
  const auto with = columns > V::kLanes ? multiply_all<V, 2> : multiply_all<V, 1>;
  with(s.lanes, by_z, s.gates(), panel, s.gates(), sums, 2 * V::kLanes);
}

template <class V>
void backward(const LstmBackward& p) {
  constexpr size_t n = V::kLanes, wide = 2 * n;
  const LstmSizes& s = p.sizes;
  const size_t units = s.units, state = s.lanes * units;
  Buffer<float> by_inputs(up(s.inputs, n) * s.gates()), by_units(up(units, n) * s.gates()), sums(s.lanes * wide);
  pack_backward<V>(s, 0, s.inputs, p.weight, by_inputs.get());
  pack_backward<V>(s, s.inputs, units, p.weight, by_units.get());
  memcpy(p.by_first_c, p.by_end, state * sizeof(float));  // becomes the gradient of c at each step in turn
  for (size_t t = s.steps + 1; t--;) {                    // from T down to 0; at t, the steps from t on are done
    const float* later = p.by_z + t * s.lanes * s.gates();
    for (size_t e = 0; t < s.steps && e < s.inputs; e += wide) {
      const size_t some = s.inputs - e < wide ? s.inputs - e : wide;
      through_weights<V>(s, later, by_inputs.get() + e * s.gates(), some, sums.get());
      for (size_t b = 0; b < s.lanes; ++b)
        memcpy(p.by_x + (b * s.steps + t) * s.inputs + e, sums.get() + b * wide, some * sizeof(float));
    }
    for (size_t u = 0; u < units; u += wide) {
      const size_t some = units - u < wide ? units - u : wide;
      if (t < s.steps) through_weights<V>(s, later, by_units.get() + u * s.gates(), some, sums.get());
      for (size_t b = 0; b < s.lanes; ++b) {
        float* by = sums.get() + b * wide;
        if (!t) {
          memcpy(p.by_first_h + b * units + u, by, some * sizeof(float));
          continue;
        }
        const size_t at = (t - 1) * s.lanes + b;
        for (size_t j = 0; j < some; j += n) {
          const auto by_h =
              V::add(V::load(by + j), load_some<V>(p.by_h + (b * s.steps + t - 1) * units + u + j, some - j));
          const float *gates = p.gates + at * s.gates() + u + j, *cell = p.cells + at * units + u + j;
          float* by_z = p.by_z + at * s.gates() + u + j;
          if (t > 1) {  // prefetch for the panel's next turn: its lines are scattered in memory
            for (size_t gate = 0; gate < kQuarters; ++gate)
              __builtin_prefetch(gates + gate * units - s.lanes * s.gates());
            __builtin_prefetch(cell - state);
            __builtin_prefetch(p.by_h + (b * s.steps + t - 2) * units + u + j);
          }
          gate_gradients<V>(gates, cell, cell + state, units, some - j, by_h, p.by_first_c + b * units + u + j, by_z);
        }
      }
    }
  }
}

}  // namespace
}  // namespace soupstate
