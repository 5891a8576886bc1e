// deciding: which event of a row counts for each of its columns.
#include <algorithm>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 ROWS_AT_ONCE = 64;

int sign(float value) { return (value > 0.0f) - (value < 0.0f); }

// The columns of one row, by open addressing; as many places as twice the row is long.
class Met {
 public:
  struct Slot {
    i32 column;
    signed char opinion;
    bool open;  // the event that counts is still to come
  };

  void clear(i64 length) {
    bits_ = 2;
    while ((i64{1} << bits_) < 2 * length) ++bits_;
    slots_.assign(std::size_t{1} << bits_, {-1, 0, true});
  }

  Slot& of(i32 column) {
    const std::size_t mask = (std::size_t{1} << bits_) - 1;
    std::size_t at =
        (static_cast<std::uint32_t>(column) * 0x9e3779b1u) >> (32 - std::min(bits_, 32));
    while (slots_[at].column >= 0 && slots_[at].column != column) at = (at + 1) & mask;
    return slots_[at];
  }

 private:
  int bits_ = 2;
  std::vector<Slot> slots_;
};

}  // namespace

bool deciding(const Rows& rows, bool last, unsigned char* mask, const Run& run) {
  std::vector<Met> tables(static_cast<std::size_t>(std::max(run.threads, 1)));
  const i64 chunks = (rows.n_rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
  return parallel(chunks, run, [&](i64 chunk, int worker) {
    Met& met = tables[static_cast<std::size_t>(worker)];
    const i64 stop = std::min((chunk + 1) * ROWS_AT_ONCE, rows.n_rows);
    for (i64 row = chunk * ROWS_AT_ONCE; row < stop; ++row) {
      const i64 begin = rows.indptr[row], end = rows.indptr[row + 1];
      met.clear(end - begin);
      for (i64 entry = end - 1; entry >= begin; --entry) {  // the last opinion comes first
        Met::Slot& slot = met.of(rows.indices[entry]);
        mask[entry] = last && slot.column < 0;
        slot.column = rows.indices[entry];
        if (slot.opinion == 0) slot.opinion = static_cast<signed char>(sign(rows.value(entry)));
      }
      for (i64 entry = begin; !last && entry < end; ++entry) {
        Met::Slot& slot = met.of(rows.indices[entry]);
        mask[entry] = slot.open && slot.opinion == sign(rows.value(entry));
        slot.open = slot.open && !mask[entry];
      }
    }
  });
}

}  // namespace penchant
