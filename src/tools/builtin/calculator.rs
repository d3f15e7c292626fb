use super::arguments::Arguments;
use super::{Failure, Surroundings};
use crate::sandbox::{Answer, Call, Outcome, PythonValue, ToolHost};

/// The functions of `math` that an expression may name.
const KNOWN: &str = "from math import acos, asin, atan, atan2, ceil, comb, cos, degrees, e, exp, factorial, floor, gcd, \
                     lcm, log, log10, log2, perm, pi, radians, sin, sqrt, tan, tau, trunc";

/// Computes in a worker: the expression is Python, and as hostile.
pub(super) fn compute(
    arguments: &Arguments<'_>,
    surroundings: &Surroundings,
) -> Result<PythonValue, Failure> {
    let expression = arguments.text("expression").map_err(Failure::Error)?.trim();
    // As people write it.
    let expression = expression
        .replace('^', "**")
        .replace('×', "*")
        .replace('÷', "/");
    let unavailable = |error: crate::sandbox::SandboxError| Failure::Unavailable(error.to_string());
    let mut session = surroundings.pool.session().map_err(unavailable)?;
    let run = session
        .run(&format!("{KNOWN}\n({expression}\n)"), &mut NoTools)
        .map_err(unavailable)?;
    match run.outcome {
        Outcome::Completed(
            value @ (PythonValue::Int(_)
            | PythonValue::BigInt(_)
            | PythonValue::Float(_)
            | PythonValue::Bool(_)),
        ) => Ok(value),
        Outcome::Completed(_) => Err(Failure::Error(format!("{expression} is no number"))),
        // That it can't be computed here is no mistake of the expression.
        other @ (Outcome::Unsupported(_) | Outcome::Exhausted(_) | Outcome::WorkerDied(_)) => {
            Err(Failure::Unavailable(other.to_string()))
        }
        other => Err(Failure::Error(other.to_string())),
    }
}

struct NoTools;

impl ToolHost for NoTools {
    fn tools(&self) -> Vec<String> {
        Vec::new()
    }

    fn call(&mut self, call: &Call) -> Answer {
        Answer::Unavailable(format!("{} is no function of the calculator", call.name))
    }
}
