//! What trainers take: a writer for each, its rules beside it.

pub(in crate::export) mod axolotl;
pub(in crate::export) mod kto;
pub(in crate::export) mod label_rules;
pub(in crate::export) mod labelled_replies;
pub(in crate::export) mod llama_factory;
pub(in crate::export) mod llamafactory_kto;
pub(in crate::export) mod llamafactory_sft;
pub(in crate::export) mod ms_swift;
pub(in crate::export) mod ms_swift_rules;
pub(in crate::export) mod openai_messages;
pub(in crate::export) mod pref_x;
pub(in crate::export) mod share_gpt;
pub(in crate::export) mod step_labels;
pub(in crate::export) mod trl;
pub(in crate::export) mod trl_preference;
pub(in crate::export) mod trl_prm;
pub(in crate::export) mod trl_rules;
pub(in crate::export) mod trl_sft;
