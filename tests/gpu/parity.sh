# Sourced by the scripts beside it: the test binary, and a step with a limit of its own, so that one that hangs leaves time to the others.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export RETAKE_PACKAGE="${RETAKE_PACKAGE:-$(dirname "$(dirname "$here")")}"
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}" RUST_BACKTRACE=1
failed=0

# Sets $binary: what was given, or what cargo builds.
find_binary() {
    binary="${1:-}"
    if [[ -z "$binary" ]]; then
        local built
        built="$(cd "$RETAKE_PACKAGE" && cargo test --release --features gpu --lib --no-run 2>&1 | tee /dev/stderr)" || exit 1
        binary="$(sed -n 's/.*Executable.*(\(.*\))/\1/p' <<<"$built" | tail -1)"
        [[ "$binary" = /* ]] || binary="$RETAKE_PACKAGE/$binary"
    fi
    binary="$(realpath "$binary")"
    [[ -x "$binary" ]] || { echo "there is no test binary $binary" >&2; exit 1; }
}

# step SECONDS ARGUMENTS…
step() {
    local limit="$1" start=$SECONDS code=0
    shift
    timeout "$limit" "$binary" --nocapture --test-threads=1 "$@" || code=$?
    echo "== $*: ended with $code after $((SECONDS - start)) s (at most $limit)"
    [[ $code = 0 ]] || failed=1
}

PARITY=(
    model::self_test::tests::the_device_that_is_tried_passes
    model::parity_tests::logits_are_the_references
    model::parity_tests::greedy_tokens_are_the_references
    model::parity_tests::a_cached_beginning_changes_nothing
    model::parity_tests::batched_and_left_padded_prompts_are_as_single_ones
    model::parity_tests::candidates_that_share_a_prompt_are_as_single_ones
)
