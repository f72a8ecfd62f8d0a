// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The input of a first layer: a byte and its copy input add rows of tables to the gates, summed in 16 bits.
#pragma once
#include <math.h>

#include "activations.h"
#include "copy.h"

namespace soupstate {
namespace {

constexpr size_t kBytes = 256;
constexpr size_t kClasses = kLengthClasses;
constexpr float kTableLevels = 32760.0f;  // limit of the sum of all rows, apart from rounding

// Rows of `width` numbers: one per byte value, and one per byte value and per length class of each matcher.
class Tables {
 public:
  static constexpr size_t kMaxRows = 1 + 2 * kMatchers;  // rows added per byte

  explicit Tables(size_t width)
      : width_(width),
        byte_(kBytes * width),
        predicted_(kMatchers * kBytes * width),
        length_(kMatchers * kClasses * width) {}

  // Rounds the values [256, n], [kMatchers, 256, n] and [kMatchers, kClasses, n] and stores value i at place(i) of a
  // row, as a multiple of scale[place(i)]. It also writes this scale, which keeps every sum of rows within 16 bits.
  template <class Place>
  void pack(const float* byte, const float* predicted, const float* length, size_t n, Place place, float* scale) const {
    const float* from[kMaxRows] = {byte};
    size_t rows[kMaxRows] = {kBytes};
    int16_t* to[kMaxRows] = {byte_.get()};
    for (size_t k = 0; k < kMatchers; ++k) {
      from[1 + k] = predicted + k * kBytes * n, rows[1 + k] = kBytes;
      to[1 + k] = predicted_.get() + k * kBytes * width_;
      // Class 0 is not used.
      from[1 + kMatchers + k] = length + (k * kClasses + 1) * n, rows[1 + kMatchers + k] = kClasses - 1;
      to[1 + kMatchers + k] = length_.get() + (k * kClasses + 1) * width_;
    }
    for (size_t i = 0; i < n; ++i) {
      float sum = 1e-30f;
      for (size_t k = 0; k < kMaxRows; ++k) {
        float largest = 0.0f;
        for (size_t r = 0; r < rows[k]; ++r) largest = fmaxf(largest, fabsf(from[k][r * n + i]));
        sum += largest;
      }
      const float part = sum / kTableLevels;
      scale[place(i)] = part;
      for (size_t k = 0; k < kMaxRows; ++k)
        for (size_t r = 0; r < rows[k]; ++r)
          to[k][r * width_ + place(i)] = static_cast<int16_t>(rintf(from[k][r * n + i] / part));
    }
  }

  // Finds the rows that add up for a byte and its copy input, predicted and length [kPredictions]. Returns how many
  // there are.
  size_t rows(uint8_t id, const uint8_t* predicted, const uint8_t* length, const int16_t* (&found)[kMaxRows]) const {
    found[0] = byte_.get() + id * width_;
    size_t count = 1;
    for (size_t k = 0; k < kMatchers; ++k) {
      if (!length[k]) continue;
      found[count++] = predicted_.get() + (k * kBytes + predicted[k]) * width_;
      found[count++] = length_.get() + (k * kClasses + length[k]) * width_;
    }
    return count;
  }

 private:
  size_t width_;
  Buffer<int16_t> byte_, predicted_, length_;
};

}  // namespace
}  // namespace soupstate
