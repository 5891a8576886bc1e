// Sorting by a key that is a row number: entries into buckets of neighbouring keys, then
// each bucket by itself in cache. Stable, so the result is the same for any division of the work.
#pragma once

#include <algorithm>

#include "kernels.hpp"

namespace penchant {

constexpr i64 BUCKETS = 1024, SOME_ENTRIES = i64{1} << 18, MOST_PARTS = 256;

// Entries are divided into parts that are counted and moved at the same time.
struct Parts {
  i64 n, size, count;
  explicit Parts(i64 entries)
      : n(entries),
        size(std::max((entries + MOST_PARTS - 1) / MOST_PARTS, SOME_ENTRIES)),
        count((entries + size - 1) / size) {}
  i64 begin(i64 part) const { return part * size; }
  i64 end(i64 part) const { return std::min((part + 1) * size, n); }
};

struct Buckets {
  int shift = 0;  // of a key, to its bucket
  i64 count = 0;
  std::vector<i64> starts;  // [count + 1] places in the sorted order

  explicit Buckets(i64 n_keys) {
    while ((n_keys >> shift) >= BUCKETS) ++shift;
    count = (n_keys >> shift) + 1;
  }
  i64 low(i64 key) const { return key & ((i64{1} << shift) - 1); }  // the key within its bucket
};

// Calls put(part, entry, place) for every entry, places of a bucket in the order of the entries.
template <class Put>
bool into_buckets(const i32* keys, const Parts& parts, Buckets& buckets, const Run& run, Put put) {
  const i64 wide = buckets.count;
  std::vector<i64> next(static_cast<std::size_t>(parts.count * wide), 0);
  const bool counted = parallel(parts.count, run, [&](i64 part, int) {
    i64* mine = next.data() + part * wide;
    for (i64 entry = parts.begin(part); entry < parts.end(part); ++entry)
      ++mine[keys[entry] >> buckets.shift];
  });
  if (!counted) return false;
  buckets.starts.assign(static_cast<std::size_t>(wide + 1), parts.n);
  i64 place = 0;
  for (i64 bucket = 0; bucket < wide; ++bucket) {
    buckets.starts[static_cast<std::size_t>(bucket)] = place;
    for (i64 part = 0; part < parts.count; ++part) {
      i64& start = next[static_cast<std::size_t>(part * wide + bucket)];
      const i64 size = start;
      start = place;
      place += size;
    }
  }
  return parallel(parts.count, run, [&](i64 part, int) {
    i64* mine = next.data() + part * wide;
    put(parts.begin(part), parts.end(part),
        [&](i64 entry) { return mine[keys[entry] >> buckets.shift]++; });
  });
}

// Where each key of a bucket begins: `low(place)` is the key of what lies there. Fills the pointers
// of these keys, and `next` with the same places counted from the begin of the bucket.
template <class Low>
void count_keys(const Buckets& buckets, i64 bucket, i64 n_keys, Low low, i64* indptr,
                std::vector<i64>& next) {
  const i64 first = bucket << buckets.shift;
  const i64 keys = std::min(first + (i64{1} << buckets.shift), n_keys) - first;
  const i64 begin = buckets.starts[static_cast<std::size_t>(bucket)];
  const i64 end = buckets.starts[static_cast<std::size_t>(bucket + 1)];
  next.assign(static_cast<std::size_t>(keys + 1), 0);
  for (i64 place = begin; place < end; ++place) ++next[static_cast<std::size_t>(low(place) + 1)];
  for (i64 key = 0; key < keys; ++key) {
    next[static_cast<std::size_t>(key + 1)] += next[static_cast<std::size_t>(key)];
    indptr[first + key + 1] = begin + next[static_cast<std::size_t>(key + 1)];
  }
}

}  // namespace penchant
