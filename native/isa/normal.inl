// Normal matrices: vectors copied side by side, and the sums of their products.

// Some registers of each row, from component `at` on; PLAIN rows have weights and targets of 1.
template <int REGISTERS, bool PLAIN>
INLINE void gather_some(const float* items, int d, const int width, const std::int32_t* ids,
                        const float* weights, const float* targets, int n, std::int64_t ahead,
                        float* rows, float* weighted, double* right, const int at) {
  Register sums[REGISTERS] = {};
  const std::int64_t most = n + ahead < EARLY ? 0 : n + ahead - EARLY;
  for (int e = 0; e < n; ++e) {
    const float* soon = items + static_cast<std::int64_t>(ids[e < most ? e + EARLY : e]) * d + at;
    for (int k = 0; k < REGISTERS * WIDTH; k += LANES) __builtin_prefetch(soon + k, 0, 2);
    const float* v = items + static_cast<std::int64_t>(ids[e]) * d + at;
    const std::int64_t to = static_cast<std::int64_t>(e) * width + at;
    const float weight = PLAIN || weights == nullptr ? 1.0f : weights[e];
    const float pull = PLAIN || targets == nullptr ? weight : weight * targets[e];
    for (int k = 0; k < REGISTERS; ++k) {
      const Register part = load_register(v + k * WIDTH);
      store_register(rows + to + k * WIDTH, part);
      sums[k] += PLAIN ? part : pull * part;
      if (!PLAIN && weighted != nullptr) store_register(weighted + to + k * WIDTH, weight * part);
    }
  }
  float total[REGISTERS * WIDTH];
  for (int k = 0; k < REGISTERS; ++k) store_register(total + k * WIDTH, sums[k]);
  int k = 0;
  for (; k + EIGHT <= REGISTERS * WIDTH; k += EIGHT)
    store(right + at + k, load(right + at + k) + widened(total + k));
  for (; k < REGISTERS * WIDTH; ++k) right[at + k] += static_cast<double>(total[k]);
}

template <bool PLAIN>
INLINE void gather_rows(const float* items, const int d, const int width, const std::int32_t* ids,
                        const float* weights, const float* targets, int n, std::int64_t ahead,
                        float* rows, float* weighted, double* right) {
  int at = 0;
  for (; at + 8 * WIDTH <= d; at += 8 * WIDTH)
    gather_some<8, PLAIN>(items, d, width, ids, weights, targets, n, ahead, rows, weighted, right,
                          at);
  for (; at + 4 * WIDTH <= d; at += 4 * WIDTH)
    gather_some<4, PLAIN>(items, d, width, ids, weights, targets, n, ahead, rows, weighted, right,
                          at);
  for (; at + WIDTH <= d; at += WIDTH)
    gather_some<1, PLAIN>(items, d, width, ids, weights, targets, n, ahead, rows, weighted, right,
                          at);
  for (; at < d; ++at)
    for (int e = 0; e < n; ++e) {
      const std::int64_t to = static_cast<std::int64_t>(e) * width + at;
      const float weight = weights != nullptr ? weights[e] : 1.0f;
      const float part = items[static_cast<std::int64_t>(ids[e]) * d + at];
      rows[to] = part;
      if (weighted != nullptr) weighted[to] = weight * part;
      right[at] += static_cast<double>(targets != nullptr ? weight * targets[e] : weight) * part;
    }
}

void gather(const float* items, int d, int width, const std::int32_t* ids, const float* weights,
            const float* targets, int n, std::int64_t ahead, float* rows, float* weighted,
            double* right) {
  if (weights == nullptr && targets == nullptr) {
    if (d == 64 && width == 64)
      gather_rows<true>(items, 64, 64, ids, weights, targets, n, ahead, rows, nullptr, right);
    else
      gather_rows<true>(items, d, width, ids, weights, targets, n, ahead, rows, nullptr, right);
  } else {
    gather_rows<false>(items, d, width, ids, weights, targets, n, ahead, rows,
                       weights == nullptr ? nullptr : weighted, right);
  }
}

// Where a tile's sums begin and go, and the line of each vector of `soon` it asks for.
struct TileOf {
  const float *rows, *weighted, *before;
  float* out;
  int n, stride, width;
  const Soon& soon;
  int line;

  INLINE int at(int i, int j) const { return i * width + j; }
  INLINE void ask(int r) const {
    __builtin_prefetch(soon.items + static_cast<std::int64_t>(soon.ids[r]) * soon.d + line, 0, 2);
  }
};

// A tile of NORMAL_ROWS rows and a number of registers wide, before which half a register may
// stand: eight columns of which the first half would lie below the diagonal.
template <int VECTORS, bool HALF>
INLINE void normal_tile(const TileOf& t, int top, int left) {
  const int full = left + (HALF ? EIGHT : 0), wanted = t.line < t.soon.d ? t.soon.n : 0;
  Register tile[NORMAL_ROWS][VECTORS + 1];  // the last is not used: no array is empty
  EightFloats half[NORMAL_ROWS];
  for (int i = 0; i < NORMAL_ROWS; ++i) {
    if (HALF) half[i] = load_eight(t.before + t.at(top + i, left));
    for (int v = 0; v < VECTORS; ++v)
      tile[i][v] = load_register(t.before + t.at(top + i, full + WIDTH * v));
  }
  for (int r = 0; r < t.n; ++r) {
    if (r < wanted) t.ask(r);
    const float* weight = t.weighted + static_cast<std::int64_t>(r) * t.stride + top;
    const float* row = t.rows + static_cast<std::int64_t>(r) * t.stride;
    EightFloats first;
    Register part[VECTORS + 1];
    if (HALF) first = load_eight(row + left);
    for (int v = 0; v < VECTORS; ++v) part[v] = load_register(row + full + WIDTH * v);
    for (int i = 0; i < NORMAL_ROWS; ++i) {
      if (HALF) half[i] += weight[i] * first;
      for (int v = 0; v < VECTORS; ++v) tile[i][v] += weight[i] * part[v];
    }
  }
  for (int i = 0; i < NORMAL_ROWS; ++i) {
    if (HALF) store_eight(t.out + t.at(top + i, left), half[i]);
    for (int v = 0; v < VECTORS; ++v)
      store_register(t.out + t.at(top + i, full + WIDTH * v), tile[i][v]);
  }
}

void normal(const float* rows, const float* weighted, int n, int stride, int width,
            const float* before, float* out, const Soon& soon) {
  TileOf t{rows, weighted, before, out, n, stride, width, soon, 0};
  for (int top = 0; top < width; top += NORMAL_ROWS) {
    int left = top / EIGHT * EIGHT;
    if (WIDTH > EIGHT && left % WIDTH != 0) {
      const bool one = (width - left) / WIDTH > 0;
      one ? normal_tile<1, true>(t, top, left) : normal_tile<0, true>(t, top, left);
      left += EIGHT + (one ? WIDTH : 0);
      t.line += LANES;
    }
    for (; left < width; t.line += LANES) {
      const int rest = (width - left) / WIDTH;
      const int vectors = rest == 4 || rest == 2 ? 2 : rest >= 3 ? 3 : 1;
      if (vectors == 3) normal_tile<3, false>(t, top, left);
      if (vectors == 2) normal_tile<2, false>(t, top, left);
      if (vectors == 1) normal_tile<1, false>(t, top, left);
      left += vectors * WIDTH;
    }
  }
}
