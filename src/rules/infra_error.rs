use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Flag, Place, Rule, RuleContext};
use crate::domain::Trajectory;

const NAME: &str = "infra-error";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "An observation that shows a failure of the infrastructure, not of the agent: an HTTP status 429 or 5xx, \
          `Internal Server Error`, CUDA out of memory, a refused, reset or timed-out connection, a rate limit, \
          `LLM output failed. No output generated.` Looked for in observations that are errors and in short ones, so that \
          a long page about such things does not fire; a number alone (`500 people`) never does.",
    check,
};

/// What a failed generation leaves in place of a reply (paper §5).
const NO_OUTPUT: &str = "LLM output failed. No output generated.";

/// An observation that is not marked as an error may be a web page; a failure that a tool prints is shorter than this.
const MAX_UNMARKED: usize = 1_000;

/// How failures of the infrastructure are written.
const PATTERNS: &[&str] = &[
    // A status with a word that makes it one: `Error code: 429`, `HTTP 503`, `status_code=500`, `'code': '429'`.
    r"(?i:\berror code|\bstatus[ _]?code|\bhttp(?:/\d(?:\.\d)?)?(?: status| error)?(?: code)?|['\x22](?:code|status)['\x22])[ :=]{0,3}['\x22]?(?:429|5\d\d)\b",
    // A status with its reason.
    r"\b(?:429 Too Many Requests|5\d\d (?:Internal )?Server Error|502 Bad Gateway|503 Service (?:Temporarily )?Unavailable|504 Gateway Time-?[Oo]ut)",
    r"\b(?:Internal Server Error|Too Many Requests|Bad Gateway|Gateway Time-?[Oo]ut)\b",
    r"\bCUDA out of memory|\b(?:torch\.|cuda\.)?OutOfMemoryError\b|\bCUDA error:",
    // Exceptions of Python's network libraries and of model clients.
    r"\b(?:API)?(?:Connection|ConnectionReset|ConnectionRefused|ConnectionAborted|BrokenPipe|Timeout|Proxy|SSL|MaxRetry|NewConnection|RateLimit|InternalServer|ServiceUnavailable)Error\b",
    r"\b(?:ConnectTimeout|ReadTimeout|ReadTimeoutError|ConnectTimeoutError|RemoteDisconnected)\b",
    r"(?i:\bconnection (?:refused|reset by peer|timed out|aborted)|\b(?:request|read|operation) timed out|\bmax retries exceeded)",
    r"(?i:\brate limit(?: is| was)? (?:exceeded|reached)|\bexceeded (?:your |the )?(?:current |call |token |request )*(?:rate limit|quota))",
    r"LLM output failed\. No output generated\.",
];

fn check(trajectory: &Trajectory, _: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    for (index, step) in trajectory.steps.iter().enumerate() {
        let observation = step.observation.as_ref();
        let found = observation
            .filter(|o| o.is_error || o.text.len() <= MAX_UNMARKED)
            .and_then(|o| Some((&o.text, Place::Observation, find(&o.text)?)))
            .or_else(|| {
                let thought = step.thought.as_ref().filter(|_| step.action.is_none())?;
                let start = thought.find(NO_OUTPUT)?;
                Some((thought, Place::Thought, start..start + NO_OUTPUT.len()))
            });
        if let Some((text, place, range)) = found {
            let quote = text.get(range.clone()).unwrap_or_default();
            let message = format!("the infrastructure failed: {quote}");
            flags.push(Flag::at_step(NAME, index, place, message).over(range));
        }
    }
}

fn find(text: &str) -> Option<Range<usize>> {
    // Without Unicode's word boundaries and case folding the search is several times as fast; all patterns are ASCII.
    static ALL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!("(?-u){}", PATTERNS.join("|"))).ok());
    ALL.as_ref()?.find(text).map(|found| found.range())
}

#[cfg(test)]
mod tests {
    use crate::domain::{Observation, Step};
    use crate::rules::Place;
    use crate::rules::sample::{code, failed, flags_of, trajectory};

    #[test]
    fn failures_of_the_infrastructure_are_found_where_they_stand() {
        for (text, quote) in [
            ("Error code: 429 - {'error': 1}", "Error code: 429"),
            ("é HTTP 503 from host", "HTTP 503"),
            ("HTTP/1.1 500", "HTTP/1.1 500"),
            ("HTTP Error 502: Bad", "HTTP Error 502"),
            ("status_code=500", "status_code=500"),
            ("{'code': '429'}", "'code': '429"),
            ("{\"status\": 503}", "\"status\": 503"),
            ("503 Service Unavailable", "503 Service Unavailable"),
            ("x Internal Server Error", "Internal Server Error"),
            (
                "RuntimeError: CUDA out of memory. Tried",
                "CUDA out of memory",
            ),
            ("requests.exceptions.ConnectionError: x", "ConnectionError"),
            ("openai.APIConnectionError: x", "APIConnectionError"),
            ("TimeoutError", "TimeoutError"),
            ("ReadTimeout: HTTPSConnectionPool", "ReadTimeout"),
            ("[Errno 111] Connection refused", "Connection refused"),
            ("Max retries exceeded with url", "Max retries exceeded"),
            (
                "You exceeded your current quota",
                "exceeded your current quota",
            ),
            (
                "LLM output failed. No output generated.",
                "LLM output failed. No output generated.",
            ),
        ] {
            for step in [code("f()", text), failed(code("f()", text))] {
                let found = flags_of(super::NAME, &trajectory([code("g()", "fine"), step]));
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!(
                    (found[0].step, found[0].field),
                    (Some(2), Place::Observation)
                );
                assert_eq!(&text[found[0].range.clone().expect("range")], quote);
            }
        }
    }

    #[test]
    fn numbers_and_long_prose_are_not() {
        for text in [
            "500 people",
            "code 512",
            "There were 429 species and 503 rivers",
            "error 404",
            "HTTP 404",
            "Error code: 400",
            "status: 200",
            "'code': '4290'",
            "the connection between a and b",
            "the fortune 500",
            "an error of 500 km",
        ] {
            assert!(
                flags_of(super::NAME, &trajectory([failed(code("f()", text))])).is_empty(),
                "{text}"
            );
        }
        let page = format!(
            "HTTP 500 means that a server failed. {}",
            "More of it. ".repeat(100)
        );
        assert!(flags_of(super::NAME, &trajectory([code("f()", &page)])).is_empty());
        assert_eq!(
            flags_of(super::NAME, &trajectory([failed(code("f()", &page))])).len(),
            1
        );
    }

    #[test]
    fn a_failed_generation_is_found_in_the_reply() {
        let step = Step {
            thought: Some(super::NO_OUTPUT.to_owned()),
            observation: Some(Observation::default()),
            ..Step::default()
        };
        let found = flags_of(super::NAME, &trajectory([step]));
        assert_eq!(found[0].field, Place::Thought);
        assert_eq!(found[0].range, Some(0..super::NO_OUTPUT.len()));
    }
}
