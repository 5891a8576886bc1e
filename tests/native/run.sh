#!/usr/bin/env sh
# Builds the native tests under a sanitizer and runs them: run.sh BIN SANITIZER [one level only].
set -eu
bin=$1 sanitizer=$2
build=build/native-$(echo "$sanitizer" | tr , -)
PATH=$bin:$PATH
cmake -G Ninja -S tests/native -B "$build" -DSANITIZE="$sanitizer" > /dev/null
if ! printf "int main() {}" | c++ -x c++ -fsanitize="$sanitizer" -o "$build/empty" - 2> /dev/null; then
  echo "native tests skipped: this compiler has no sanitizer for $sanitizer"
  exit 0
fi
ninja -C "$build" --quiet
quiet=
if [ "$sanitizer" = thread ]; then
  quiet="setarch -R"
  if ! $quiet "$build/empty" 2> /dev/null; then
    echo "native tests skipped: the thread sanitizer does not run here; sysctl vm.mmap_rnd_bits=28 helps on some systems"
    exit 0
  fi
fi
echo "native tests, $sanitizer:"
$quiet "$build/native_tests" ${3:+"$3"}
