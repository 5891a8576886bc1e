// csr: entries in the order of (row, time, position).
#include "buckets.hpp"

namespace penchant {
namespace {

constexpr int POSITION_BITS = 42;  // below them the entry, above them its row within the bucket
constexpr i64 POSITION = (i64{1} << POSITION_BITS) - 1;

struct Timed {
  i64 time, entry;
  bool operator<(const Timed& other) const {
    return time < other.time || (time == other.time && entry < other.entry);
  }
};

}  // namespace

bool csr(const i32* rows, i64 n, i64 n_rows, const i64* times, i64* indptr, i64* order,
         const Run& run) {
  const Parts parts(n);
  Buckets buckets(n_rows);
  const bool moved = into_buckets(rows, parts, buckets, run, [&](i64 begin, i64 end, auto place) {
    for (i64 entry = begin; entry < end; ++entry)
      order[place(entry)] = buckets.low(rows[entry]) << POSITION_BITS | entry;
  });
  indptr[0] = 0;
  return moved && parallel(buckets.count, run, [&](i64 bucket, int) {
           std::vector<i64> next;
           count_keys(
               buckets, bucket, n_rows, [&](i64 place) { return order[place] >> POSITION_BITS; },
               indptr, next);
           i64* mine = order + buckets.starts[static_cast<std::size_t>(bucket)];
           const i64 size = buckets.starts[static_cast<std::size_t>(bucket + 1)] - (mine - order);
           std::vector<Timed> sorted(static_cast<std::size_t>(size));
           for (i64 at = 0; at < size; ++at) {
             const i64 entry = mine[at] & POSITION;
             const auto place = static_cast<std::size_t>(
                 next[static_cast<std::size_t>(mine[at] >> POSITION_BITS)]++);
             sorted[place] = {times ? times[entry] : 0, entry};
           }
           i64 begin = 0;  // next[row] is by now where the row ends
           for (std::size_t row = 0; times != nullptr && row + 1 < next.size(); begin = next[row++])
             if (!std::is_sorted(sorted.begin() + begin, sorted.begin() + next[row]))
               std::sort(sorted.begin() + begin, sorted.begin() + next[row]);
           for (i64 at = 0; at < size; ++at) mine[at] = sorted[static_cast<std::size_t>(at)].entry;
         });
}

}  // namespace penchant
