#!/usr/bin/env bash
# All parity of src/model on wgpu with Mesa's lavapipe. Usage: lavapipe.sh [TEST BINARY]
# VK_DRIVER_FILES names the driver's file where it is not in the usual place.
set -uo pipefail
source "$(dirname "$0")/parity.sh"

if [[ -z "${VK_DRIVER_FILES:-}" ]]; then
    drivers=(/usr/share/vulkan/icd.d/lvp_icd*.json)
    [[ -e "${drivers[0]}" ]] || { echo "skipped: no lavapipe; it comes with mesa-vulkan-drivers"; exit 0; }
    export VK_DRIVER_FILES="${drivers[0]}"
fi
find_binary "${1:-}"
export RETAKE_TEST_DEVICE=software
# Tuning tries many shaders, each of which a compiler for the CPU takes a while for: as few as can be.
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder" || exit 1
printf '[autotune]\nlevel = "minimal"\n' >cubecl.toml
# The project's own fixtures alone: the larger ones take too long here.
export RETAKE_SHARED="$folder"
for test in "${PARITY[@]}"; do
    step "${RETAKE_STEP_SECONDS:-1200}" "$test"
done
exit $failed
