use burn::tensor::{Tensor, activation};

use crate::model::ModelError;
use crate::model::config::Section;

/// The function between two layers of a feed-forward part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Activation {
    /// `x · σ(x)`.
    Silu,
    /// With the error function.
    Gelu,
    /// With the hyperbolic tangent in its place.
    GeluTanh,
    /// `x · σ(1.702 x)`.
    QuickGelu,
}

/// The names in configurations.
const NAMES: &[(&str, Activation)] = &[
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("gelu", Activation::Gelu),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("gelu_new", Activation::GeluTanh),
    ("quick_gelu", Activation::QuickGelu),
];

impl Activation {
    /// `hidden_act` of a section; `default` where it is missing.
    pub fn read(section: &Section<'_>, default: Self) -> Result<Self, ModelError> {
        let Some(name) = section.text("hidden_act") else {
            return Ok(default);
        };
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, activation)| *activation).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            let problem = format!("is `{name}`; known are {}", names.join(", "));
            section.error("hidden_act", problem)
        })
    }

    /// Number by number.
    pub fn forward<const D: usize>(self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Silu => activation::silu(input),
            Self::Gelu => activation::gelu(input),
            Self::GeluTanh => activation::gelu_approximate(input),
            Self::QuickGelu => {
                let gate = activation::sigmoid(input.clone().mul_scalar(1.702));
                input * gate
            }
        }
    }
}
