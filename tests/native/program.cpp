// Every kernel at every instruction-set level of this processor, for sanitizers to watch; Python
// takes no part.
#include <string>

#include "check.hpp"

using namespace penchant;

// "pool": nothing but the pool; "quick": all else, at the level in use, without what is large.
int main(int arguments, char** argument) {
  const std::string wanted = arguments > 1 ? argument[1] : "all";
  const bool quick = wanted == "quick";
  if (!quick) test_pool();
  if (wanted == "pool") return 0;
  test_ids();
  test_rows();
  if (!quick) test_large_catalogue();
  const std::string usual = level().name;
  for (const std::string name : {"baseline", "avx2", "avx512"}) {
    if (quick && name != usual) continue;
    if (!choose_level(name.c_str())) {
      std::printf("%s: not on this processor\n", name.c_str());
      continue;
    }
    test_nearest();
    test_similar();
    test_scores();
    test_factors();
    test_descents();
    test_columns();
    test_gibbs();
    std::printf("%s: passed\n", name.c_str());
  }
}
