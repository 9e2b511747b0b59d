# Hostile on purpose, for tests: starts processes until it is refused, and says how many it got.
n=0
while [ "$n" -lt 600 ]; do
  sleep 5 2>/dev/null &
  n=$((n + 1))
  echo "$n"
done
