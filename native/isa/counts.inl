// Which of many columns many rows of bits have in common: vertical counters, and scores worth a
// second look.

typedef std::uint64_t Bits __attribute__((vector_size(64), aligned(8), may_alias));

INLINE Bits load_bits(const std::uint64_t* at) { return *reinterpret_cast<const Bits*>(at); }
INLINE void store_bits(std::uint64_t* at, Bits value) { *reinterpret_cast<Bits*>(at) = value; }

// sum and carry of three bits a lane.
INLINE Bits carried(Bits& sum, Bits a, Bits b) {
#if defined(__AVX512F__)
  const __m512i s = (__m512i)sum, x = (__m512i)a, y = (__m512i)b;
  sum = (Bits)_mm512_ternarylogic_epi64(s, x, y, 0x96);
  return (Bits)_mm512_ternarylogic_epi64(s, x, y, 0xe8);
#else
  const Bits either = sum ^ a, carry = (sum & a) | (either & b);
  sum = either ^ b;
  return carry;
#endif
}

constexpr int PLANES = 32;  // counts stay below 2^32
constexpr int WORDS = 8;    // of one strip of 512 columns
constexpr int STRIPS = 16;  // at most, of one call

// One more strip's bits of sixteen rows into its counters: planes[p] holds bit p of 512 counts.
INLINE void count_sixteen(const std::uint64_t* const* rows, std::int64_t at,
                          std::uint64_t* planes) {
  Bits ones = load_bits(planes), twos = load_bits(planes + WORDS),
       fours = load_bits(planes + 2 * WORDS), eights = load_bits(planes + 3 * WORDS), second[2],
       fourth[2], eighth[2];
  for (int half = 0; half < 2; ++half) {
    for (int quarter = 0; quarter < 2; ++quarter) {
      const std::uint64_t* const* four = rows + 8 * half + 4 * quarter;
      second[0] = carried(ones, load_bits(four[0] + at), load_bits(four[1] + at));
      second[1] = carried(ones, load_bits(four[2] + at), load_bits(four[3] + at));
      fourth[quarter] = carried(twos, second[0], second[1]);
    }
    eighth[half] = carried(fours, fourth[0], fourth[1]);
  }
  Bits carry = carried(eights, eighth[0], eighth[1]);
  store_bits(planes, ones);
  store_bits(planes + WORDS, twos);
  store_bits(planes + 2 * WORDS, fours);
  store_bits(planes + 3 * WORDS, eights);
  for (int p = 4; p < PLANES; ++p) {
    const Bits plane = load_bits(planes + p * WORDS), both = plane & carry;
    store_bits(planes + p * WORDS, plane ^ carry);
    carry = both;
    std::uint64_t any = 0;
    for (int word = 0; word < WORDS; ++word) any |= carry[word];
    if (any == 0) return;
  }
}

// The counters of a strip as numbers.
INLINE void expand(const std::uint64_t* planes, int used, std::int32_t* counts) {
  for (int column = 0; column < 64 * WORDS; column += 16) {
#if defined(__AVX512F__)
    __m512i sum = _mm512_setzero_si512();
    for (int p = 0; p < used; ++p) {
      const auto mask = static_cast<__mmask16>(planes[p * WORDS + column / 64] >> (column % 64));
      sum = _mm512_mask_add_epi32(sum, mask, sum, _mm512_set1_epi32(1 << p));
    }
    _mm512_storeu_si512(counts + column, sum);
#else
    for (int i = column; i < column + 16; ++i) counts[i] = 0;
    for (int p = 0; p < used; ++p) {
      const std::uint64_t word = planes[p * WORDS + column / 64] >> (column % 64);
      for (int i = 0; i < 16; ++i)
        counts[column + i] += static_cast<std::int32_t>(word >> i & 1) << p;
    }
#endif
  }
}

void count_columns(const std::uint64_t* bits, std::int64_t words, const std::int32_t* rows,
                   std::int64_t n, int strips, const std::uint64_t* nothing, std::int32_t* counts) {
  alignas(64) std::uint64_t planes[STRIPS][PLANES * WORDS];
  int used = 1;
  while (used < PLANES && n >> used != 0) ++used;
  const int kept = used < 5 ? 5 : used + 1;  // what a carry may touch
  for (int strip = 0; strip < strips; ++strip)
    for (int word = 0; word < kept * WORDS; ++word) planes[strip][word] = 0;
  for (std::int64_t first = 0; first < n; first += 16) {
    const std::uint64_t* sixteen[16];
    for (int i = 0; i < 16; ++i)
      sixteen[i] = first + i < n ? bits + rows[first + i] * words : nothing;
    for (std::int64_t i = first + 16; i < first + 32 && i < n; ++i)
      for (int strip = 0; strip < strips; ++strip)
        __builtin_prefetch(bits + rows[i] * words + strip * WORDS);
    for (int strip = 0; strip < strips; ++strip)
      count_sixteen(sixteen, strip * WORDS, planes[strip]);
  }
  for (int strip = 0; strip < strips; ++strip)
    expand(planes[strip], used, counts + strip * 64 * WORDS);
}

// Columns whose similarity may reach the lower of two thresholds: c · slack ≥ min(mine, theirs[j])
// · below_j, c above 0, with below_j = plus + scale · sizes[j] − less · c.
std::int64_t near_enough(const std::int32_t* counts, std::int64_t n, const float* sizes, float plus,
                         float scale, float less, float mine, const float* theirs,
                         std::int32_t* found) {
  constexpr float SLACK = 1.00001f;
  std::int64_t hits = 0, j = 0;
#if defined(__AVX512F__)
  for (; j + 16 <= n; j += 16) {
    const __m512 c = _mm512_cvtepi32_ps(_mm512_loadu_si512(counts + j));
    const __m512 below = _mm512_fnmadd_ps(
        _mm512_set1_ps(less), c,
        _mm512_fmadd_ps(_mm512_set1_ps(scale), _mm512_loadu_ps(sizes + j), _mm512_set1_ps(plus)));
    const __m512 bar =
        _mm512_mul_ps(_mm512_min_ps(_mm512_set1_ps(mine), _mm512_loadu_ps(theirs + j)), below);
    unsigned mask = _mm512_cmp_ps_mask(_mm512_mul_ps(c, _mm512_set1_ps(SLACK)), bar, _CMP_GE_OQ) &
                    _mm512_cmp_ps_mask(c, _mm512_setzero_ps(), _CMP_GT_OQ);
    for (; mask != 0; mask &= mask - 1)
      found[hits++] = static_cast<std::int32_t>(j) + __builtin_ctz(mask);
  }
#endif
  for (; j < n; ++j) {
    const float c = static_cast<float>(counts[j]), bar = mine < theirs[j] ? mine : theirs[j];
    if (c > 0 && c * SLACK >= bar * (plus + scale * sizes[j] - less * c))
      found[hits++] = static_cast<std::int32_t>(j);
  }
  return hits;
}

// sums[j][0..8) += value_j · weights[0..8) for the entries of one row.
void add_eight(const std::int32_t* columns, const float* values, std::int64_t n,
               const float* weights, float* sums) {
  const EightFloats eight = load_eight(weights);
  for (std::int64_t e = 0; e < n; ++e) {
    float* to = sums + static_cast<std::int64_t>(columns[e]) * EIGHT;
    *reinterpret_cast<EightFloats*>(to) =
        load_eight(to) + (values != nullptr ? values[e] : 1.0f) * eight;
  }
}
