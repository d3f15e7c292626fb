#!/usr/bin/env bash
# All parity of src/model on the first GPU, and the speed of a model of two billion random weights. Usage: device.sh [TEST BINARY]
# A shorter try: RETAKE_LAYERS=4 RETAKE_TOKENS=16 device.sh
set -uo pipefail
source "$(dirname "$0")/parity.sh"

find_binary "${1:-}"
if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
fi
ldconfig -p | grep -q libvulkan || echo "no Vulkan loader: libvulkan1 is missing"
export RETAKE_TEST_DEVICE=gpu
for test in "${PARITY[@]}" model::parity_tests::half_precision_is_near; do
    step 90 "$test"
done
export RETAKE_TOKENS="${RETAKE_TOKENS:-64}" RETAKE_PROMPT="${RETAKE_PROMPT:-1000}"
step 240 --ignored speed_of_two_billion_random_weights
exit $failed
