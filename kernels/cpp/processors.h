// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// Versions of one function for AVX2, for all other machines, and for both. Which one runs is chosen when the module is
// loaded, which needs glibc. Use these only where all versions compute the same.
#pragma once
#include <cstddef>  // it tells whether the library is glibc

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define SOUPSTATE_AVX2 __attribute__((target("avx2")))
#define SOUPSTATE_OTHERS __attribute__((target("default")))
#define SOUPSTATE_FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define SOUPSTATE_OTHERS
#define SOUPSTATE_FOR_EACH_PROCESSOR
#endif
