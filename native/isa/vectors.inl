// Vector types: a level's own registers, and 16 floats or 8 doubles where lanes are summed.

#define INLINE inline __attribute__((always_inline))

typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef double Doubles __attribute__((vector_size(64), aligned(8), may_alias));
typedef float EightFloats __attribute__((vector_size(32), aligned(4), may_alias));
typedef float FourFloats __attribute__((vector_size(16), aligned(4), may_alias));
constexpr int EIGHT = 8;  // doubles of one vector

// A register's worth of floats, and how much is summed at once so that all sums stay in registers.
#if defined(__AVX512F__)
constexpr int WIDTH = 16, SCORE_VECTORS = 4, NORMAL_ROWS = 8, LANE_ROWS = 4;
#elif defined(__AVX2__)
constexpr int WIDTH = 8, SCORE_VECTORS = 2, NORMAL_ROWS = 4, LANE_ROWS = 2;
#else
constexpr int WIDTH = 4, SCORE_VECTORS = 2, NORMAL_ROWS = 4, LANE_ROWS = 2;
#endif
typedef float Register __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

INLINE Register load_register(const float* at) { return *reinterpret_cast<const Register*>(at); }
INLINE void store_register(float* at, Register value) { *reinterpret_cast<Register*>(at) = value; }
INLINE Doubles load(const double* at) { return *reinterpret_cast<const Doubles*>(at); }
INLINE void store(double* at, Doubles value) { *reinterpret_cast<Doubles*>(at) = value; }
INLINE EightFloats load_eight(const float* at) { return *reinterpret_cast<const EightFloats*>(at); }
INLINE void store_eight(float* at, EightFloats value) {
  *reinterpret_cast<EightFloats*>(at) = value;
}
INLINE Doubles widened(const float* at) { return __builtin_convertvector(load_eight(at), Doubles); }

// The lanes of a register added in a fixed order.
INLINE float summed(Register value) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)value);
#else
  union {
    Register whole;
    float lane[WIDTH];
  } all = {value};
  for (int half = WIDTH / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) all.lane[i] += all.lane[i + half];
  return all.lane[0];
#endif
}

// Σ_k a[k] b[k] over a whole number of registers, in one register of sums.
INLINE Register products(const float* a, const float* b, int width) {
  Register sum = load_register(a) * load_register(b);
  for (int k = WIDTH; k < width; k += WIDTH) sum += load_register(a + k) * load_register(b + k);
  return sum;
}
