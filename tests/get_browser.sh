#!/bin/sh
# Chromium for the tests of the map, where this user may install it; else those tests are skipped.
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
echo "installing chromium for the browser tests"
apt-get install -y -qq chromium >/dev/null 2>&1 ||
  { apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 ||
  echo "chromium could not be installed: the browser tests are skipped"
