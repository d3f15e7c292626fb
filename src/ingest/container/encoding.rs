/// What the first bytes of a text file say of its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, after a byte order mark of so many bytes.
    Utf8 {
        /// 0 or 3.
        mark: usize,
    },
    /// Anything else, by its name for `iconv`.
    Other(&'static str),
}

/// Looks at (up to) the first four bytes.
pub(super) fn encoding_of(start: &[u8]) -> Encoding {
    match start {
        [0xEF, 0xBB, 0xBF, ..] => Encoding::Utf8 { mark: 3 },
        [0xFF, 0xFE, 0, 0, ..] | [b'[' | b'{', 0, 0, 0, ..] => Encoding::Other("UTF-32LE"),
        [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, b'[' | b'{', ..] => Encoding::Other("UTF-32BE"),
        [0xFF, 0xFE, ..] | [b'[' | b'{', 0, ..] => Encoding::Other("UTF-16LE"),
        [0xFE, 0xFF, ..] | [0, b'[' | b'{', ..] => Encoding::Other("UTF-16BE"),
        _ => Encoding::Utf8 { mark: 0 },
    }
}
