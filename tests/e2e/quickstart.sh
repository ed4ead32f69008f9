# README's first command, as a newcomer types it.
. "$(dirname "$0")/lib.sh"
check "scripts/quickstart runs to its end" scripts/quickstart
check_said "fetched"
finish
