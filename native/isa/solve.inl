// The solution of normal matrices: by one, by sixteen side by side, and in float64.

INLINE int vector_of(int k) { return k / EIGHT * EIGHT; }  // where the vector with element k begins

// to[j] -= factor · from[j] for j from the vector of `first`.
INLINE void subtract(double* to, const double* from, double factor, int first, int width) {
  for (int j = vector_of(first); j < width; j += EIGHT)
    store(to + j, load(to + j) - factor * load(from + j));
}

// Rows k to k + 3 of the factor, whose earlier rows have been subtracted.
bool factor_four(double* U, int k, int last, int width) {
  for (int i = k; i < last; ++i) {
    double* row = U + static_cast<std::int64_t>(i) * width;
    for (int m = k; m < i; ++m) {
      const double* above = U + static_cast<std::int64_t>(m) * width;
      subtract(row, above, above[i], i, width);
    }
    if (!(row[i] > 0)) return false;
    const double scale = 1 / __builtin_sqrt(row[i]);
    for (int j = vector_of(i); j < width; j += EIGHT) store(row + j, scale * load(row + j));
  }
  return true;
}

// Four finished rows subtracted from all rows below them.
void subtract_four(double* U, int k, int d, int width) {
  const double* a = U + static_cast<std::int64_t>(k) * width;
  const double *b = a + width, *c = b + width, *e = c + width;
  for (int i = k + 4; i < d; ++i) {
    double* row = U + static_cast<std::int64_t>(i) * width;
    const double at_a = a[i], at_b = b[i], at_c = c[i], at_e = e[i];
    for (int j = vector_of(i); j < width; j += EIGHT)
      store(row + j, load(row + j) - at_a * load(a + j) - at_b * load(b + j) - at_c * load(c + j) -
                         at_e * load(e + j));
  }
}

// Σ_j a[j] b[j] from the vector of `first` in eight interleaved sums, added in a fixed order.
INLINE double dot(const double* a, const double* b, int first, int width) {
  Doubles sums = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int j = vector_of(first); j < width; j += EIGHT) sums += load(a + j) * load(b + j);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

// Right-looking Cholesky A = UᵀU, four rows at a time: every inner loop runs along a row. A vector
// that holds the diagonal reaches into the lower half, which is finite and never used.
bool solve(double* A, int d, int width, double* b, double* x) {
  for (int k = 0; k < d; k += 4) {
    if (!factor_four(A, k, k + 4 < d ? k + 4 : d, width)) return false;
    if (k + 4 < d) subtract_four(A, k, d, width);
  }
  for (int k = 0; k < d; ++k) {  // Uᵀy = b; y into x, because the vector of k overwrites b[k]
    const double* row = A + static_cast<std::int64_t>(k) * width;
    const double y = b[k] / row[k];
    subtract(b, row, y, k, width);
    x[k] = y;
  }
  for (int k = 0; k < width; ++k) {
    b[k] = k < d ? x[k] : 0;
    x[k] = 0;
  }
  for (int k = d - 1; k >= 0; --k) {  // Ux = y; x is 0 up to k
    const double* row = A + static_cast<std::int64_t>(k) * width;
    x[k] = (b[k] - dot(row, x, k, width)) / row[k];
  }
  return true;
}

constexpr float WEAK =
    1e-4f;  // a pivot below this share of its diagonal has lost four digits of seven

INLINE int register_of(int k) { return k / WIDTH * WIDTH; }

// Some registers of rows i .. i + HIGH − 1 from column `left` on, less Σ_m above_m[row] · above_m
// for the rows m from `first` to `last`.
template <int HIGH, int BROAD>
INLINE void subtract_rows(float* A, int i, int first, int last, int width, int left) {
  const auto at = [&](int row, int v) {
    return A + static_cast<std::int64_t>(row) * width + left + v * WIDTH;
  };
  Register sums[HIGH][BROAD], above[BROAD];
  for (int r = 0; r < HIGH; ++r)
    for (int v = 0; v < BROAD; ++v) sums[r][v] = load_register(at(i + r, v));
  for (int m = first; m < last; ++m) {
    const float* factors = A + static_cast<std::int64_t>(m) * width + i;
    for (int v = 0; v < BROAD; ++v) above[v] = load_register(at(m, v));
    for (int r = 0; r < HIGH; ++r)
      for (int v = 0; v < BROAD; ++v) sums[r][v] = sums[r][v] - factors[r] * above[v];
  }
  for (int r = 0; r < HIGH; ++r)
    for (int v = 0; v < BROAD; ++v) store_register(at(i + r, v), sums[r][v]);
}

// The same for all columns from the register of i on.
template <int HIGH>
INLINE void subtract_above(float* A, int i, int first, int last, int width) {
  int left = register_of(i);
  for (; left + 4 * WIDTH <= width; left += 4 * WIDTH)
    subtract_rows<HIGH, 4>(A, i, first, last, width, left);
  const int rest = (width - left) / WIDTH;
  if (rest == 3) subtract_rows<HIGH, 3>(A, i, first, last, width, left);
  if (rest == 2) subtract_rows<HIGH, 2>(A, i, first, last, width, left);
  if (rest == 1) subtract_rows<HIGH, 1>(A, i, first, last, width, left);
}

// Row i of the factor, from which the rows above `top` have been subtracted already; the diagonal
// keeps its reciprocal. False if the pivot is weak beside what stood there at first.
INLINE bool factor_row(float* A, int i, int top, float before, int width) {
  float* row = A + static_cast<std::int64_t>(i) * width;
  subtract_above<1>(A, i, top, i, width);
  const bool strong = row[i] > WEAK * before;
  const float scale = 1 / __builtin_sqrtf(strong ? row[i] : 1.0f);
  for (int j = register_of(i); j < width; j += WIDTH)
    store_register(row + j, scale * load_register(row + j));
  row[i] = scale;
  return strong;
}

// A = UᵀU, four rows at a time (those beyond d are padding); every element is one chain of
// subtractions in the order of the rows above it, as in solve_sixteen. A register that holds the
// diagonal reaches into the lower half, which holds anything and is never used.
bool solve_one(float* A, int d, int width, float* x) {
  constexpr int HIGH = 4;
  bool strong = true;
  for (int top = 0; top < d; top += HIGH) {
    float before[HIGH];
    for (int r = 0; r < HIGH; ++r) before[r] = A[static_cast<std::int64_t>(top + r) * (width + 1)];
    subtract_above<HIGH>(A, top, 0, top, width);
    for (int r = 0; r < HIGH && top + r < d; ++r)
      strong &= factor_row(A, top + r, top, before[r], width);
  }
  if (!strong) return false;
  for (int k = 0; k < d; ++k) {  // Uᵀy = b
    const float* row = A + static_cast<std::int64_t>(k) * width;
    const float y = x[k] * row[k];
    x[k] = y;
    for (int j = k + 1; j < d; ++j) x[j] -= y * row[j];
  }
  for (int k = d - 1; k >= 0; --k) {  // Ux = y
    const float answer = x[k] * A[static_cast<std::int64_t>(k) * width + k];
    x[k] = answer;
    for (int j = 0; j < k; ++j) x[j] -= answer * A[static_cast<std::int64_t>(j) * width + k];
  }
  return true;
}

#if defined(__AVX512F__)
// 16 × 16 floats turned over.
INLINE void turn(__m512* r) {
  __m512 t[LANES];
  for (int i = 0; i < LANES; i += 4) {
    const __m512 a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
    const __m512 c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]),
                 e = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
    t[i] = _mm512_shuffle_ps(a, c, 0x44), t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm512_shuffle_ps(b, e, 0x44), t[i + 3] = _mm512_shuffle_ps(b, e, 0xee);
  }
  for (int i = 0; i < 4; ++i) {  // t[4 g + i] holds columns i, i + 4, i + 8, i + 12 of rows 4 g ..
    const __m512 a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88),
                 b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
    const __m512 c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88),
                 e = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
    r[i] = _mm512_shuffle_f32x4(a, c, 0x88), r[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
    r[i + 4] = _mm512_shuffle_f32x4(b, e, 0x88), r[i + 12] = _mm512_shuffle_f32x4(b, e, 0xdd);
  }
}
#endif

void to_lanes(const float* normals, int d, int width, float* A) {
  const std::int64_t size = static_cast<std::int64_t>(width) * width;
  for (int j = 0; j < d; ++j)
    for (int left = j / LANES * LANES; left < d; left += LANES) {
      const float* from = normals + static_cast<std::int64_t>(j) * width + left;
      const int last = left + LANES < d ? left + LANES : d;
#if defined(__AVX512F__)
      __m512 tile[LANES];
      for (int lane = 0; lane < LANES; ++lane) tile[lane] = _mm512_loadu_ps(from + lane * size);
      turn(tile);
      for (int i = j > left ? j : left; i < last; ++i)
        _mm512_storeu_ps(A + (static_cast<std::int64_t>(i) * (i + 1) / 2 + j) * LANES,
                         tile[i - left]);
#else
      for (int i = j > left ? j : left; i < last; ++i)
        for (int lane = 0; lane < LANES; ++lane)
          A[(static_cast<std::int64_t>(i) * (i + 1) / 2 + j) * LANES + lane] =
              from[lane * size + i - left];
#endif
    }
}

INLINE float* lanes_at(float* A, int i, int j) {
  return A + (static_cast<std::int64_t>(i) * (i + 1) / 2 + j) * LANES;
}

// L[i][j] for rows i.. and columns j.. of a block, without what lies inside the block: A − Σ_{k <
// first} L[i][k] L[j][k].
template <int HIGH, int BROAD>
INLINE void subtract_block(float* A, int i, int j, int first) {
  Register sums[HIGH][BROAD];
  for (int a = 0; a < HIGH; ++a)
    for (int b = 0; b < BROAD; ++b) sums[a][b] = load_register(lanes_at(A, i + a, j + b));
  for (int k = 0; k < first; ++k) {
    Register right[BROAD];
    for (int b = 0; b < BROAD; ++b) right[b] = load_register(lanes_at(A, j + b, k));
    for (int a = 0; a < HIGH; ++a) {
      const Register left = load_register(lanes_at(A, i + a, k));
      for (int b = 0; b < BROAD; ++b) sums[a][b] = sums[a][b] - left * right[b];
    }
  }
  for (int a = 0; a < HIGH; ++a)
    for (int b = 0; b < BROAD; ++b) store_register(lanes_at(A, i + a, j + b), sums[a][b]);
}

// Columns [j, j + broad) of rows from i, given that everything left of j is done.
template <int BROAD>
INLINE void block_rows(float* A, int d, int i, int j) {
  for (; i + LANE_ROWS <= d; i += LANE_ROWS) subtract_block<LANE_ROWS, BROAD>(A, i, j, j);
  for (; i < d; ++i) subtract_block<1, BROAD>(A, i, j, j);
}

// 16 lanes are worked on a register's worth at a time.
INLINE std::uint32_t solve_lanes(float* A, int d, float* x) {
  Register weak = {};
  for (int j = 0; j < d; j += LANE_ROWS) {
    const int broad = j + LANE_ROWS <= d ? LANE_ROWS : d - j;
    for (int i = j; i < j + broad; ++i) {  // the block on the diagonal, row by row
      const Register before = load_register(lanes_at(A, i, i));
      for (int c = j; c <= i; ++c) {
        Register sum = load_register(lanes_at(A, i, c));
        for (int k = 0; k < c; ++k)
          sum = sum - load_register(lanes_at(A, i, k)) * load_register(lanes_at(A, c, k));
        if (c < i) sum = load_register(lanes_at(A, c, c)) * sum;
        store_register(lanes_at(A, i, c), sum);
      }
      const Register pivot = load_register(lanes_at(A, i, i));
      const auto lost = !(pivot > WEAK * before);
      weak = lost ? Register{} + 1 : weak;
      Register scale;
      const Register safe = lost ? Register{} + 1 : pivot;
      for (int lane = 0; lane < WIDTH; ++lane) scale[lane] = __builtin_sqrtf(safe[lane]);
      store_register(lanes_at(A, i, i), 1 / scale);
    }
    if (broad == LANE_ROWS)
      block_rows<LANE_ROWS>(A, d, j + broad, j);
    else
      for (int c = j; c < j + broad; ++c) block_rows<1>(A, d, j + broad, c);
    for (int i = j + broad; i < d; ++i)  // what lies inside the block
      for (int c = j; c < j + broad; ++c) {
        Register sum = load_register(lanes_at(A, i, c));
        for (int k = j; k < c; ++k)
          sum = sum - load_register(lanes_at(A, i, k)) * load_register(lanes_at(A, c, k));
        store_register(lanes_at(A, i, c), load_register(lanes_at(A, c, c)) * sum);
      }
  }
  for (int i = 0; i < d; ++i) {  // Ly = b
    Register y = load_register(x + i * LANES);
    for (int k = 0; k < i; ++k)
      y = y - load_register(x + k * LANES) * load_register(lanes_at(A, i, k));
    store_register(x + i * LANES, y * load_register(lanes_at(A, i, i)));
  }
  for (int i = d - 1; i >= 0; --i) {  // Lᵀx = y
    Register y = load_register(x + i * LANES);
    for (int k = d - 1; k > i; --k)
      y = y - load_register(x + k * LANES) * load_register(lanes_at(A, k, i));
    store_register(x + i * LANES, y * load_register(lanes_at(A, i, i)));
  }
  std::uint32_t bits = 0;
  for (int lane = 0; lane < WIDTH; ++lane)
    bits |= static_cast<std::uint32_t>(weak[lane] > 0) << lane;
  return bits;
}

std::uint32_t solve_sixteen(float* A, int d, float* x) {
  std::uint32_t weak = 0;
  for (int lane = 0; lane < LANES; lane += WIDTH)
    weak |= solve_lanes(A + lane, d, x + lane) << lane;
  return weak;
}
