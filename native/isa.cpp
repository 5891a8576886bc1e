// Which instruction-set level is in use.
#include "isa/dense.hpp"
#include "isa/isa.hpp"

#include <atomic>
#include <cstring>

namespace penchant {
namespace {

bool supported(const Level& level) {
#if defined(__x86_64__)
  if (&level == &level_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (&level == &level_avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  return &level == &level_baseline;
}

const Level* const all[] = {
#if defined(__x86_64__)
    &level_avx512, &level_avx2,
#endif
    &level_baseline};

const Level* best() {
  for (const Level* level : all)
    if (supported(*level)) return level;
  return &level_baseline;
}

std::atomic<const Level*> used{nullptr};

}  // namespace

const Level& level() {
  const Level* now = used.load(std::memory_order_relaxed);
  if (now == nullptr) used.store(now = best(), std::memory_order_relaxed);
  return *now;
}

bool choose_level(const char* name) {
  for (const Level* level : all)
    if (std::strcmp(level->name, name) == 0 && supported(*level)) {
      used.store(level, std::memory_order_relaxed);
      return true;
    }
  return false;
}

const Dense& dense() {
#if defined(__x86_64__)
  if (&level() == &level_avx512) return dense_avx512;
  if (&level() == &level_avx2) return dense_avx2;
#endif
  return dense_baseline;
}

}  // namespace penchant
