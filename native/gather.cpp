// gather: what stands at some places of an array.
#include <algorithm>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 AT_ONCE = i64{1} << 16;

template <class T>
bool gather_any(const T* source, const i64* places, i64 n, T* out, const Run& run) {
  return parallel((n + AT_ONCE - 1) / AT_ONCE, run, [&](i64 chunk, int) {
    const i64 end = std::min((chunk + 1) * AT_ONCE, n);
    for (i64 at = chunk * AT_ONCE; at < end; ++at) out[at] = source[places[at]];
  });
}

}  // namespace

bool gather(const std::uint32_t* source, const i64* places, i64 n, std::uint32_t* out,
            const Run& run) {
  return gather_any(source, places, n, out, run);
}

bool gather(const std::uint64_t* source, const i64* places, i64 n, std::uint64_t* out,
            const Run& run) {
  return gather_any(source, places, n, out, run);
}

}  // namespace penchant
