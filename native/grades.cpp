// grades: the distinct values of a column, if they are few.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 AT_ONCE = i64{1} << 16;

// Values by open addressing, as long as they are few.
class Few {
 public:
  explicit Few(i64 most) : most_(static_cast<std::size_t>(most)) {
    while ((std::size_t{1} << bits_) < 4 * (most_ + 1)) ++bits_;
    slots_.resize(std::size_t{1} << bits_);
  }

  bool put(float value) {  // false: they are too many
    value += 0.0f;         // the two zeros are one value
    std::uint32_t raw;
    std::memcpy(&raw, &value, sizeof raw);
    std::size_t at = (raw * 0x9e3779b1u) >> (32 - bits_);
    while (slots_[at].taken && slots_[at].value != value) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].taken) return true;
    slots_[at] = {value, true};
    values.push_back(value);
    return values.size() <= most_;
  }

  std::vector<float> values;

 private:
  struct Slot {
    float value = 0;
    bool taken = false;
  };
  int bits_ = 2;
  std::size_t most_;
  std::vector<Slot> slots_;
};

}  // namespace

bool grades(const float* values, i64 n, i64 most, std::vector<float>& found, bool& few,
            const Run& run) {
  std::vector<Few> parts(static_cast<std::size_t>(std::max(run.threads, 1)), Few(most));
  std::atomic<bool> all{true};
  const bool done = parallel((n + AT_ONCE - 1) / AT_ONCE, run, [&](i64 chunk, int worker) {
    Few& mine = parts[static_cast<std::size_t>(worker)];
    for (i64 at = chunk * AT_ONCE; all && at < std::min((chunk + 1) * AT_ONCE, n); ++at)
      if (!mine.put(values[at])) all = false;
  });
  Few whole(most);
  for (const Few& part : parts)
    for (const float value : part.values) all = all && whole.put(value);
  few = all;
  found = std::move(whole.values);
  std::sort(found.begin(), found.end());
  return done;
}

}  // namespace penchant
