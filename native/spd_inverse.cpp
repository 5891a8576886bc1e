// spd_inverse: blocks of pivots swept one after another, the whole lower half updated at each.
//
// Sweeping the pivots K of a symmetric A (Gauss-Jordan in place) leaves, with D = A_KK:
//   A_IJ − A_IK D⁻¹ A_KJ elsewhere,  A_IK D⁻¹ beside K,  −D⁻¹ at K;
// once all are swept, A is −A⁻¹ (A. E. Beaton, "The use of special matrix operators in statistical
// calculus", 1964; J. H. Goodnight, "A tutorial on the SWEEP operator", 1979). D = LLᵀ and X = L⁻¹
// give Y = A_IK Xᵀ, then A_IJ − Y_I Y_Jᵀ and YX, so an element costs one sum over a block at each
// sweep, and the remaining pivots are those of a Cholesky factorisation.
#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <utility>

#include "isa/dense.hpp"
#include "kernels.hpp"
#include "mirror.hpp"

namespace penchant {
namespace {

constexpr i64 BLOCK =
    192;  // pivots swept at once: a multiple of the rows and columns of every tile
constexpr i64 AREA = BLOCK * BLOCK;
constexpr i64 MOST = 512;  // elements of the largest tile

template <class T>
class Sweep {
 public:
  Sweep(T* A, i64 n, const DenseTile<T>& tile, int workers)
      : A_(A),
        n_(n),
        blocks_((n + BLOCK - 1) / BLOCK),
        tile_(tile),
        rows_(room(blocks_ * AREA)),
        columns_(room(blocks_ * AREA)),
        upper_(room(AREA)),
        X_(room(AREA)),
        Xt_(room(AREA)) {
    for (int worker = 0; worker < workers; ++worker) scratch_.push_back(room(AREA));
  }

  // The first row whose pivot is not positive, -1 if all are, -2 if stopped.
  i64 run(const Run& run) {
    if (n_ == 0) return -1;
    i64 failed = factor(0);
    std::vector<std::pair<i64, i64>> pairs;
    for (i64 K = 0; K < blocks_ && failed < 0; ++K) {
      if (!parallel(blocks_, run, [&](i64 I, int worker) {
            if (I != K) beside(I, K, scratch_[static_cast<std::size_t>(worker)].get());
          }))
        return -2;
      at_pivots(K);
      pairs.clear();  // the next pivots first: they are factored while the others are updated
      if (K + 1 < blocks_) pairs.emplace_back(K + 1, K + 1);
      for (i64 I = 0; I < blocks_; ++I)
        for (i64 J = 0; J <= I; ++J)
          if (I != K && J != K && !(I == K + 1 && J == K + 1)) pairs.emplace_back(I, J);
      if (!parallel(static_cast<i64>(pairs.size()), run, [&](i64 chunk, int) {
            const auto [I, J] = pairs[static_cast<std::size_t>(chunk)];
            elsewhere(I, J);
            if (chunk == 0 && I == K + 1) failed = factor(K + 1);
          }))
        return -2;
    }
    if (failed >= 0) return failed;
    return mirror(A_, n_, run, [](T swept) { return 0 - swept; }) ? -1 : -2;
  }

 private:
  using Room = std::unique_ptr<T[], void (*)(T*)>;

  static Room room(i64 size) {  // zeros, each vector in one cache line
    constexpr std::align_val_t LINE{64};
    auto* at = static_cast<T*>(::operator new[](static_cast<std::size_t>(size) * sizeof(T), LINE));
    std::fill(at, at + size, T{0});
    return {at, [](T* p) { ::operator delete[](p, LINE); }};
  }

  i64 size(i64 block) const { return std::min(BLOCK, n_ - block * BLOCK); }
  T* at(i64 I, i64 J) const { return A_ + I * BLOCK * n_ + J * BLOCK; }
  // −Y_Iᵀ cut for the tiles' rows, and for their columns: one strip of k, element after another.
  T* row_strip(i64 I, i64 i) const { return rows_.get() + I * AREA + i * BLOCK; }
  T* column_strip(i64 I, i64 j) const { return columns_.get() + I * AREA + j * BLOCK; }

  // c -= aᵀb; what lies outside of [rows, columns] is left alone.
  void subtract(i64 depth, const T* a, i64 a_step, const T* b, i64 b_step, T* c, i64 c_step,
                i64 rows, i64 columns) const {
    if (rows >= tile_.rows && columns >= tile_.columns)
      return tile_.subtract(depth, a, a_step, b, b_step, c, c_step);
    T edge[MOST] = {};
    tile_.subtract(depth, a, a_step, b, b_step, edge, tile_.columns);
    for (i64 i = 0; i < std::min<i64>(rows, tile_.rows); ++i)
      for (i64 j = 0; j < std::min<i64>(columns, tile_.columns); ++j)
        c[i * c_step + j] += edge[i * tile_.columns + j];
  }

  // X = L⁻¹ and its transpose, where LLᵀ = A_KK, which goes on as an identity where the matrix
  // ends. Lᵀ and X are made a tile's rows at a time: what the rows above take away first.
  i64 factor(i64 K) {
    T *U = upper_.get(), *X = X_.get(), *Xt = Xt_.get();
    const i64 valid = size(K), wide = tile_.columns;
    for (i64 i = 0; i < BLOCK; ++i)
      for (i64 j = 0; j < BLOCK; ++j) {
        U[i * BLOCK + j] = j < i ? 0 : j < valid ? at(K, K)[j * n_ + i] : i == j;
        X[i * BLOCK + j] = i == j;
      }
    for (i64 top = 0; top < BLOCK; top += tile_.rows) {
      T *U_rows = U + top * BLOCK, *X_rows = X + top * BLOCK;
      for (i64 left = top / wide * wide; left < BLOCK; left += wide)
        tile_.subtract(top, U + top, BLOCK, U + left, BLOCK, U_rows + left, BLOCK);
      for (i64 left = 0; left < top; left += wide)
        tile_.subtract(top, U + top, BLOCK, X + left, BLOCK, X_rows + left, BLOCK);
      for (i64 i = top; i < top + tile_.rows; ++i)
        if (!finish_row(U, X, top, i)) return K * BLOCK + i;
    }
    for (i64 i = 0; i < BLOCK; ++i)
      for (i64 j = 0; j < BLOCK; ++j) Xt[j * BLOCK + i] = X[i * BLOCK + j];
    return -1;
  }

  // Row i after the rows from `top` on; false if its pivot is not positive.
  static bool finish_row(T* U, T* X, i64 top, i64 i) {
    T *u = U + i * BLOCK, *x = X + i * BLOCK;
    for (i64 m = top; m < i; ++m) {
      const T *above = U + m * BLOCK, *x_above = X + m * BLOCK;
      const T factor = above[i];
      for (i64 j = i; j < BLOCK; ++j) u[j] -= factor * above[j];
      for (i64 j = 0; j <= m; ++j) x[j] -= factor * x_above[j];
    }
    if (!(u[i] > 0 && std::isfinite(u[i]))) return false;
    const T scale = 1 / std::sqrt(u[i]);
    std::fill(u, u + i, T{0});  // a tile may have reached there
    for (i64 j = i; j < BLOCK; ++j) u[j] *= scale;
    for (i64 j = 0; j <= i; ++j) x[j] *= scale;
    return true;
  }

  // A_IK becomes YX.
  void beside(i64 I, i64 K, T* W) const {
    take(I, K, W);
    multiply(I, W);
    if (I < K)
      write_above(I, K);
    else
      write_below(I, K);
  }

  // A_IKᵀ in strips for a tile's columns; zeros where the matrix ends.
  void take(i64 I, i64 K, T* W) const {
    const i64 wide = tile_.columns, rows = size(I), pivots = size(K);
    if (rows < BLOCK || pivots < BLOCK) std::fill_n(W, AREA, T{0});
    for (i64 left = 0; left < rows; left += wide) {
      T* to = W + left * BLOCK;
      const i64 here = std::min(rows - left, wide);
      if (I < K)  // it lies in the rows of K
        for (i64 k = 0; k < pivots; ++k) std::copy_n(at(K, I) + k * n_ + left, here, to + k * wide);
      else
        for (i64 i = 0; i < here; ++i)
          for (i64 k = 0; k < pivots; ++k) to[k * wide + i] = at(I, K)[(left + i) * n_ + k];
    }
  }

  // The strips of −Y_Iᵀ = −X A_IKᵀ, first for columns, then for rows.
  void multiply(i64 I, const T* W) const {
    const i64 tall = tile_.rows, wide = tile_.columns;
    std::fill_n(column_strip(I, 0), AREA, T{0});
    for (i64 left = 0; left < size(I); left += wide)
      for (i64 k = 0; k < BLOCK; k += tall)  // X is 0 beyond its diagonal
        tile_.subtract(k + tall, Xt_.get() + k, BLOCK, W + left * BLOCK, wide,
                       column_strip(I, left) + k * wide, wide);
    for (i64 i = 0; i < BLOCK; ++i) {
      const T* from = column_strip(I, i / wide * wide) + i % wide;
      T* to = row_strip(I, i / tall * tall) + i % tall;
      for (i64 k = 0; k < BLOCK; ++k) to[k * tall] = from[k * wide];
    }
  }

  // XᵀYᵀ where A_KI lies.
  void write_above(i64 I, i64 K) const {
    const i64 wide = tile_.columns, rows = size(I), pivots = size(K);
    for (i64 k = 0; k < pivots; ++k) std::fill_n(at(K, I) + k * n_, rows, T{0});
    for (i64 left = 0; left < rows; left += wide)
      for (i64 k = 0; k < pivots; k += tile_.rows)
        subtract(BLOCK - k, X_.get() + k * BLOCK + k, BLOCK, column_strip(I, left) + k * wide, wide,
                 at(K, I) + k * n_ + left, n_, pivots - k, rows - left);
  }

  // YX where A_IK lies.
  void write_below(i64 I, i64 K) const {
    const i64 tall = tile_.rows, rows = size(I), pivots = size(K);
    for (i64 i = 0; i < rows; ++i) std::fill_n(at(I, K) + i * n_, pivots, T{0});
    for (i64 left = 0; left < pivots; left += tile_.columns)
      for (i64 i = 0; i < rows; i += tall)
        subtract(BLOCK - left, row_strip(I, i) + left * tall, tall, X_.get() + left * BLOCK + left,
                 BLOCK, at(I, K) + i * n_ + left, n_, rows - i, pivots - left);
  }

  // A_KK becomes −XᵀX.
  void at_pivots(i64 K) const {
    const i64 pivots = size(K);
    for (i64 i = 0; i < pivots; ++i) std::fill_n(at(K, K) + i * n_, pivots, T{0});
    for (i64 i = 0; i < pivots; i += tile_.rows)
      for (i64 left = 0; left < i + tile_.rows && left < pivots; left += tile_.columns) {
        const i64 first = std::max(i, left);
        subtract(BLOCK - first, X_.get() + first * BLOCK + i, BLOCK,
                 X_.get() + first * BLOCK + left, BLOCK, at(K, K) + i * n_ + left, n_, pivots - i,
                 pivots - left);
      }
  }

  // A_IJ − Y_I Y_Jᵀ, at I = J no farther than the tiles of the diagonal.
  void elsewhere(i64 I, i64 J) const {
    const i64 tall = tile_.rows, wide = tile_.columns, rows = size(I), columns = size(J);
    for (i64 left = 0; left < columns; left += wide)
      for (i64 i = I == J ? left / tall * tall : 0; i < rows; i += tile_.rows)
        subtract(BLOCK, row_strip(I, i), tall, column_strip(J, left), wide,
                 at(I, J) + i * n_ + left, n_, rows - i, columns - left);
  }

  T* A_;
  i64 n_, blocks_;
  const DenseTile<T>& tile_;
  Room rows_, columns_, upper_, X_, Xt_;
  std::vector<Room> scratch_;  // strips of A_IK, per worker
};

}  // namespace

i64 spd_inverse(float* A, i64 n, const Run& run) {
  return Sweep<float>(A, n, dense().floats, std::max(run.threads, 1)).run(run);
}

i64 spd_inverse(double* A, i64 n, const Run& run) {
  return Sweep<double>(A, n, dense().doubles, std::max(run.threads, 1)).run(run);
}

}  // namespace penchant
