// The inner loop of dense products, compiled once per level; see level.cpp for what must not be
// used here.
#include "dense.hpp"

namespace penchant {
namespace {

// Of a register, and a tile whose sums fill most registers and reuse each load most.
#if defined(__AVX512F__)
constexpr int BYTES = 64, ROWS = 6, VECTORS = 4;
#elif defined(__AVX2__)
constexpr int BYTES = 32, ROWS = 4, VECTORS = 3;
#else
constexpr int BYTES = 16, ROWS = 3, VECTORS = 4;
#endif
typedef float Floats __attribute__((vector_size(BYTES)));
typedef double Doubles __attribute__((vector_size(BYTES)));

template <class T, class Vector>
struct Tile {
  static constexpr int WIDTH = sizeof(Vector) / sizeof(T);

  // A row of c is on its way while the sums are made; it may begin amid a cache line.
  static void prefetch(const T* row) {
    for (int v = 0; v < VECTORS; ++v) __builtin_prefetch(row + WIDTH * v, 1);
    __builtin_prefetch(row + WIDTH * VECTORS - 1, 1);
  }

  static void subtract(std::int64_t n, const T* a, std::int64_t a_step, const T* b,
                       std::int64_t b_step, T* c, std::int64_t c_step) {
    for (int i = 0; i < ROWS; ++i) prefetch(c + i * c_step);
    Vector sums[ROWS][VECTORS];
    for (int i = 0; i < ROWS; ++i)
      for (int v = 0; v < VECTORS; ++v) sums[i][v] = Vector{};
    for (std::int64_t k = 0; k < n; ++k, a += a_step, b += b_step) {
      Vector row[VECTORS];
      for (int v = 0; v < VECTORS; ++v) __builtin_memcpy(&row[v], b + WIDTH * v, sizeof(Vector));
      for (int i = 0; i < ROWS; ++i)
        for (int v = 0; v < VECTORS; ++v) sums[i][v] += a[i] * row[v];
    }
    for (int i = 0; i < ROWS; ++i)
      for (int v = 0; v < VECTORS; ++v) {
        Vector old;
        __builtin_memcpy(&old, c + i * c_step + WIDTH * v, sizeof(Vector));
        old -= sums[i][v];
        __builtin_memcpy(c + i * c_step + WIDTH * v, &old, sizeof(Vector));
      }
  }

  static constexpr DenseTile<T> table() { return {ROWS, VECTORS * WIDTH, subtract}; }
};

using FloatTile = Tile<float, Floats>;
using DoubleTile = Tile<double, Doubles>;

}  // namespace

#define JOINED(a, b) a##b
#define LEVEL_NAME(level) JOINED(dense_, level)
extern const Dense LEVEL_NAME(PENCHANT_LEVEL);
const Dense LEVEL_NAME(PENCHANT_LEVEL) = {FloatTile::table(), DoubleTile::table()};

}  // namespace penchant
