// Conjugate gradient on the normal equations of one row or two, without forming a matrix: vectors
// are copied at the first pass, then read in order. Where registers are many and wide, some vectors
// at a time are held in them for their dots and for the sum; else sixteen are read twice.

enum class Pass { errors, products, squares };

// to[..) += Σ_e factors[e] · rows[e][..) for sixteen rows, some registers of them.
template <int REGISTERS>
INLINE void add_sixteen(const float* rows, const int width, const float* factors, float* to) {
  constexpr int CHAINS = REGISTERS >= 4 ? 2 : 4;
  Register sums[CHAINS][REGISTERS];
  for (int k = 0; k < REGISTERS; ++k) {
    sums[0][k] = load_register(to + k * WIDTH) + factors[0] * load_register(rows + k * WIDTH);
    for (int e = 1; e < CHAINS; ++e)
      sums[e][k] = factors[e] * load_register(rows + e * width + k * WIDTH);
  }
  for (int e = CHAINS; e < LANES; e += CHAINS)
    for (int c = 0; c < CHAINS; ++c)
      for (int k = 0; k < REGISTERS; ++k)
        sums[c][k] += factors[e + c] * load_register(rows + (e + c) * width + k * WIDTH);
  for (int k = 0; k < REGISTERS; ++k) {
    if (CHAINS == 4) sums[0][k] += sums[2][k], sums[1][k] += sums[3][k];
    store_register(to + k * WIDTH, sums[0][k] + sums[1][k]);
  }
}

INLINE void add_rows(const float* rows, const int width, const float* factors, float* to) {
  int k = 0;
  for (; k + 4 * WIDTH <= width; k += 4 * WIDTH) add_sixteen<4>(rows + k, width, factors, to + k);
  for (; k < width; k += WIDTH) add_sixteen<1>(rows + k, width, factors, to + k);
}

// dots[e] = rows[e] · p for sixteen rows.
INLINE void sixteen_dots(const float* rows, const int width, const float* p, float* dots) {
#if defined(__AVX512F__)
  __m512 sums[LANES];
  for (int e = 0; e < LANES; ++e) sums[e] = (__m512)products(rows + e * width, p, width);
  for (int e = 0; e < 8; ++e)  // a tree of additions whose last level holds all sixteen sums
    sums[e] = _mm512_add_ps(_mm512_unpacklo_ps(sums[2 * e], sums[2 * e + 1]),
                            _mm512_unpackhi_ps(sums[2 * e], sums[2 * e + 1]));
  for (int e = 0; e < 4; ++e) {
    const __m512d a = _mm512_castps_pd(sums[2 * e]), b = _mm512_castps_pd(sums[2 * e + 1]);
    sums[e] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                            _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  for (int e = 0; e < 2; ++e)
    sums[e] = _mm512_add_ps(_mm512_shuffle_f32x4(sums[2 * e], sums[2 * e + 1], 0x88),
                            _mm512_shuffle_f32x4(sums[2 * e], sums[2 * e + 1], 0xdd));
  _mm512_storeu_ps(dots, _mm512_add_ps(_mm512_shuffle_f32x4(sums[0], sums[1], 0x88),
                                       _mm512_shuffle_f32x4(sums[0], sums[1], 0xdd)));
#else
  for (int e = 0; e < LANES; ++e) dots[e] = summed(products(rows + e * width, p, width));
#endif
  asm volatile(
      "" ::
          : "memory");  // else the compiler keeps all sixteen rows on the stack for what follows
}

// Some columns of out[c] += G p[c]; rows of G are read once for all c. An element is summed in the
// order of G's rows whatever COUNT is.
template <int COUNT, int REGISTERS>
INLINE void add_columns(const float* gram, const int width, const float* const* p,
                        float* const* out, const int at) {
  Register sums[COUNT][REGISTERS];
  for (int c = 0; c < COUNT; ++c)
    for (int k = 0; k < REGISTERS; ++k) sums[c][k] = load_register(out[c] + at + k * WIDTH);
  for (int i = 0; i < width; ++i)
    for (int k = 0; k < REGISTERS; ++k) {
      const Register part =
          load_register(gram + static_cast<std::int64_t>(i) * width + at + k * WIDTH);
      for (int c = 0; c < COUNT; ++c) sums[c][k] += p[c][i] * part;
    }
  for (int c = 0; c < COUNT; ++c)
    for (int k = 0; k < REGISTERS; ++k) store_register(out[c] + at + k * WIDTH, sums[c][k]);
}

// out[c] = (G + diag damping[c]) p[c].
template <int COUNT>
INLINE void times_gram(const float* gram, const float* const* damping, const int width,
                       const float* const* p, float* const* out) {
  for (int c = 0; c < COUNT; ++c)
    for (int k = 0; k < width; k += WIDTH)
      store_register(out[c] + k, load_register(damping[c] + k) * load_register(p[c] + k));
  if (gram == nullptr) return;
  int at = 0;
  for (; at + 4 * WIDTH <= width; at += 4 * WIDTH) add_columns<COUNT, 4>(gram, width, p, out, at);
  for (; at < width; at += WIDTH) add_columns<COUNT, 1>(gram, width, p, out, at);
}

// The vectors of entries e to e + 15 copied; later ones, of the next rows too, are asked for early.
INLINE void copy_sixteen(const Vectors& v, const int width, std::int64_t e, float* rows) {
  for (int lane = 0; lane < LANES; ++lane) {
    const float* soon = v.items + static_cast<std::int64_t>(v.ids[e + lane + EARLY]) * width;
    const float* from = v.items + static_cast<std::int64_t>(v.ids[e + lane]) * width;
    for (int k = 0; k < width; k += LANES) __builtin_prefetch(soon + k);
    for (int k = 0; k < width; k += WIDTH)
      store_register(rows + lane * width + k, load_register(from + k));
  }
}

// Sixteen of the values, or ones, and zeros behind the last.
INLINE void sixteen_values(const float* values, std::int64_t left, float* out) {
  for (int lane = 0; lane < LANES; ++lane)
    out[lane] = lane >= left ? 0.0f : values == nullptr ? 1.0f : values[lane];
}

// A pass over a row's vectors v_e with weights w_e and targets t_e:
// errors: copies them, adds Σ w (t − v·p) v to `out`, and returns Σ w (t − v·p)²;
// products: adds Σ w (v·p) v to `out`; squares: returns Σ w (v·p)².
template <Pass PASS>
INLINE double by_sixteen(const Vectors& v, const int width, const float* p, float* out) {
  double total = 0;
  alignas(64) float dots[LANES], weights[LANES], targets[LANES];
  for (std::int64_t e = 0; e < v.n; e += LANES) {
    float* rows = v.copies + e * width;
    if (PASS == Pass::errors) {
      copy_sixteen(v, width, e, rows);
      sixteen_values(v.targets == nullptr ? nullptr : v.targets + e, v.n - e, targets);
    }
    sixteen_values(v.weights == nullptr ? nullptr : v.weights + e, v.n - e, weights);
    sixteen_dots(rows, width, p, dots);
    Register sum{};
    for (int k = 0; k < LANES; k += WIDTH) {
      Register pull = load_register(dots + k);
      if (PASS == Pass::errors) pull = load_register(targets + k) - pull;
      const Register weighted = load_register(weights + k) * pull;
      sum += weighted * pull;
      store_register(dots + k, weighted);
    }
    if (PASS != Pass::products) total += static_cast<double>(summed(sum));
    if (PASS != Pass::squares) add_rows(rows, width, dots, out);
  }
  return total;
}

#if defined(__AVX512F__)
// Values of entries e to e + G − 1, or ones, and zeros behind the last; over and over.
template <int G>
INLINE __m512 repeated(const float* values, std::int64_t e, std::int64_t n) {
  const auto there = static_cast<__mmask8>((1 << (n - e < G ? n - e : G)) - 1);
  const __m128 some = values == nullptr ? _mm_maskz_mov_ps(there, _mm_set1_ps(1.0f))
                                        : _mm_maskz_loadu_ps(there, values + e);
  return G == 4 ? _mm512_broadcast_f32x4(some)
                : _mm512_castpd_ps(_mm512_broadcastsd_pd(_mm_castps_pd(some)));
}

// Sums of the lanes of s[0 .. G), over and over.
template <int G>
INLINE __m512 repeated_sums(const __m512* s) {
  const auto two = [](__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  };
  __m512 sums = two(s[0], s[1]);
  if (G == 4) {
    const __m512d a = _mm512_castps_pd(sums), b = _mm512_castps_pd(two(s[2], s[3]));
    sums = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                         _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  } else {
    sums = _mm512_add_ps(sums, _mm512_permute_ps(sums, 0x4e));
  }
  sums = _mm512_add_ps(sums, _mm512_shuffle_f32x4(sums, sums, 0x4e));
  return _mm512_add_ps(sums, _mm512_shuffle_f32x4(sums, sums, 0xb1));
}

// The same pass with vectors of N registers.
template <int N, Pass PASS>
INLINE double held(const Vectors& v, const float* p, float* out) {
  constexpr int G = N <= 4 ? 4 : 2, D = N * WIDTH;
  __m512 sums[N] = {};
  __m256d total = _mm256_setzero_pd();
  for (std::int64_t e = 0; e < v.n; e += G) {
    float* copies = v.copies + e * D;
    __m512 rows[G][N], dots[G];
    for (int g = 0; g < G; ++g) {
      const float* from = PASS == Pass::errors
                              ? v.items + static_cast<std::int64_t>(v.ids[e + g]) * D
                              : copies + g * D;
      for (int k = 0; k < N; ++k) rows[g][k] = _mm512_loadu_ps(from + k * WIDTH);
      if (PASS == Pass::errors) {
        const float* soon = v.items + static_cast<std::int64_t>(v.ids[e + g + EARLY]) * D;
        for (int k = 0; k < N; ++k) __builtin_prefetch(soon + k * WIDTH, 0, 2);
        for (int k = 0; k < N; ++k) _mm512_store_ps(copies + g * D + k * WIDTH, rows[g][k]);
      }
    }
    for (int k = 0; k < N; ++k) {
      const __m512 part = _mm512_loadu_ps(p + k * WIDTH);
      for (int g = 0; g < G; ++g)
        dots[g] =
            k == 0 ? _mm512_mul_ps(rows[g][k], part) : _mm512_fmadd_ps(rows[g][k], part, dots[g]);
    }
    __m512 pull = repeated_sums<G>(dots);
    if (PASS == Pass::errors) pull = _mm512_sub_ps(repeated<G>(v.targets, e, v.n), pull);
    const __m512 weighted = _mm512_mul_ps(repeated<G>(v.weights, e, v.n), pull);
    if (PASS != Pass::products)
      total = _mm256_add_pd(total,
                            _mm256_cvtps_pd(_mm512_castps512_ps128(_mm512_mul_ps(weighted, pull))));
    if (PASS == Pass::squares) continue;
    const auto add = [&](int g, __m512 factor) {
      for (int k = 0; k < N; ++k) sums[k] = _mm512_fmadd_ps(rows[g][k], factor, sums[k]);
    };
    add(0, _mm512_permute_ps(weighted, 0x00));
    add(1, _mm512_permute_ps(weighted, 0x55));
    if (G == 4) {
      add(G - 2, _mm512_permute_ps(weighted, 0xaa));
      add(G - 1, _mm512_permute_ps(weighted, 0xff));
    }
  }
  if (PASS != Pass::squares)
    for (int k = 0; k < N; ++k)
      _mm512_storeu_ps(out + k * WIDTH, _mm512_add_ps(_mm512_loadu_ps(out + k * WIDTH), sums[k]));
  return (total[0] + total[1] + total[2] + total[3]) * G / 4;
}
#endif

template <Pass PASS, int WIDE>
INLINE double pass(const Vectors& v, const int width, const float* p, float* out) {
#if defined(__AVX512F__)
  if (WIDE > 0) return held<WIDE / WIDTH, PASS>(v, p, out);
#endif
  return by_sixteen<PASS>(v, width, p, out);
}

// COUNT rows step by step together; WIDE is their width where that is a constant, else 0.
template <int COUNT, int WIDE>
INLINE void descend(Equations* rows, const int any, const float* gram, int steps) {
  const int width = WIDE > 0 ? WIDE : any;
  const float* damping[COUNT];
  float *x[COUNT], *r[COUNT], *p[COUNT], *Ap[COUNT], length[COUNT];
  for (int c = 0; c < COUNT; ++c) {
    damping[c] = rows[c].damping;
    x[c] = rows[c].x;
    r[c] = rows[c].scratch;
    p[c] = r[c] + width;
    Ap[c] = p[c] + width;
  }
  times_gram<COUNT>(gram, damping, width, x, Ap);
  for (int c = 0; c < COUNT; ++c) {
    rows[c].loss = static_cast<double>(summed(products(x[c], Ap[c], width)));
    for (int k = 0; k < width; k += WIDTH) store_register(r[c] + k, -load_register(Ap[c] + k));
    rows[c].loss += pass<Pass::errors, WIDE>(rows[c].v, width, x[c], r[c]);
    for (int k = 0; k < width; k += WIDTH) store_register(p[c] + k, load_register(r[c] + k));
    length[c] = summed(products(r[c], r[c], width));
  }
  for (int step = 1; step <= steps; ++step) {
    times_gram<COUNT>(gram, damping, width, p, Ap);
    for (int c = 0; c < COUNT; ++c) {
      if (!(length[c] > 1e-20f)) continue;
      const bool last = step == steps;  // whose residual nobody asks for
      double curve = last ? pass<Pass::squares, WIDE>(rows[c].v, width, p[c], Ap[c]) : 0;
      if (!last) pass<Pass::products, WIDE>(rows[c].v, width, p[c], Ap[c]);
      curve += static_cast<double>(summed(products(p[c], Ap[c], width)));
      const float along = static_cast<float>(static_cast<double>(length[c]) / curve);
      rows[c].loss -= static_cast<double>(along) * length[c];
      for (int k = 0; k < width; k += WIDTH)
        store_register(x[c] + k, load_register(x[c] + k) + along * load_register(p[c] + k));
      if (last) continue;
      for (int k = 0; k < width; k += WIDTH)
        store_register(r[c] + k, load_register(r[c] + k) - along * load_register(Ap[c] + k));
      const float now = summed(products(r[c], r[c], width)), turn = now / length[c];
      length[c] = now;
      for (int k = 0; k < width; k += WIDTH)
        store_register(p[c] + k, load_register(r[c] + k) + turn * load_register(p[c] + k));
    }
  }
}

template <int WIDE>
INLINE void descend(Equations* rows, int count, int width, const float* gram, int steps) {
  if (count == 2)
    descend<2, WIDE>(rows, width, gram, steps);
  else
    descend<1, WIDE>(rows, width, gram, steps);
}

void conjugate(Equations* rows, int count, int width, const float* gram, int steps) {
  if (width == 32) return descend<32>(rows, count, width, gram, steps);
  if (width == 64) return descend<64>(rows, count, width, gram, steps);
  if (width == 128) return descend<128>(rows, count, width, gram, steps);
#if defined(__AVX512F__)
  if (width == 16) return descend<16>(rows, count, width, gram, steps);
  if (width == 48) return descend<48>(rows, count, width, gram, steps);
  if (width == 112) return descend<112>(rows, count, width, gram, steps);  // of 100 components
#endif
  descend<0>(rows, count, width, gram, steps);
}

void subtract_products(const float* rows, std::int64_t n, int stride, int width, const float* x,
                       float* out) {
  for (std::int64_t e = 0; e < n; ++e) out[e] -= summed(products(rows + e * stride, x, width));
}

void add_scaled(const float* const* rows, const float* factors, int n, std::int64_t from,
                std::int64_t size, float* to) {
  std::int64_t k = 0;
  for (; k + WIDTH <= size; k += WIDTH) {
    Register sum = load_register(to + k);
    for (int e = 0; e < n; ++e) sum += factors[e] * load_register(rows[e] + from + k);
    store_register(to + k, sum);
  }
  for (; k < size; ++k) {
    float sum = to[k];
    for (int e = 0; e < n; ++e) sum += factors[e] * rows[e][from + k];
    to[k] = sum;
  }
}
