// solve_rows: one ridge regression per row, A x = b with A = G + Σ w v vᵀ + scale · diag ridge, b =
// Σ w t v.
//
// Exact: item vectors are copied some at a time into scratch whose width is a multiple of 16, the
// upper half of A is summed in tiles, and 16 rows are factored side by side, a lane for each; a row
// whose pivots lose four digits is done again in float64. Conjugate gradient never forms A. Block
// descent solves some coordinates after the other with cached errors (Rendle et al., iALS++, 2021).
// Rows are independent, and long ones are begun first; so neither bytes nor time depend on who
// works on which.
#include <algorithm>
#include <atomic>
#include <numeric>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr int SIDE_BY_SIDE = 128;  // widest matrices of which sixteen fit a core's cache
constexpr i64 LENGTHS = 1 << 16, LONG = 1024;

struct Scratch {
  Aligned<float> rows, weighted, normal, normals, lanes, solution, b, x, work, errors;
  Aligned<double> right, matrix, wide_right, wide_x;
  std::vector<i32> ids;

  void reserve(std::size_t width, bool with_weights) {
    if (!x.empty()) return;
    if (with_weights) weighted.resize(ROWS * width);
    rows.resize(ROWS * width);
    normal.resize(width * width);
    right.resize(width);
    b.resize(width * LANES);
    x.resize(2 * width);
    work.resize(6 * width);
  }
};

constexpr i64 STOPPED = -2, INFINITE = -3;

// Everything the rows share; methods work on one row or sixteen.
class Solver {
 public:
  Solver(const Ridge& problem, const Descent& how, float* out, double* objective)
      : p(problem),
        how(how),
        out(out),
        objective(objective),
        width((p.d + LANES - 1) / LANES * LANES),
        gram(p.gram),
        ridge(static_cast<std::size_t>(width), 1.0f) {
    std::copy_n(p.ridge, p.d, ridge.begin());
    if (how.method == Method::conjugate && width != p.d) {
      padded.resize(static_cast<std::size_t>(p.n_items * width));
      for (i64 i = 0; i < p.n_items; ++i)
        std::copy_n(p.items + i * p.d, p.d, padded.data() + i * width);
    }
    if (p.gram && width != p.d) {
      padded_gram.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(width));
      for (i64 i = 0; i < p.d; ++i)
        std::copy_n(p.gram + i * p.d, p.d, padded_gram.data() + i * width);
      gram = padded_gram.data();
    }
  }

  // The rows order[0 .. count), at most sixteen; what is not positive definite is noted in
  // `singular`.
  void solve(const i64* order, int count, Scratch& s, std::atomic<i64>& singular) const {
    s.reserve(static_cast<std::size_t>(width), p.rows.values != nullptr);
    while (count > 0 && length(order[count - 1]) == 0) nothing(order[--count]);
    if (how.method == Method::exact && count > 2 && width <= SIDE_BY_SIDE)
      return sixteen(order, count, s, singular);
    if (how.method == Method::conjugate) return conjugate(order, count, s);
    for (int at = 0; at < count; ++at) {
      const i64 r = order[at];
      const bool solved = how.method == Method::exact ? one(r, s) : blocks(r, s);
      if (!solved) lower(singular, r);
    }
  }

  bool is_finite(const i64* order, int count) const {
    bool sure = true;
    for (int at = 0; at < count; ++at) sure &= finite(out + order[at] * p.d, p.d);
    return sure;
  }

  i64 length(i64 r) const { return p.rows.indptr[r + 1] - p.rows.indptr[r]; }

 private:
  const Ridge& p;
  const Descent& how;
  float* out;
  double* objective;
  int width;
  const float* gram;  // [width, width]
  Aligned<float> ridge, padded_gram;
  Aligned<float>
      padded;  // items of whole sixteens, where they are not so already and are read where they lie

  static void lower(std::atomic<i64>& least, i64 value) {
    i64 now = least.load();
    while (value < now && !least.compare_exchange_weak(now, value)) {
    }
  }

  float scale(i64 r) const { return p.scale ? p.scale[r] : 1.0f; }

  void nothing(i64 r) const {
    std::fill_n(out + r * p.d, p.d, 0.0f);
    if (objective) objective[r] = 0;
  }

  // Σ w t²: the squared loss of x = 0.
  double at_zero(i64 r) const {
    double sum = 0;
    for (i64 e = p.rows.indptr[r]; e < p.rows.indptr[r + 1]; ++e) {
      const double t = p.targets ? p.targets[e] : 1.0;
      sum += p.rows.value(e) * t * t;
    }
    return sum;
  }

  const float* weights(i64 e) const { return p.rows.values ? p.rows.values + e : nullptr; }

  void gather(i64 e, int n, i64 ahead, float* rows, float* weighted, double* right) const {
    level().gather(p.items, p.d, width, p.rows.indices + e, weights(e),
                   p.targets ? p.targets + e : nullptr, n, ahead, rows, weighted, right);
  }

  // The upper half of A without its ridge into `normal`, b into s.right; the row is not empty.
  // While vectors are summed, those ROWS further on are asked for, be they of this row or the next.
  void sum(i64 r, float* normal, Scratch& s) const {
    if (!gram) std::fill_n(normal, s.normal.size(), 0.0f);
    const float* before = gram ? gram : normal;
    std::fill(s.right.begin(), s.right.end(), 0.0);
    const i64 last = p.rows.indptr[r + 1], all = p.rows.indptr[p.rows.n_rows];
    for (i64 start = p.rows.indptr[r]; start < last; start += ROWS) {
      const int n = static_cast<int>(std::min<i64>(ROWS, last - start));
      const i64 ahead = std::min(start + ROWS, all);
      const Soon soon{p.items, p.d, p.rows.indices + ahead,
                      static_cast<int>(std::min<i64>(n, all - ahead))};
      gather(start, n, 0, s.rows.data(), s.weighted.data(), s.right.data());
      level().normal(s.rows.data(), (p.rows.values ? s.weighted : s.rows).data(), n, width, width,
                     before, normal, soon);
      before = normal;
    }
  }

  void form(i64 r, float* normal, Scratch& s) const {
    sum(r, normal, s);
    for (int i = 0; i < width; ++i)
      normal[i * width + i] += scale(r) * ridge[static_cast<std::size_t>(i)];
  }

  void finish(i64 r, const float* x, const float* b, int stride) const {
    for (int k = 0; k < p.d; ++k) out[r * p.d + k] = x[k * stride];
    if (!objective) return;
    double gained = 0;
    for (int k = 0; k < p.d; ++k) gained += static_cast<double>(x[k * stride]) * b[k * stride];
    objective[r] = at_zero(r) - gained;
  }

  bool one(i64 r, Scratch& s) const {
    form(r, s.normal.data(), s);
    for (std::size_t k = 0; k < s.right.size(); ++k)
      s.b[k] = s.x[k] = static_cast<float>(s.right[k]);
    if (!level().solve_one(s.normal.data(), p.d, width, s.x.data())) return in_float64(r, s);
    finish(r, s.x.data(), s.b.data(), 1);
    return true;
  }

  // The same where float32 cannot: a ridge too small beside the sums counts here.
  bool in_float64(i64 r, Scratch& s) const {
    sum(r, s.normal.data(), s);
    s.matrix.assign(s.normal.begin(), s.normal.end());
    for (int i = 0; i < width; ++i)
      s.matrix[static_cast<std::size_t>(i * width + i)] +=
          static_cast<double>(scale(r)) * ridge[static_cast<std::size_t>(i)];
    Aligned<float> b(s.right.begin(), s.right.end());
    s.wide_x.assign(static_cast<std::size_t>(width), 0.0);
    if (!level().solve(s.matrix.data(), p.d, width, s.right.data(), s.wide_x.data())) return false;
    std::copy(s.wide_x.begin(), s.wide_x.end(), s.x.begin());
    finish(r, s.x.data(), b.data(), 1);
    return true;
  }

  void sixteen(const i64* order, int count, Scratch& s, std::atomic<i64>& singular) const {
    const auto d = static_cast<std::size_t>(p.d), size = s.normal.size();
    s.normals.resize(LANES *
                     size);  // lanes beyond the last row solve what was there before, for b = 0
    s.lanes.resize(d * (d + 1) / 2 * LANES);
    s.solution.assign(d * LANES, 0.0f);
    for (int lane = 0; lane < count; ++lane) {
      form(order[lane], s.normals.data() + static_cast<std::size_t>(lane) * size, s);
      for (std::size_t k = 0; k < d; ++k)
        s.b[k * LANES + static_cast<std::size_t>(lane)] =
            s.solution[k * LANES + static_cast<std::size_t>(lane)] = static_cast<float>(s.right[k]);
    }
    level().to_lanes(s.normals.data(), p.d, width, s.lanes.data());
    const std::uint32_t weak = level().solve_sixteen(s.lanes.data(), p.d, s.solution.data());
    for (int lane = 0; lane < count; ++lane) {
      if (weak >> lane & 1) {
        if (!in_float64(order[lane], s)) lower(singular, order[lane]);
      } else {
        finish(order[lane], s.solution.data() + lane, s.b.data() + lane, LANES);
      }
    }
  }

  // Room for n vectors, in whole sixteens.
  float* room(i64 n, Scratch& s) const {
    const auto size = static_cast<std::size_t>(whole(n) * width);
    if (s.rows.size() < size) s.rows.resize(size);
    return s.rows.data();
  }

  void begin(i64 r, Scratch& s) const {
    std::fill(s.x.begin(), s.x.end(), 0.0f);
    std::copy_n(how.start + r * p.d, p.d, s.x.begin());
  }

  static i64 whole(i64 n) { return (n + LANES - 1) / LANES * LANES; }

  // Short rows go in pairs. The ids of all stand behind each other, each row's filled up to a
  // multiple of sixteen, so that vectors of the next can be asked for while this one is in work.
  void conjugate(const i64* order, int count, Scratch& s) const {
    s.ids.clear();
    for (int at = 0; at < count; ++at) {
      const i32* ids = p.rows.indices + p.rows.indptr[order[at]];
      s.ids.insert(s.ids.end(), ids, ids + length(order[at]));
      s.ids.resize(static_cast<std::size_t>(whole(static_cast<i64>(s.ids.size()))), s.ids.back());
    }
    s.ids.resize(s.ids.size() + EARLY, count ? s.ids.back() : 0);
    const i32* ids = s.ids.data();
    for (int at = 0, some; at < count; at += some) {
      const bool pair = at + 1 < count && length(order[at]) < LONG && length(order[at + 1]) < LONG;
      some = pair ? 2 : 1;
      ids = descend(order + at, some, ids, s);
    }
  }

  // One row or two; returns the ids behind theirs.
  const i32* descend(const i64* order, int count, const i32* ids, Scratch& s) const {
    Equations equations[2];
    float* copies = room(whole(length(order[0])) + (count > 1 ? whole(length(order[1])) : 0), s);
    for (int c = 0; c < count; ++c) {
      equations[c] = equations_of(order[c], c, s);
      equations[c].v.ids = ids;
      equations[c].v.copies = copies;
      ids += whole(length(order[c]));
      copies += whole(length(order[c])) * width;
    }
    level().conjugate(equations, count, width, gram, how.steps);
    for (int c = 0; c < count; ++c) {
      std::copy_n(equations[c].x, p.d, out + order[c] * p.d);
      if (objective) objective[order[c]] = equations[c].loss;
    }
    return ids;
  }

  Equations equations_of(i64 r, int place, Scratch& s) const {
    const i64 e = p.rows.indptr[r];
    float* x = s.x.data() + place * width;
    float* damping = s.b.data() + place * width;
    std::fill_n(x, width, 0.0f);
    std::copy_n(how.start + r * p.d, p.d, x);
    for (int k = 0; k < width; ++k) damping[k] = scale(r) * ridge[static_cast<std::size_t>(k)];
    const Vectors v{padded.empty() ? p.items : padded.data(), nullptr,   weights(e),
                    p.targets ? p.targets + e : nullptr,      length(r), nullptr};
    return {v, damping, x, s.work.data() + place * 3 * width, 0};
  }

  // Each block of coordinates in turn solved exactly, the others held.
  bool blocks(i64 r, Scratch& s) const {
    const i64 first = p.rows.indptr[r], n = length(r);
    room(n, s);
    begin(r, s);
    std::fill(s.right.begin(), s.right.end(), 0.0);
    for (i64 e = 0; e < n; e += ROWS) {
      const int some = static_cast<int>(std::min<i64>(ROWS, n - e));
      gather(first + e, some, n - e - some, s.rows.data() + e * width, s.weighted.data(),
             s.right.data());
    }
    s.errors.resize(static_cast<std::size_t>(n));
    for (i64 e = 0; e < n; ++e)
      s.errors[static_cast<std::size_t>(e)] = p.targets ? p.targets[first + e] : 1.0f;
    level().subtract_products(s.rows.data(), n, width, width, s.x.data(), s.errors.data());
    for (int step = 0; step < how.steps; ++step)
      for (int left = 0; left < width; left += how.block)
        if (!block(r, n, left, std::min(how.block, width - left), s)) return false;
    std::copy_n(s.x.begin(), p.d, out + r * p.d);
    if (objective) objective[r] = block_objective(r, n, s);
    return true;
  }

  bool block(i64 r, i64 n, int left, int size, Scratch& s) const {
    const i64 first = p.rows.indptr[r];
    std::fill_n(s.normal.begin(), size * size, 0.0f);
    std::fill_n(s.right.begin(), size, 0.0);
    for (i64 start = 0; start < n; start += ROWS) {
      const int some = static_cast<int>(std::min<i64>(ROWS, n - start));
      const float* rows = s.rows.data() + start * width + left;
      float sum[MOST_WIDE] = {};
      for (int e = 0; e < some; ++e) {
        const float weight = p.rows.value(first + start + e);
        const float pull = weight * s.errors[static_cast<std::size_t>(start + e)];
        for (int k = 0; k < size; ++k) sum[k] += pull * rows[e * width + k];
        if (p.rows.values)
          for (int k = 0; k < size; ++k)
            s.weighted[static_cast<std::size_t>(e * width + k)] = weight * rows[e * width + k];
      }
      for (int k = 0; k < size; ++k) s.right[static_cast<std::size_t>(k)] += sum[k];
      level().normal(rows, p.rows.values ? s.weighted.data() : rows, some, width, size,
                     s.normal.data(), s.normal.data(), {});
    }
    for (int i = 0; i < size; ++i) {
      const i64 row = left + i;
      double pulled =
          scale(r) * ridge[static_cast<std::size_t>(row)] * s.x[static_cast<std::size_t>(row)];
      if (gram) {
        for (int k = 0; k < width; ++k)
          pulled += static_cast<double>(gram[row * width + k]) * s.x[static_cast<std::size_t>(k)];
        for (int j = i; j < size; ++j)
          s.normal[static_cast<std::size_t>(i * size + j)] += gram[row * width + left + j];
      }
      s.right[static_cast<std::size_t>(i)] -= pulled;
      s.normal[static_cast<std::size_t>(i * size + i)] +=
          scale(r) * ridge[static_cast<std::size_t>(row)];
    }
    return step(n, left, size, s);
  }

  // x and the errors moved by the solution of a block's equations.
  bool step(i64 n, int left, int size, Scratch& s) const {
    float* change = s.work.data();
    s.matrix.assign(s.normal.begin(), s.normal.begin() + size * size);
    for (int k = 0; k < size; ++k)
      change[k] = static_cast<float>(s.right[static_cast<std::size_t>(k)]);
    if (!level().solve_one(s.normal.data(), size, size, change)) {
      s.wide_right.assign(s.right.begin(), s.right.begin() + size);
      s.wide_x.assign(static_cast<std::size_t>(size), 0.0);
      if (!level().solve(s.matrix.data(), size, size, s.wide_right.data(), s.wide_x.data()))
        return false;
      for (int k = 0; k < size; ++k)
        change[k] = static_cast<float>(s.wide_x[static_cast<std::size_t>(k)]);
    }
    for (int k = 0; k < size; ++k) s.x[static_cast<std::size_t>(left + k)] += change[k];
    level().subtract_products(s.rows.data() + left, n, width, size, change, s.errors.data());
    return true;
  }

  double block_objective(i64 r, i64 n, const Scratch& s) const {
    double sum = 0;
    for (i64 e = 0; e < n; ++e)
      sum += static_cast<double>(p.rows.value(p.rows.indptr[r] + e)) *
             s.errors[static_cast<std::size_t>(e)] * s.errors[static_cast<std::size_t>(e)];
    for (int i = 0; i < p.d; ++i) {
      const double x = s.x[static_cast<std::size_t>(i)];
      double pulled = static_cast<double>(scale(r)) * ridge[static_cast<std::size_t>(i)] * x;
      if (gram)
        for (int k = 0; k < p.d; ++k)
          pulled += static_cast<double>(gram[i * width + k]) * s.x[static_cast<std::size_t>(k)];
      sum += x * pulled;
    }
    return sum;
  }
};

// Long rows first, the longest at the head, lest one be left for the end; the others as they lie,
// so that memory is read in order; those without entries last.
std::vector<i64> in_turn(const Solver& solver, i64 n_rows) {
  std::vector<i64> order(static_cast<std::size_t>(n_rows));
  const auto place = [&](i64 r) {
    const i64 length = solver.length(r);
    const i64 turn = length == 0     ? LENGTHS
                     : length < LONG ? LENGTHS - 1
                                     : LENGTHS - 1 - std::min(length, LENGTHS - 1);
    return static_cast<std::size_t>(turn);
  };
  if (n_rows <= LANES) {
    std::iota(order.begin(), order.end(), i64{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](i64 a, i64 b) { return solver.length(a) > solver.length(b); });
    return order;
  }
  std::vector<i64> next(LENGTHS + 2);
  for (i64 r = 0; r < n_rows; ++r) ++next[place(r) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  for (i64 r = 0; r < n_rows; ++r) order[static_cast<std::size_t>(next[place(r)]++)] = r;
  return order;
}

}  // namespace

i64 solve_rows(const Ridge& problem, const Descent& how, float* out, double* objective,
               const Run& run) {
  const i64 n_rows = problem.rows.n_rows;
  const Solver solver(problem, how, out, objective);
  const std::vector<i64> order = in_turn(solver, n_rows);
  std::vector<Scratch> scratch(static_cast<std::size_t>(std::max(run.threads, 1)));
  std::atomic<i64> singular{n_rows};
  std::atomic<bool> infinite{false};
  const bool finished = parallel((n_rows + LANES - 1) / LANES, run, [&](i64 chunk, int worker) {
    const i64* rows = order.data() + chunk * LANES;
    const int count = static_cast<int>(std::min<i64>(LANES, n_rows - chunk * LANES));
    solver.solve(rows, count, scratch[static_cast<std::size_t>(worker)], singular);
    if (!solver.is_finite(rows, count)) infinite = true;
  });
  if (!finished) return STOPPED;
  if (singular.load() < n_rows) return singular.load();
  return infinite ? INFINITE : -1;
}

}  // namespace penchant
