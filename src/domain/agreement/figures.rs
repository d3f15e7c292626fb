use super::{
    Counts, Ratings, Scale, Undefined, cohen_kappa, krippendorff_alpha, percent_agreement,
};

/// What annotators were asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Whether a trajectory is good.
    Verdict,
    /// Which side of a pair is the better one, or neither, or that the pair is not good.
    PairVerdict,
    /// The label of a step: −1, 0, 1.
    StepLabel,
    /// Which step is the first wrong one.
    FirstWrongStep,
    /// Whether this is a reason to reject it.
    Reason(String),
}

impl Question {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::PairVerdict => "pair-verdict",
            Self::StepLabel => "step-label",
            Self::FirstWrongStep => "first-wrong-step",
            Self::Reason(_) => "reason",
        }
    }

    /// The reason that it is about, if it is about one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Reason(reason) => Some(reason),
            _ => None,
        }
    }
}

/// How far annotators agree on one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How much was compared; `None` where that is withheld.
    pub counts: Option<Counts>,
    /// See [`percent_agreement`].
    pub percent: Result<f64, Undefined>,
    /// See [`cohen_kappa`].
    pub kappa: Result<f64, Undefined>,
    /// See [`krippendorff_alpha`].
    pub alpha: Result<f64, Undefined>,
}

impl Figures {
    /// The figures of some ratings.
    pub fn of<C: Ord + Clone>(ratings: &Ratings<C>, scale: Scale) -> Self {
        Self {
            counts: Some(ratings.counts()),
            percent: percent_agreement(ratings),
            kappa: cohen_kappa(ratings),
            alpha: krippendorff_alpha(ratings, scale),
        }
    }

    /// Those that are not told.
    pub fn withheld() -> Self {
        Self {
            counts: None,
            percent: Err(Undefined::Withheld),
            kappa: Err(Undefined::Withheld),
            alpha: Err(Undefined::Withheld),
        }
    }
}

/// The figures of one question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionFigures {
    /// What was asked.
    pub question: Question,
    /// Of all annotators together.
    pub all: Figures,
    /// Of each two annotators who looked at something both.
    pub pairs: Vec<PairFigures>,
}

/// The figures of two annotators.
#[derive(Debug, Clone, PartialEq)]
pub struct PairFigures {
    /// Their names, in order.
    pub annotators: [String; 2],
    /// How far they agree.
    pub figures: Figures,
}
