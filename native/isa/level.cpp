// Inner loops as static functions on raw pointers, compiled once per level.
//
// No functions of the standard library here: the linker keeps one copy of an inline function for
// the whole program, and it might be the one compiled for AVX-512. Templates of our own live in the
// unnamed namespace. Where lanes do not meet, vectors are as wide as the registers of the level;
// where they are summed, the order is fixed.
#include "isa.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penchant {
namespace {

#include "vectors.inl"

#include "scores.inl"

#include "normal.inl"

#include "solve.inl"

#include "conjugate.inl"

#include "counts.inl"

#include "sgd.inl"

}  // namespace

#define JOINED(a, b) a##b
#define LEVEL_NAME(level) JOINED(level_, level)
#define TEXT(name) #name
#define NAME_OF(level) TEXT(level)
extern const Level LEVEL_NAME(PENCHANT_LEVEL);
// clang-format off
const Level LEVEL_NAME(PENCHANT_LEVEL) = {
    NAME_OF(PENCHANT_LEVEL), score, score_above, at_least, gather, normal, solve, solve_one,
    solve_sixteen, to_lanes, conjugate, subtract_products, add_scaled, count_columns, near_enough,
    add_eight, sgd};
// clang-format on

}  // namespace penchant
