use std::fmt;

use super::ControllerError;

/// The address of a server, up to and with the version of its protocol: `http://127.0.0.1:8080/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Checks an address. One that names no path gets `/v1`.
    pub fn new(text: &str) -> Result<Self, ControllerError> {
        let wrong = |reason| ControllerError::Address {
            address: text.to_owned(),
            reason,
        };
        let trimmed = text.trim_end_matches('/');
        let rest = trimmed
            .strip_prefix("http://")
            .or_else(|| trimmed.strip_prefix("https://"));
        let rest = rest.ok_or_else(|| wrong("it begins with neither http:// nor https://"))?;
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        if host.contains('@') {
            return Err(wrong(
                "it holds a name or a password; keys come from the environment",
            ));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) || rest.contains(['?', '#']) {
            return Err(wrong("it has more than host, port and path"));
        }
        Ok(Self(match rest.contains('/') {
            true => trimmed.to_owned(),
            false => format!("{trimmed}/v1"),
        }))
    }

    /// The address of a part of the protocol.
    pub fn join(&self, part: &str) -> String {
        format!("{}/{part}", self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key. It is shown nowhere and written nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key in a variable of the environment.
    pub fn from_environment(name: &str) -> Result<Self, ControllerError> {
        let key = std::env::var(name).unwrap_or_default();
        if key.trim().is_empty() {
            return Err(ControllerError::NoKey(name.to_owned()));
        }
        Self::new(key.trim()).ok_or_else(|| ControllerError::BadKey(name.to_owned()))
    }

    /// A key at hand; `None` if it can't be sent in a header.
    pub fn new(key: &str) -> Option<Self> {
        let is_sendable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        is_sendable.then(|| Self(key.to_owned()))
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// The key itself, for a client that writes the header.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// A text in which the key, should it be there, is blotted out.
    pub fn blot(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed_or_refused() {
        let whole = |text| Address::new(text).map(|a| a.join("models"));
        assert_eq!(whole("http://a:1").unwrap(), "http://a:1/v1/models");
        assert_eq!(whole("https://a/x/v2/").unwrap(), "https://a/x/v2/models");
        for wrong in [
            "a:1",
            "ftp://a",
            "http://",
            "http:///v1",
            "http://a b",
            "http://a/v1?key=x",
            "http://me:secret@a/v1",
            "http://a\u{7}",
            "",
        ] {
            assert!(Address::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let key = Key::new("sk-123").unwrap();
        assert_eq!(format!("{key:?}"), "Key(…)");
        assert_eq!(key.blot("bad key sk-123!"), "bad key …!");
        assert_eq!(key.header(), "Bearer sk-123");
        for wrong in ["", "a b", "a\nb", "é"] {
            assert!(Key::new(wrong).is_none(), "{wrong:?}");
        }
        let error = Key::from_environment("RETAKE_TEST_NO_SUCH_KEY").unwrap_err();
        assert!(error.to_string().contains("RETAKE_TEST_NO_SUCH_KEY"));
    }
}
