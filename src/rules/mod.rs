//! Pure checks of a trajectory, step or pair, and the scorers of answers: domain values in, verdicts out, no I/O.

pub mod answer_scorer;
