//! SmolVLM. What computes is that of Idefics3; settings of its image processor differ. Source: `modeling_smolvlm.py` of
//! `transformers`.

use super::architecture::Architecture;
use super::idefics3::Idefics3;

/// Its row among the architectures.
pub(super) const ARCHITECTURE: Architecture = Architecture {
    model_type: "smolvlm",
    title: "SmolVLM",
    read: |whole| Ok(Box::new(Idefics3::read(whole)?)),
};
