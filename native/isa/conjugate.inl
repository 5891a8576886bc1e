// Conjugate gradient on one row's normal equations, without forming their matrix. Usual widths are
// constants, so that all addresses of sixteen rows follow from one.

// to[..) += Σ_e factors[e] · rows[e] for sixteen rows, some registers of them.
template <int REGISTERS>
INLINE void add_sixteen(const float* rows, const int width, const float* factors, float* to) {
  constexpr int CHAINS = REGISTERS >= 4 ? 2 : 4;
  Register sums[CHAINS][REGISTERS];
  for (int k = 0; k < REGISTERS; ++k) {
    sums[0][k] = load_register(to + k * WIDTH) + factors[0] * load_register(rows + k * WIDTH);
    for (int e = 1; e < CHAINS; ++e) sums[e][k] = factors[e] * load_register(rows + e * width + k * WIDTH);
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
  for (int e = 0; e < LANES; ++e) sums[e] = _mm512_mul_ps(_mm512_loadu_ps(rows + e * width), _mm512_loadu_ps(p));
  for (int k = WIDTH; k < width; k += WIDTH) {
    const __m512 part = _mm512_loadu_ps(p + k);
    for (int e = 0; e < LANES; ++e) sums[e] = _mm512_fmadd_ps(_mm512_loadu_ps(rows + e * width + k), part, sums[e]);
  }
  for (int e = 0; e < 8; ++e)  // a tree of additions whose last level holds all sixteen sums
    sums[e] = _mm512_add_ps(_mm512_unpacklo_ps(sums[2 * e], sums[2 * e + 1]),
                            _mm512_unpackhi_ps(sums[2 * e], sums[2 * e + 1]));
  for (int e = 0; e < 4; ++e) {
    const __m512d a = _mm512_castps_pd(sums[2 * e]), b = _mm512_castps_pd(sums[2 * e + 1]);
    sums[e] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  for (int e = 0; e < 2; ++e)
    sums[e] = _mm512_add_ps(_mm512_shuffle_f32x4(sums[2 * e], sums[2 * e + 1], 0x88),
                            _mm512_shuffle_f32x4(sums[2 * e], sums[2 * e + 1], 0xdd));
  _mm512_storeu_ps(dots, _mm512_add_ps(_mm512_shuffle_f32x4(sums[0], sums[1], 0x88),
                                       _mm512_shuffle_f32x4(sums[0], sums[1], 0xdd)));
#else
  for (int e = 0; e < LANES; ++e) dots[e] = summed(products(rows + e * width, p, width));
#endif
}

// to += (G + diag ridge) p.
INLINE void add_gram(const float* gram, const float* ridge, const int width, const float* p, float* to) {
  for (int k = 0; k < width; k += WIDTH) store_register(to + k, load_register(to + k) + load_register(ridge + k) * load_register(p + k));
  if (gram == nullptr) return;
  for (int i = 0; i < width; i += LANES) add_rows(gram + static_cast<std::int64_t>(i) * width, width, p + i, to);
}

// out = Σ_e w_e (rows_e · p) rows_e.
INLINE void add_products(const float* rows, const float* weights, std::int64_t n, const int width, const float* p,
                         float* out) {
  alignas(64) float dots[LANES];
  for (std::int64_t e = 0; e < n; e += LANES) {
    sixteen_dots(rows + e * width, width, p, dots);
    if (weights != nullptr)
      for (int lane = 0; lane < LANES; ++lane) dots[lane] *= weights[e + lane];
    add_rows(rows + e * width, width, dots, out);
  }
}

INLINE void apply(const float* rows, const float* weights, std::int64_t n, const int width, const float* gram,
                  const float* ridge, const float* p, float* out) {
  for (int k = 0; k < width; k += WIDTH) store_register(out + k, Register{});
  add_gram(gram, ridge, width, p, out);
  add_products(rows, weights, n, width, p, out);
}

INLINE double descend(const float* rows, const float* weights, std::int64_t n, const int width, const float* gram,
                      const float* ridge, const float* b, int steps, float* x, float* scratch) {
  float *r = scratch, *p = r + width, *Ap = p + width;
  apply(rows, weights, n, width, gram, ridge, x, Ap);
  for (int k = 0; k < width; k += WIDTH) {
    const Register rest = load_register(b + k) - load_register(Ap + k);
    store_register(r + k, rest);
    store_register(p + k, rest);
  }
  float length = summed(products(r, r, width));
  for (int step = 0; step < steps && length > 1e-20f; ++step) {
    apply(rows, weights, n, width, gram, ridge, p, Ap);
    const float along = length / summed(products(p, Ap, width));
    for (int k = 0; k < width; k += WIDTH) {
      store_register(x + k, load_register(x + k) + along * load_register(p + k));
      store_register(r + k, load_register(r + k) - along * load_register(Ap + k));
    }
    const float now = summed(products(r, r, width)), turn = now / length;
    length = now;
    for (int k = 0; k < width; k += WIDTH)
      store_register(p + k, load_register(r + k) + turn * load_register(p + k));
  }
  double lost = 0;
  for (int k = 0; k < width; ++k) lost += static_cast<double>(x[k]) * (static_cast<double>(b[k]) + r[k]);
  return lost;
}

double conjugate(const float* rows, const float* weights, std::int64_t n, int width, const float* gram,
                 const float* ridge, const float* b, int steps, float* x, float* scratch) {
  switch (width) {
    case 32: return descend(rows, weights, n, 32, gram, ridge, b, steps, x, scratch);
    case 64: return descend(rows, weights, n, 64, gram, ridge, b, steps, x, scratch);
    case 128: return descend(rows, weights, n, 128, gram, ridge, b, steps, x, scratch);
    default: return descend(rows, weights, n, width, gram, ridge, b, steps, x, scratch);
  }
}

void subtract_products(const float* rows, std::int64_t n, int stride, int width, const float* x, float* out) {
  for (std::int64_t e = 0; e < n; ++e) out[e] -= summed(products(rows + e * stride, x, width));
}

void add_scaled(const float* const* rows, const float* factors, int n, std::int64_t from, std::int64_t size, float* to) {
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
