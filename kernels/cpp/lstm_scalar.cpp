// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The version for any machine. It uses GCC vectors of 4 floats, which the compiler maps to the base instruction set.
#include "dense.h"
#include "lstm_body.h"

namespace soupstate {
namespace {

struct Plain {
  using Vec = float __attribute__((vector_size(16), may_alias));
  using Ints = int32_t __attribute__((vector_size(16), may_alias));
  using Sum = Vec;
  using Recurrent = Dense<Plain>;
  static constexpr size_t kLanes = 4, kPages = 16, kTogether = 2, kVectors = 1;

  static void quantize(Vec a, float* to) {
    const Vec whole = (a + set1(kMagic)) - set1(kMagic);
    store(to, whole * whole > set1(kQuiet * kQuiet) ? whole : set1(0.0f));
  }
  static Vec value(Sum sum) { return sum; }

  using Row = int16_t __attribute__((vector_size(16), may_alias));
  using Half = int16_t __attribute__((vector_size(8)));
  static Row row(const int16_t* p) { return *reinterpret_cast<const Row*>(p); }
  static Row add_rows(Row a, Row b) { return a + b; }
  static Vec lower(Row a) { return __builtin_convertvector(Half{a[0], a[1], a[2], a[3]}, Vec); }
  static Vec upper(Row a) { return __builtin_convertvector(Half{a[4], a[5], a[6], a[7]}, Vec); }

  using Input = float;
  using Weight = float;
  using Total = Vec;
  static constexpr bool kIntegers = false;
  static constexpr size_t kPairs = 1, kRows = 2;

  static void to_inputs(const float* from, size_t n, float, float* to) { memcpy(to, from, n * sizeof(float)); }
  static Total nothing() { return set1(0.0f); }
  static Vec weights(const float* w) { return load(w); }
  static Vec spread(const float* input) { return set1(*input); }
  static Total add_products(Total sum, Vec w, Vec input) { return fma(w, input, sum); }
  static Vec total(Total sum) { return sum; }

  static Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
  static void store(float* p, Vec a) { *reinterpret_cast<Vec*>(p) = a; }
  static Vec set1(float x) { return Vec{x, x, x, x}; }
  static Vec add(Vec a, Vec b) { return a + b; }
  static Vec sub(Vec a, Vec b) { return a - b; }
  static Vec mul(Vec a, Vec b) { return a * b; }
  static Vec div(Vec a, Vec b) { return a / b; }
  static Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
  static Vec min(Vec a, Vec b) { return a < b ? a : b; }
  static Vec max(Vec a, Vec b) { return a > b ? a : b; }
  static Vec raise(Vec a, Vec n) {
    const Ints sum = reinterpret_cast<const Ints&>(a) + (reinterpret_cast<const Ints&>(n) << 23);
    return reinterpret_cast<const Vec&>(sum);
  }
};

}  // namespace

std::unique_ptr<Lstm> make_scalar(const LstmWeights& weights) {
  return std::unique_ptr<Lstm>(new LstmOn<Plain, Plain>(weights));
}

}  // namespace soupstate
