// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Measures what one core can do at most, to compare the kernels with.
#pragma once
#include <cstddef>

namespace soupstate {

struct Peaks {
  double fp32, int8;  // operations per second on registers; a multiplication and an addition are two
  double stream;      // bytes per second, reading one array front to back again and again
};

// Each takes a few milliseconds and measures CPU time of the calling thread. `bytes` is the size of the array, a
// multiple of 256. Call these only on a machine that has the instructions.
#ifdef SOUPSTATE_X86
Peaks peaks_avx2(size_t bytes);
Peaks peaks_avx512vnni(size_t bytes);
#endif

}  // namespace soupstate
