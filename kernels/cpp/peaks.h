// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// What a core can do at most, measured: what the kernels' speed is a share of.
#pragma once
#include <cstddef>

namespace soupstate {

struct Peaks {
  double fp32, int8;  // operations a second, a multiplication and an addition being two; operands in registers
  double stream;      // bytes a second that are read, front to back again and again, of as many as asked for
};

// Takes some milliseconds of the calling thread, whose own time is what counts; `bytes` is a multiple of 256. Each may
// be called only on a machine that has the instructions of its name.
#ifdef SOUPSTATE_X86
Peaks peaks_avx2(size_t bytes);
Peaks peaks_avx512vnni(size_t bytes);
#endif

}  // namespace soupstate
