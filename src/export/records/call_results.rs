//! An observation taken apart into what each call of its step returned.

/// A piece of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::export) struct CallResult<'a> {
    /// The place of the call that returned it; `None` for text that no call returned.
    pub call: Option<usize>,
    /// What it says.
    pub text: &'a str,
}

/// The pieces of an observation whose text is what the calls returned, in whichever order, a line feed between them;
/// `None` where the text is something else. `returned` is what each call returned, where that is known.
pub(in crate::export) fn results_of_calls<'a>(
    returned: &[Option<&'a str>],
    text: &'a str,
) -> Option<Vec<CallResult<'a>>> {
    let mut open: Vec<(usize, &str)> = returned
        .iter()
        .enumerate()
        .filter_map(|(call, result)| Some((call, (*result)?)))
        .collect();
    if open.is_empty() {
        return None;
    }
    let mut results = Vec::with_capacity(open.len());
    let mut rest = text;
    while !rest.is_empty() {
        let fits = |result: &str| {
            let after = rest.strip_prefix(result);
            !result.is_empty() && after.is_some_and(|a| a.is_empty() || a.starts_with('\n'))
        };
        let longest = open
            .iter()
            .enumerate()
            .filter(|(_, (_, result))| fits(result))
            .max_by_key(|(at, (_, result))| (result.len(), usize::MAX - at))
            .map(|(at, _)| at);
        let Some(at) = longest else {
            results.push(CallResult {
                call: None,
                text: rest,
            });
            break;
        };
        let (call, text) = open.remove(at);
        results.push(CallResult {
            call: Some(call),
            text,
        });
        let after = rest.strip_prefix(text).unwrap_or_default();
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    if open.iter().any(|(_, result)| !result.is_empty()) {
        return None;
    }
    let silent = open.into_iter().map(|(call, text)| CallResult {
        call: Some(call),
        text,
    });
    results.extend(silent);
    Some(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_belong_to_the_calls_that_returned_them() {
        let pieces = |returned: &[Option<&'static str>], text: &'static str| {
            let results = results_of_calls(returned, text)?;
            Some(
                results
                    .into_iter()
                    .map(|r| (r.call, r.text))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            pieces(&[Some("one"), Some("two")], "two\none"),
            Some(vec![(Some(1), "two"), (Some(0), "one")])
        );
        // The longest that fits, and what nobody returned at the end.
        assert_eq!(
            pieces(&[Some("a"), Some("a\nb"), Some("")], "a\nb\na\nmore"),
            Some(vec![
                (Some(1), "a\nb"),
                (Some(0), "a"),
                (None, "more"),
                (Some(2), "")
            ])
        );
        assert_eq!(pieces(&[Some("a"), Some("b")], "a\nc"), None);
        assert_eq!(pieces(&[None], "a"), None);
    }
}
