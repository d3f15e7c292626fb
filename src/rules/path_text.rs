/// Endings of the files that tasks attach and tools take, in lower case.
const FILE_TYPES: &[&str] = &[
    "avi", "bmp", "csv", "doc", "docx", "flac", "gif", "htm", "html", "jpeg", "jpg", "json",
    "jsonl", "jsonld", "m4a", "md", "mkv", "mov", "mp3", "mp4", "ogg", "pdb", "pdf", "pkl", "png",
    "ppt", "pptx", "py", "svg", "tif", "tiff", "tsv", "txt", "wav", "webm", "webp", "xls", "xlsx",
    "xml", "zip",
];

/// Whether a whole text reads as the path of a file: a name with a known ending, no white space, no address.
pub(super) fn looks_like_path(text: &str) -> bool {
    if text.len() > 1024 || text.contains("://") || text.contains(char::is_whitespace) {
        return false;
    }
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let has_stem = stem.contains(char::is_alphanumeric);
    // `%s.png`, `{name}.png` and `*.png` are patterns, not paths.
    let is_pattern = text.contains(['{', '}', '*', '%', '<', '>', '|', '"', '\'', '`']);
    let ending = ending.to_ascii_lowercase();
    has_stem && !is_pattern && FILE_TYPES.contains(&ending.as_str())
}

/// A path without what does not tell files apart: `file://`, `./`, doubled or leading slashes.
pub(super) fn plain_path(path: &str) -> String {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(|p| !matches!(*p, "" | "."))
        .collect();
    parts.join("/")
}

/// Whether two plain paths may name one file: they are equal, or one ends in all of the other.
pub(super) fn may_be_same_file(a: &str, b: &str) -> bool {
    let ends_in = |long: &str, short: &str| {
        long.strip_suffix(short)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    !a.is_empty() && !b.is_empty() && (ends_in(a, b) || ends_in(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_other_text() {
        for path in [
            "a.jpg",
            "data/x/a.PNG",
            ".cache/t.xlsx",
            "C:\\x\\a.pdf",
            "/tmp/a.txt",
            "été.png",
        ] {
            assert!(looks_like_path(path), "{path}");
        }
        for text in [
            "",
            ".png",
            "a/.png",
            "see a.jpg",
            "Node.js",
            "https://x.org/a.png",
            "3.14",
            "{name}.png",
            "*.jpg",
            "a.jpg\n",
            "image/png",
        ] {
            assert!(!looks_like_path(text), "{text}");
        }
    }

    #[test]
    fn plain_paths_compare_by_whole_components() {
        assert_eq!(plain_path("./data//a.jpg"), "data/a.jpg");
        assert_eq!(plain_path("file:///data/a.jpg"), "data/a.jpg");
        assert!(may_be_same_file("data/coco/a.jpg", "coco/a.jpg"));
        assert!(may_be_same_file("a.jpg", "a.jpg"));
        assert!(!may_be_same_file("data/coco/a.jpg", "oco/a.jpg"));
        assert!(!may_be_same_file("data/x/a.jpg", "data/y/a.jpg"));
        assert!(!may_be_same_file("", "a.jpg"));
    }
}
