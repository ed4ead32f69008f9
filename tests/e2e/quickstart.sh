# README's first command, as a newcomer types it.
. "$(dirname "$0")/lib.sh"
check "scripts/quickstart runs to its end" scripts/quickstart
check_said "fetched"
if grep -q "cannot contain jobs" "$work/check.out"; then skip "this kernel lacks what contains jobs"; else check_said "was refused and named"; fi
finish
