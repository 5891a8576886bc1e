// What the verbs of Gibbs sampling share: random numbers, and a drift filtered in time order.
#pragma once

#include <cmath>

#include "blocks.hpp"

namespace penchant {

// Numbers that depend on a key and on how many came before them.
class Stream {
 public:
  explicit Stream(std::uint64_t key) : key_(key) {}

  double uniform() {  // strictly between 0 and 1
    return (static_cast<double>(drawn(key_, count_++) >> 11) + 0.5) * 0x1p-53;
  }

  double normal() {  // Box and Muller, two at a time
    if (spare_) return spare_ = false, other_;
    const double length = std::sqrt(-2 * std::log(uniform()));
    const double angle = 6.283185307179586 * uniform();
    spare_ = true;
    other_ = length * std::sin(angle);
    return length * std::cos(angle);
  }

  double gamma(double shape) {  // of rate 1, shape 1/2 or more (Marsaglia and Tsang, 2000)
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = normal(), root = 1 + c * x;
      const double u = uniform();
      if (root <= 0) continue;
      const double v = root * root * root;
      if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
  }

 private:
  std::uint64_t key_, count_ = 0;
  double other_ = 0;
  bool spare_ = false;
};

// An Ornstein-Uhlenbeck process seen through noise: x has variance `size` and is forgotten by
// exp(−gap / length). A gap that is infinite begins another process.
struct Drift {
  double size, length;

  double kept(double gap) const { return std::isinf(gap) ? 0.0 : std::exp(-gap / length); }
  // The variance of x before it is seen, from the variance after the last look.
  double before(double kept, double last) const { return kept * kept * (last - size) + size; }
};

}  // namespace penchant
