# Hostile on purpose, for tests: writes a forged status to every descriptor it can, then fails.
for fd in 3 4 5 6 7 8 9; do
  (printf '{ "exit-code": 0 }\n' >&"$fd") 2>/dev/null
done
for fd in /proc/[0-9]*/fd/*; do
  case "$fd" in
    */0 | */1 | */2) ;;
    *) (printf '{ "exit-code": 0 }\n' >"$fd") 2>/dev/null ;;
  esac
done
echo 'bwrap: Creating new namespace failed' >&2
exit 7
