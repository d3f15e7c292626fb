//! MAT training data in the MiniCPM-V form (paper §3a): `{id, image, system-prompt, answer,
//! conversations: [{role, content}], correct, traj_verification}`; a later script moves `system-prompt` to a first turn.

use super::m_trace::{detect_rows, read_row};
use super::{Format, Layout, Sample};

const NAME: &str = "minicpm";

pub(super) const FORMAT: Format = Format {
    name: NAME,
    title: "MAT trajectories in the MiniCPM-V form",
    detect,
    read: |record| read_row(record, NAME),
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let speakers = ["system", "user", "assistant", "tool-response"];
    detect_rows(sample, "role", &speakers)
}
