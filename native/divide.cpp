// divide: delimited text -> columns, of integers where every cell is written as one, else of text
// in which each distinct cell is numbered.
#include <atomic>
#include <memory>

#include "numbering.hpp"

namespace penchant {
namespace {

constexpr i64 SMALLEST_PART = i64{1} << 16;  // bytes

struct Dialect {
  const Word& delimiter;
  i64 width;
  bool quotes() const { return delimiter.length == 1; }
};

// Where a field of an ordinary line ends; null where the line is not ordinary.
const char* field_end(const char* at, const char* end, const Dialect& dialect) {
  const char sign = dialect.delimiter.at[0];
  for (; at < end; ++at) {
    if (*at == sign && end - at >= dialect.delimiter.length &&
        std::memcmp(at, dialect.delimiter.at, static_cast<std::size_t>(dialect.delimiter.length)) ==
            0)
      return at;
    if (*at == '\r' || (*at == '"' && dialect.quotes())) return nullptr;
  }
  return end;
}

// The fields of the line [at, end); false unless it has as many as it should, each of them plain or
// whole between two quotes.
bool fields(const char* at, const char* end, const Dialect& dialect, Word* out) {
  if (at < end && end[-1] == '\r') --end;
  if (at == end) return false;
  for (i64 place = 0; place < dialect.width; ++place) {
    const bool quoted = dialect.quotes() && at < end && *at == '"';
    const char* stop = nullptr;
    if (quoted) {
      const auto* close = static_cast<const char*>(
          std::memchr(at + 1, '"', static_cast<std::size_t>(end - at - 1)));
      if (close == nullptr || (close + 1 < end && close[1] != dialect.delimiter.at[0]))
        return false;
      out[place] = {at + 1, close - at - 1};
      stop = close + 1;
      if (std::memchr(at, '\r', static_cast<std::size_t>(stop - at)) != nullptr) return false;
    } else {
      stop = field_end(at, end, dialect);
      if (stop == nullptr) return false;
      out[place] = {at, stop - at};
    }
    const bool last = place + 1 == dialect.width;
    if (last != (stop == end)) return false;
    at = stop + dialect.delimiter.length;
  }
  return true;
}

// Whether a cell is written as an integer is written: no sign but -, no zeros before it.
bool integer(const Word& cell, i64& out) {
  const bool negative = cell.length > 0 && cell.at[0] == '-';
  const i64 digits = cell.length - negative;
  const char* at = cell.at + negative;
  if (digits < 1 || digits > 19 || (at[0] == '0' && cell.length > 1)) return false;
  std::uint64_t number = 0;
  for (i64 place = 0; place < digits; ++place) {
    const auto digit = static_cast<unsigned>(at[place] - '0');
    if (digit > 9) return false;
    number = 10 * number + digit;  // 19 digits fit 64 bits
  }
  if (number > (std::uint64_t{1} << 63) - !negative) return false;
  out = static_cast<i64>(negative ? 0 - number : number);
  return true;
}

// Lines of a part, cut between lines.
struct Lines {
  std::vector<const char*> cuts;
  std::vector<i64> starts;  // the row each part begins with

  Lines(const char* text, i64 size, const Run& run) {
    const i64 parts = std::clamp<i64>(size / SMALLEST_PART, 1, std::max(run.threads, 1));
    cuts.push_back(text);
    for (i64 part = 1; part < parts; ++part) {
      const char* at = std::max(text + size / parts * part, cuts.back());
      const auto* line = static_cast<const char*>(
          std::memchr(at, '\n', static_cast<std::size_t>(text + size - at)));
      cuts.push_back(line ? line + 1 : text + size);
    }
    cuts.push_back(text + size);
    starts.assign(cuts.size(), 0);
  }

  template <class Each>  // each(begin, end) of a line; stops where it says false
  void walk(i64 part, Each each) const {
    const char* end = cuts[static_cast<std::size_t>(part + 1)];
    for (const char* at = cuts[static_cast<std::size_t>(part)]; at < end;) {
      const auto* line =
          static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (!each(at, line ? line : end)) return;
      at = line ? line + 1 : end;
    }
  }
};

}  // namespace

bool divide(const char* text, i64 size, const Word& delimiter, i64 width,
            std::vector<TextColumn>& out, i64& n, const Run& run) {
  const Dialect dialect{delimiter, width};
  Lines lines(text, size, run);
  const i64 parts = static_cast<i64>(lines.cuts.size()) - 1;
  bool going = parallel(parts, run, [&](i64 part, int) {
    i64 rows = 0;
    lines.walk(part, [&](const char*, const char*) { return ++rows > 0; });
    lines.starts[static_cast<std::size_t>(part + 1)] = rows;
  });
  for (std::size_t part = 1; part < lines.starts.size(); ++part)
    lines.starts[part] += lines.starts[part - 1];
  n = lines.starts.back();
  out.resize(static_cast<std::size_t>(width));
  std::unique_ptr<std::atomic<bool>[]> is_text(
      new std::atomic<bool>[static_cast<std::size_t>(width)]);
  for (i64 column = 0; column < width; ++column) {
    is_text[static_cast<std::size_t>(column)] = false;
    out[static_cast<std::size_t>(column)].numbers.reset(new i64[static_cast<std::size_t>(n)]);
  }
  std::atomic<bool> unusual{false};
  going = going && parallel(parts, run, [&](i64 part, int) {
            std::vector<Word> cells(static_cast<std::size_t>(width));
            i64 row = lines.starts[static_cast<std::size_t>(part)];
            lines.walk(part, [&](const char* begin, const char* end) {
              if (!fields(begin, end, dialect, cells.data())) unusual = true;
              if (unusual.load(std::memory_order_relaxed)) return false;
              for (std::size_t column = 0; column < cells.size(); ++column)
                if (!is_text[column].load(std::memory_order_relaxed) &&
                    !integer(cells[column], out[column].numbers[static_cast<std::size_t>(row)]))
                  is_text[column] = true;
              return ++row > 0;
            });
          });
  for (std::size_t column = 0; going && !unusual && column < out.size(); ++column) {
    if (!is_text[column]) continue;
    out[column].numbers.reset();
    out[column].codes.reset(new i32[static_cast<std::size_t>(n)]);
    Numbered<Word> whole;
    const auto walk = [&](i64 part, auto visit) {
      std::vector<Word> cells(static_cast<std::size_t>(width));
      i64 row = lines.starts[static_cast<std::size_t>(part)];
      lines.walk(part, [&](const char* begin, const char* end) {
        fields(begin, end, dialect, cells.data());
        visit(row++, cells[column]);
        return true;
      });
    };
    going = number(
        lines.starts, [] { return Hashed<Word>(); }, walk, out[column].codes.get(), whole, run);
    out[column].distinct = std::move(whole.distinct);
  }
  return going && !unusual;
}

}  // namespace penchant
