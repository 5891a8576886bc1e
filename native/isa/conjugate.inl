// Conjugate gradient on one row's normal equations, without forming their matrix: vectors are
// copied at the first pass, then read sixteen at a time. Usual widths are constants, so that all
// addresses follow from one.

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

// out += (G + diag ridge) p.
INLINE void add_gram(const float* gram, const float* ridge, const int width, const float* p,
                     float* out) {
  for (int k = 0; k < width; k += WIDTH)
    store_register(out + k,
                   load_register(out + k) + load_register(ridge + k) * load_register(p + k));
  if (gram == nullptr) return;
  for (int i = 0; i < width; i += LANES)
    add_rows(gram + static_cast<std::int64_t>(i) * width, width, p + i, out);
}

// The vectors of entries e to e + 15 copied, zeros behind the last; others are asked for early.
INLINE void copy_sixteen(const Vectors& v, const int width, std::int64_t e, float* rows) {
  constexpr int EARLY = 16;
  for (int lane = 0; lane < LANES; ++lane) {
    const std::int64_t at = e + lane < v.n ? e + lane : v.n - 1,
                       next = at + EARLY < v.n ? at + EARLY : at;
    const float* from = v.items + static_cast<std::int64_t>(v.ids[at]) * width;
    const float* soon = v.items + static_cast<std::int64_t>(v.ids[next]) * width;
    const float there = e + lane < v.n ? 1.0f : 0.0f;
    for (int k = 0; k < width; k += LANES) __builtin_prefetch(soon + k);
    for (int k = 0; k < width; k += WIDTH)
      store_register(rows + lane * width + k, there * load_register(from + k));
  }
}

// Copies the vectors; r += Σ_e w_e (t_e − v_e · x) v_e; returns Σ_e w_e (t_e − v_e · x)².
INLINE double add_errors(const Vectors& v, const int width, const float* x, float* r) {
  double loss = 0;
  alignas(64) float errors[LANES];
  for (std::int64_t e = 0; e < v.n; e += LANES) {
    float* rows = v.copies + e * width;
    copy_sixteen(v, width, e, rows);
    sixteen_dots(rows, width, x, errors);
    float sum = 0;
    for (int lane = 0; lane < LANES; ++lane) {
      const bool there = e + lane < v.n;
      const float weight = !there ? 0.0f : v.weights == nullptr ? 1.0f : v.weights[e + lane];
      const float error =
          (there && v.targets != nullptr ? v.targets[e + lane] : 1.0f) - errors[lane];
      sum += weight * error * error;
      errors[lane] = weight * error;
    }
    loss += static_cast<double>(sum);
    add_rows(rows, width, errors, r);
  }
  return loss;
}

// out += Σ_e w_e (v_e · p) v_e.
INLINE void add_products(const Vectors& v, const int width, const float* p, float* out) {
  alignas(64) float dots[LANES];
  for (std::int64_t e = 0; e < v.n; e += LANES) {
    const float* rows = v.copies + e * width;
    sixteen_dots(rows, width, p, dots);
    if (v.weights != nullptr)
      for (int lane = 0; lane < LANES && e + lane < v.n; ++lane) dots[lane] *= v.weights[e + lane];
    add_rows(rows, width, dots, out);
  }
}

INLINE double descend(const Vectors& v, const int width, const float* gram, const float* ridge,
                      int steps, float* x, float* scratch) {
  float *r = scratch, *p = r + width, *Ap = p + width;
  for (int k = 0; k < width; k += WIDTH) {
    store_register(r + k, Register{});
    store_register(Ap + k, Register{});
  }
  add_gram(gram, ridge, width, x, Ap);
  double loss = static_cast<double>(summed(products(x, Ap, width))) + add_errors(v, width, x, r);
  for (int k = 0; k < width; k += WIDTH) {
    store_register(r + k, load_register(r + k) - load_register(Ap + k));
    store_register(p + k, load_register(r + k));
  }
  float length = summed(products(r, r, width));
  for (int step = 0; step < steps && length > 1e-20f; ++step) {
    for (int k = 0; k < width; k += WIDTH) store_register(Ap + k, Register{});
    add_gram(gram, ridge, width, p, Ap);
    add_products(v, width, p, Ap);
    const float along = length / summed(products(p, Ap, width));
    loss -= static_cast<double>(along) * length;
    for (int k = 0; k < width; k += WIDTH) {
      store_register(x + k, load_register(x + k) + along * load_register(p + k));
      store_register(r + k, load_register(r + k) - along * load_register(Ap + k));
    }
    const float now = summed(products(r, r, width)), turn = now / length;
    length = now;
    for (int k = 0; k < width; k += WIDTH)
      store_register(p + k, load_register(r + k) + turn * load_register(p + k));
  }
  return loss;
}

double conjugate(const Vectors& v, int width, const float* gram, const float* ridge, int steps,
                 float* x, float* scratch) {
  if (width == 32) return descend(v, 32, gram, ridge, steps, x, scratch);
  if (width == 64) return descend(v, 64, gram, ridge, steps, x, scratch);
  if (width == 128) return descend(v, 128, gram, ridge, steps, x, scratch);
  return descend(v, width, gram, ridge, steps, x, scratch);
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
