// Coordinate descent: each step is one addition of a row to the residual, as wide as registers are.
//
// As in level.cpp: static functions on raw pointers, nothing of the standard library.
#include "columns.hpp"

namespace penchant {
namespace {

#define INLINE inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int WIDTH = 16;
#elif defined(__AVX2__)
constexpr int WIDTH = 8;
#else
constexpr int WIDTH = 4;
#endif
typedef float Register __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef std::int32_t Wholes __attribute__((vector_size(4 * WIDTH)));
typedef std::uint16_t Counts __attribute__((vector_size(2 * WIDTH), aligned(2), may_alias));

INLINE Register load(const float* at) { return *reinterpret_cast<const Register*>(at); }
INLINE Register load(const std::uint16_t* at) {
  const Wholes whole = __builtin_convertvector(*reinterpret_cast<const Counts*>(at), Wholes);
  return __builtin_convertvector(whole, Register);
}
INLINE void store(float* at, Register value) { *reinterpret_cast<Register*>(at) = value; }

template <class Cell>
INLINE void subtract_row(float* to, const Cell* from, float factor, std::int64_t width) {
  for (std::int64_t k = 0; k < width; k += LANES)
    for (int lane = 0; lane < LANES; lane += WIDTH)
      store(to + k + lane, load(to + k + lane) - factor * load(from + k + lane));
}

void subtract(float* to, const float* from, float factor, std::int64_t width) {
  subtract_row(to, from, factor, width);
}

void subtract_counts(float* to, const std::uint16_t* from, float factor, std::int64_t width) {
  subtract_row(to, from, factor, width);
}

// A number pulled towards 0 by l1; below 0 only where that is allowed.
INLINE float shrunk(float z, float l1, bool positive) {
  if (z > l1) return z - l1;
  return !positive && z < -l1 ? z + l1 : 0.0f;
}

bool descend(const System& s, float tolerance, int most, float* w, float* r) {
  for (int round = 0; round < most; ++round) {
    float largest = 0;
    for (int i = 0; i < s.n; ++i) {
      const float* row = s.M + static_cast<std::int64_t>(i) * s.width;
      const float moved = shrunk(r[i] + row[i] * w[i], s.l1, s.positive) * s.inverse[i];
      const float step = moved - w[i], size = step < 0 ? -step : step;
      if (size == 0) continue;
      w[i] = moved;
      subtract_row(r, row, step, s.width);
      if (size > largest) largest = size;
    }
    if (largest <= tolerance) return true;
  }
  return false;
}

}  // namespace

#define JOINED(a, b) a##b
#define TABLE_NAME(level) JOINED(columns_, level)
extern const ColumnLoops TABLE_NAME(PENCHANT_LEVEL);
const ColumnLoops TABLE_NAME(PENCHANT_LEVEL) = {descend, subtract, subtract_counts};

}  // namespace penchant
