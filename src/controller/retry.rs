use std::time::Duration;

/// How often a request is sent again, and how long is waited before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Times that it is sent again.
    pub retries: u32,
    /// Before the first time; it doubles with each.
    pub first: Duration,
    /// At most, whatever the server asks for.
    pub longest: Duration,
    /// Whether it is sent again, too, where the server can't be reached at all.
    pub waits_for_server: bool,
}

impl Default for RetryPolicy {
    /// Four times, after 0.5, 1, 2 and 4 s.
    fn default() -> Self {
        Self {
            retries: 4,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            waits_for_server: true,
        }
    }
}

impl RetryPolicy {
    /// How long to wait before the try number `number` from 1 on; `None` for no further try. `asked` is what the server says in
    /// `Retry-After`.
    pub fn wait(&self, number: u32, asked: Option<Duration>) -> Option<Duration> {
        if number == 0 || number > self.retries {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << (number - 1).min(16));
        Some(asked.unwrap_or(doubled).min(self.longest))
    }

    /// Whether a status may be another one next time.
    pub(super) fn is_passing(status: u16) -> bool {
        matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let policy = RetryPolicy::default();
        let waits: Vec<u128> = (1..=5)
            .filter_map(|n| policy.wait(n, None))
            .map(|wait| wait.as_millis())
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000]);
        let asked = |seconds| policy.wait(1, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(3), Some(Duration::from_secs(3)));
        assert_eq!(asked(9000), Some(policy.longest));
        assert!(RetryPolicy::is_passing(429) && !RetryPolicy::is_passing(401));
    }
}
