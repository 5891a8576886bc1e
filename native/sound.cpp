// sound: whether rows are what they claim to be, and finite: whether numbers are numbers.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels.hpp"

namespace penchant {

bool finite(const float* values, i64 n) {
  std::uint32_t odd = 0;
  for (i64 at = 0; at < n; ++at) {
    std::uint32_t bits;
    std::memcpy(&bits, values + at, sizeof bits);
    odd |= (bits & 0x7f800000u) == 0x7f800000u;  // infinite, or no number
  }
  return !odd;
}

bool sound(const Rows& rows, i64 n_columns, const Run& run) {
  constexpr i64 AT_ONCE = i64{1} << 16;
  const i64 n = rows.indptr[rows.n_rows];
  bool falls = false;
  for (i64 row = 0; row < rows.n_rows; ++row) falls |= rows.indptr[row + 1] < rows.indptr[row];
  std::atomic<bool> bad{falls || rows.indptr[0] != 0};
  if (bad) return false;
  parallel((n + AT_ONCE - 1) / AT_ONCE, run, [&](i64 chunk, int) {
    const i64 begin = chunk * AT_ONCE, end = std::min(begin + AT_ONCE, n);
    std::uint32_t highest = 0;
    for (i64 entry = begin; entry < end; ++entry)  // a negative column is a huge one
      highest = std::max(highest, static_cast<std::uint32_t>(rows.indices[entry]));
    const bool odd = rows.values != nullptr && !finite(rows.values + begin, end - begin);
    if (odd || (begin < end && highest >= n_columns)) bad = true;
  });
  return !bad;
}

}  // namespace penchant
