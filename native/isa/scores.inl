// Scores of up to six queries against a panel of 64 items, and which of them reach a threshold.

// Bits of the lanes that are at least the threshold.
INLINE std::uint64_t reached(Register scores, float threshold) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)scores, _mm512_set1_ps(threshold), _CMP_GE_OQ);
#elif defined(__AVX2__)
  return static_cast<unsigned>(
      _mm256_movemask_ps(_mm256_cmp_ps((__m256)scores, _mm256_set1_ps(threshold), _CMP_GE_OQ)));
#elif defined(__x86_64__)
  return static_cast<unsigned>(
      _mm_movemask_ps(_mm_cmpge_ps((__m128)scores, _mm_set1_ps(threshold))));
#else
  std::uint64_t bits = 0;
  for (int lane = 0; lane < WIDTH; ++lane)
    bits |= static_cast<std::uint64_t>(scores[lane] >= threshold) << lane;
  return bits;
#endif
}

std::uint64_t at_least(const float* scores, float threshold) {
  std::uint64_t bits = 0;
  for (int i = 0; i < PANEL; i += WIDTH) bits |= reached(load_register(scores + i), threshold) << i;
  return bits;
}

// The sums of n queries over some columns of a panel, handed to `use(q, first column, sums)`.
template <class Use>
INLINE void score_group(const float* queries, const int n, int d, const float* panel,
                        const float* start, Use use) {
  for (int left = 0; left < PANEL; left += SCORE_VECTORS * WIDTH) {
    Register sums[GROUP][SCORE_VECTORS];
    for (int q = 0; q < n; ++q)
      for (int v = 0; v < SCORE_VECTORS; ++v) sums[q][v] = load_register(start + left + WIDTH * v);
    for (int k = 0; k < d; ++k) {
      const float* row = panel + static_cast<std::int64_t>(k) * PANEL + left;
      Register items[SCORE_VECTORS];
      for (int v = 0; v < SCORE_VECTORS; ++v) items[v] = load_register(row + WIDTH * v);
      for (int q = 0; q < n; ++q) {
        const float weight = queries[static_cast<std::int64_t>(q) * d + k];
        for (int v = 0; v < SCORE_VECTORS; ++v) sums[q][v] += weight * items[v];
      }
    }
    for (int q = 0; q < n; ++q) use(q, left, sums[q]);
  }
}

struct Keep {
  float* out;
  INLINE void operator()(int q, int left, const Register* sums) const {
    for (int v = 0; v < SCORE_VECTORS; ++v)
      store_register(out + q * PANEL + left + WIDTH * v, sums[v]);
  }
};

struct KeepAbove {
  const float* thresholds;
  const std::uint64_t* eligible;
  std::uint64_t* found;
  float* out;
  INLINE void operator()(int q, int left, const Register* sums) const {
    std::uint64_t bits = 0;
    for (int v = 0; v < SCORE_VECTORS; ++v)
      bits |= reached(sums[v], thresholds[q]) << (left + WIDTH * v);
    bits &= eligible[q];
    if (bits == 0) return;
    found[q] |= bits;
    for (int v = 0; v < SCORE_VECTORS; ++v)
      store_register(out + q * PANEL + left + WIDTH * v, sums[v]);
  }
};

template <class Use>
INLINE void score_some(const float* queries, int n, int d, const float* panel, const float* start,
                       Use use) {
  switch (n) {  // a constant count keeps all sums in registers
    case 1:
      return score_group(queries, 1, d, panel, start, use);
    case 2:
      return score_group(queries, 2, d, panel, start, use);
    case 3:
      return score_group(queries, 3, d, panel, start, use);
    case 4:
      return score_group(queries, 4, d, panel, start, use);
    case 5:
      return score_group(queries, 5, d, panel, start, use);
    default:
      return score_group(queries, 6, d, panel, start, use);
  }
}

void score(const float* queries, int n, int d, const float* panel, const float* start, float* out) {
  score_some(queries, n, d, panel, start, Keep{out});
}

bool score_above(const float* queries, int n, int d, const float* panel, const float* start,
                 const float* thresholds, std::uint64_t* eligible, float* out) {
  std::uint64_t found[GROUP] = {}, any = 0;
  score_some(queries, n, d, panel, start, KeepAbove{thresholds, eligible, found, out});
  for (int q = 0; q < n; ++q) any |= eligible[q] = found[q];
  return any != 0;
}
