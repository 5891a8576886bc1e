// One pass of stochastic gradient descent over ratings.

// Σ_k p[k] q[k] in sixteen interleaved sums, added in a fixed order.
INLINE float product(const float* p, const float* q, int d) {
  EightFloats low = {0, 0, 0, 0, 0, 0, 0, 0}, high = low;
  int k = 0;
  for (; k + LANES <= d; k += LANES) {
    low += load_eight(p + k) * load_eight(q + k);
    high += load_eight(p + k + EIGHT) * load_eight(q + k + EIGHT);
  }
  float rest = 0;
  for (; k < d; ++k) rest += p[k] * q[k];
  union {
    EightFloats whole;
    FourFloats half[2];
  } eight = {low + high};
  const FourFloats four = eight.half[0] + eight.half[1];
  return ((four[0] + four[2]) + (four[1] + four[3])) + rest;
}

// p and q one step along the gradient, both from their old values.
INLINE void step(float* p, float* q, int d, float error, float rate, float damp_p, float damp_q) {
  int k = 0;
  for (; k + WIDTH <= d; k += WIDTH) {
    const Register old_p = load_register(p + k), old_q = load_register(q + k);
    store_register(p + k, old_p + rate * (error * old_q - damp_p * old_p));
    store_register(q + k, old_q + rate * (error * old_p - damp_q * old_q));
  }
  for (; k < d; ++k) {
    const float old_p = p[k], old_q = q[k];
    p[k] = old_p + rate * (error * old_q - damp_p * old_p);
    q[k] = old_q + rate * (error * old_p - damp_q * old_q);
  }
}

INLINE void fetch(const float* row, int d) {
  for (int k = 0; k < d; k += LANES) __builtin_prefetch(row + k);
}

double sgd(const std::int32_t* users, const std::int32_t* items, const float* targets,
           std::int64_t n, SgdSides sides, SgdRates rates) {
  constexpr std::int64_t AHEAD = 6;  // ratings whose vectors are on the way
  double total = 0;
  const int d = sides.d;
  for (std::int64_t at = 0; at < n; ++at) {
    if (at + AHEAD < n) {
      fetch(sides.P + static_cast<std::int64_t>(users[at + AHEAD]) * d, d);
      fetch(sides.Q + static_cast<std::int64_t>(items[at + AHEAD]) * d, d);
    }
    const std::int64_t u = users[at], i = items[at];
    float *p = sides.P + u * d, *q = sides.Q + i * d;
    float *bu = sides.user_bias + u, *bi = sides.item_bias + i;
    const float error = targets[at] - rates.mean - *bu - *bi - product(p, q, d);
    total += static_cast<double>(error) * error;
    if (rates.biases) {
      *bu += rates.rate * (error - rates.user_bias[u] * *bu);
      *bi += rates.rate * (error - rates.item_bias[i] * *bi);
    }
    if (rates.factors)
      step(p, q, d, error, rates.rate, rates.user_factors[u], rates.item_factors[i]);
  }
  return total;
}
